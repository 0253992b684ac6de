"""What all sensors and their ticks begin with: definitions, the time, and how much of it; and how
a tick fails."""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import table_of_spec
from dagster_airbyte_sync.resources import AirbyteError, AirbyteSettingsError, AirbyteUnavailable

# In this order; Dagster reads them once, in the daemon and in the code server.
_VARIABLES = ("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "DAGSTER_GRPC_TIMEOUT_SECONDS")
_DEFAULT_LIMIT = 60.0
# All sensors of a deployment share one thread by default, so no tick should take it for longer.
_LONGEST = 40.0


def tick_seconds(environ: Mapping[str, str] = os.environ) -> float:
    """Two thirds of the daemon's limit for a sensor tick, at most 40 s, and never less than zero.

    The rest is for what cannot be cut short: the last answer, and Dagster's own reading.
    """
    limits = (_seconds(environ.get(name)) for name in _VARIABLES)
    limit = next((each for each in limits if each is not None), _DEFAULT_LIMIT)
    return min(limit * 2 / 3, _LONGEST)


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value) if value else None
    except ValueError:
        return None
    return seconds if seconds is not None and math.isfinite(seconds) and seconds > 0 else None


def now_seconds() -> int:
    """Dagster's clock, in epoch seconds."""
    return int(time.time())


@dataclass(frozen=True)
class Clocks:
    """The time of Dagster (epoch seconds) and of Airbyte, at one moment."""

    dagster: int
    airbyte: datetime

    @property
    def skew(self) -> timedelta:
        """Airbyte's clock minus Dagster's."""
        return self.airbyte - datetime.fromtimestamp(self.dagster, timezone.utc)


class NeededResource(str):
    """The key of the resource that a sensor reads its workspace from.

    If the code location has none under it, Dagster raises a KeyError before the sensor is called,
    and shows the key as Python would write it: this one then says what to do.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return (
            f"'{self}' is not a resource of this code location, and the sensor needs it to ask"
            f" Airbyte: give Definitions(resources={{'{self}': workspace}}), or build the sensor"
            " with resource_key=, the name that the workspace has among the resources."
        )


class TickFailed(AirbyteError, dg.DagsterError):
    """Raised by a tick that cannot do without Airbyte; the text is one sentence, or two.

    It is a DagsterError because Dagster puts any other error into one of its own, and then shows
    both with all their frames.
    """


def tick_failed(context: dg.SensorEvaluationContext, error: AirbyteError, last: str) -> TickFailed:
    """What to raise for an error that ends a tick, `from None`; it is one line in the tick's log.

    `last` says how far the sensor had come.
    """
    why = str(error)
    if isinstance(error, AirbyteUnavailable):
        why = f"Airbyte does not answer; the next tick continues from here: {why}"
    failed = TickFailed(f"{why}{'' if why.endswith(('.', '?')) else '.'} {last}".strip())
    context.log.error(str(failed))
    return failed


def last_sync_reported(context: dg.SensorEvaluationContext, workspace_id: str | None) -> str:
    """The newest materialization here that a sync of the workspace stands behind; one look into the
    event log. Where the workspace is not known, of all of the code location."""
    repository = context.repository_def
    if repository is None:
        return ""
    specs = (each.get_asset_spec(key) for key, each in repository.assets_defs_by_key.items())
    own = [spec.key for spec in specs if table_of_spec(spec)]
    records = context.instance.get_asset_records(own) if own else []
    entries = (each.asset_entry.last_materialization for each in records)
    known = (each for each in entries if each and each.asset_materialization)
    where = "" if workspace_id else " in this code location"
    for entry in sorted(known, key=lambda each: each.timestamp, reverse=True):
        made = entry.asset_materialization
        job_id = made and keys.int_in(made.metadata, keys.JOB_ID)
        if made and job_id is not None and _is_of(made, workspace_id):
            name = keys.text_in(made.metadata, keys.CONNECTION_NAME) or "an unnamed connection"
            at = datetime.fromtimestamp(entry.timestamp, timezone.utc)
            when = f"{at:%Y-%m-%d %H:%M:%S} UTC"
            return f"The last sync reported{where} was job {job_id} of {name!r}, at {when}."
    return "No sync has been reported here yet."


def _is_of(made: dg.AssetMaterialization, workspace_id: str | None) -> bool:
    """Whether a sync of the workspace made it, which the link to its job says."""
    link = keys.text_in(made.metadata, keys.JOB_URL) or ""
    return workspace_id is None or f"/workspaces/{workspace_id}/" in link


def repository_of(context: dg.SensorEvaluationContext) -> dg.RepositoryDefinition:
    """The definitions that the sensor belongs to. Raises AirbyteSettingsError."""
    if context.repository_def is None:
        raise AirbyteSettingsError(
            "The sensor must know the definitions it belongs to. In a test:"
            " build_sensor_context(definitions=defs, ...)."
        )
    return context.repository_def


def refuse_bad_times(
    minimum_interval_seconds: int, start_from: datetime | timedelta | None = None
) -> None:
    """Raise AirbyteSettingsError for what a sensor cannot begin or go on with."""
    if not isinstance(minimum_interval_seconds, int) or minimum_interval_seconds < 1:
        # Dagster would silently make it 30.
        raise AirbyteSettingsError(
            f"minimum_interval_seconds is {minimum_interval_seconds!r}: give a whole number of"
            " seconds, at least 1."
        )
    if not isinstance(start_from, datetime | timedelta | None):
        raise AirbyteSettingsError(
            f"start_from is {start_from!r}: give a time such as datetime(2026, 1, 31,"
            " tzinfo=timezone.utc), or how long ago, such as timedelta(hours=2)."
        )
    if isinstance(start_from, datetime) and start_from.tzinfo is None:
        raise AirbyteSettingsError(
            "start_from has no time zone: use datetime(..., tzinfo=timezone.utc)."
        )
    if isinstance(start_from, timedelta) and start_from < timedelta(0):
        raise AirbyteSettingsError("start_from must not be negative: it says how long ago.")


def refuse_bad_share(share: float) -> None:
    """Raise AirbyteSettingsError for a part of the interval that is none."""
    if not 0 < share < math.inf:
        raise AirbyteSettingsError(
            f"storing_share is {share!r}, and must be more than 0: 0.5 lets Dagster store what a"
            " tick reports for half of the time between two ticks."
        )
