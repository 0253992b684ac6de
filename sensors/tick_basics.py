"""What all sensors and their ticks begin with: definitions, the time, and how much of it."""

import math
import os
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

import dagster as dg

from dagster_airbyte_sync.resources import AirbyteSettingsError

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
    if minimum_interval_seconds < 1:
        # Dagster would silently make it 30.
        raise AirbyteSettingsError("minimum_interval_seconds must be at least 1.")
    if isinstance(start_from, datetime) and start_from.tzinfo is None:
        raise AirbyteSettingsError(
            "start_from has no time zone: use datetime(..., tzinfo=timezone.utc)."
        )
    if isinstance(start_from, timedelta) and start_from < timedelta(0):
        raise AirbyteSettingsError("start_from must not be negative: it says how long ago.")
