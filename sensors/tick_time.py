"""How long one tick may take, from the limit that Dagster's daemon sets."""

import math
import os
from collections.abc import Mapping

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
