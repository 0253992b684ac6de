"""The sensor that starts a job for each sync that went wrong, or stays away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import dagster as dg

from dagster_airbyte_sync.assets.tables.table import ConnectionSelector
from dagster_airbyte_sync.resources import (
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    as_workspace,
)
from dagster_airbyte_sync.sensors.failures.failure_tick import Watching
from dagster_airbyte_sync.sensors.failures.late import LateAfter
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind
from dagster_airbyte_sync.sensors.failures.starting import Start, Started
from dagster_airbyte_sync.sensors.polling_sensor import DEFAULT_LOOK_BACK, NamedJob
from dagster_airbyte_sync.sensors.tick_basics import NeededResource, refuse_bad_times

# LATE is said by late_after.
_KINDS = tuple(kind.value for kind in ProblemKind if kind is not ProblemKind.LATE)
_DEFAULT_KINDS = ("failed", "cancelled")


@dataclass(frozen=True)
class OnFailure:
    """What is started when a sync fails: for `build_airbyte_definitions(on_failure=...)`.

    The fields are arguments of `build_airbyte_failure_sensor`. Of its others, `resource_key`,
    `connection_selector_fn` and `default_sensor_status` are those of the whole, and
    `minimum_interval_seconds` and `start_from` have their defaults. Raises AirbyteSettingsError for
    a `start` that cannot be started.
    """

    start: Start
    jobs: Sequence[NamedJob] = ()
    kinds: Sequence[str] = _DEFAULT_KINDS
    late_after: timedelta | bool | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        Started.of(self.start, self.jobs)


def build_airbyte_failure_sensor(
    *,
    workspace: BaseAirbyteWorkspace,
    start: Start,
    resource_key: str = "airbyte",
    connection_selector_fn: ConnectionSelector | None = None,
    jobs: Sequence[NamedJob] = (),
    kinds: Sequence[str] = _DEFAULT_KINDS,
    late_after: timedelta | bool | None = None,
    name: str | None = None,
    minimum_interval_seconds: int = 60,
    default_sensor_status: dg.DefaultSensorStatus | None = None,
    start_from: datetime | timedelta | None = None,
) -> dg.SensorDefinition:
    """A sensor that starts a job for each sync that failed, was cancelled, was empty, or is late.

    The job's run has the problem in its tags: `SyncProblem.from_run_tags(context.run.tags)`. Each
    problem is started for once, whoever started the sync. Of several in one tick the newest stands
    for all of its connection and kind; of a backlog, one in ten minutes. The sensor that reports
    syncs is another one, since a sensor of Dagster starts either assets or jobs.

    Args:
        workspace: The workspace to read; at each tick the resource under `resource_key` is used.
        start: The job; or the name of a job of the code location; or a function of a SyncProblem
            that returns a RunRequest, or None for no run. If the function raises, that is logged,
            and it is asked again: at each tick for an hour, for a late connection at each look. A
            request that Dagster would refuse is logged and costs only this one run. Without
            `run_key` a request gets one that makes it once only; one of your own is yours to keep
            apart.
        connection_selector_fn: Which connections to look at. Default: all of the workspace.
        jobs: The jobs that requests of the function may name. If one of them needs resources,
            Dagster makes the sensor anew and warns of `owners`, which is new in Dagster itself.
        kinds: Of "failed", "cancelled" and "empty" (a sync that succeeded without a row).
        late_after: As well, when no sync was reported of a connection's tables in this code
            location for so long, and Airbyte says that none runs (which the check
            `airbyte_connection` finds too long) or succeeded within that time; once, until one is
            reported. True: for as long as the time windows of their own
            freshness policies say (`freshness_from_airbyte_schedule=True` gives them some). For a
            connection of which none ever was, its creation counts. One that is paused or deleted
            is not late. It is looked at every five minutes, from ten minutes after the sensor was
            turned on.
        name: Default: the resource key and "_failure_sensor". A sensor of another name has no
            memory of what the first one started.
        minimum_interval_seconds: Time between the starts of two ticks.
        default_sensor_status: Default: running.
        start_from: On the first tick, look at syncs that ended since then: a time with a zone, or
            so long ago on Airbyte's clock. Default: ten minutes ago.

    Raises AirbyteSettingsError for arguments that cannot work.
    """
    as_workspace(workspace)
    refuse_bad_times(minimum_interval_seconds, start_from)
    watching = Watching(
        resource_key=resource_key,
        started=Started.of(start, jobs),
        selector=connection_selector_fn,
        kinds=_kinds(kinds, is_empty_fine=bool(late_after)),
        late_after=_late_after(late_after),
        start_from=start_from if start_from is not None else DEFAULT_LOOK_BACK,
        interval=minimum_interval_seconds,
    )
    of_location = watching.started.name_in_location

    @dg.sensor(
        name=name or f"{resource_key}_failure_sensor",
        description="Starts a job for each Airbyte sync that went wrong, or stays away.",
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_sensor_status or dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={NeededResource(resource_key)},
        job_name=of_location,
        jobs=None if of_location else cast(list[dg.JobDefinition], list(watching.started.jobs)),
    )
    def airbyte_failure_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return watching.tick(context)

    return airbyte_failure_sensor


def _kinds(kinds: Sequence[str], *, is_empty_fine: bool) -> frozenset[ProblemKind]:
    wanted = [kinds] if isinstance(kinds, str) else list(kinds)
    if ProblemKind.LATE in wanted:
        raise AirbyteSettingsError(
            'kinds has "late", which late_after says: give late_after=timedelta(hours=26), or'
            " late_after=True for the tables' freshness policies."
        )
    unknown = [kind for kind in wanted if kind not in _KINDS]
    if unknown:
        raise AirbyteSettingsError(f"kinds has {unknown[0]!r}: give some of {', '.join(_KINDS)}.")
    if not wanted and not is_empty_fine:
        raise AirbyteSettingsError("kinds is empty, so the sensor would do nothing: name some.")
    return frozenset(map(ProblemKind, wanted))


def _late_after(late_after: timedelta | bool | None) -> LateAfter:
    if late_after is None or isinstance(late_after, bool):
        return late_after or False
    if not isinstance(late_after, timedelta) or late_after <= timedelta(0):
        raise AirbyteSettingsError(
            f"late_after is {late_after!r}: give a time such as timedelta(hours=26), or True."
        )
    return late_after
