"""What Dagster has recorded about the ticks of a sensor."""

import math
from collections.abc import Sequence

import dagster as dg

from helpers.dagster_private import InstigatorTick
from helpers.doubles import Span


class Ticks:
    """The newest ticks of one sensor."""

    def __init__(self, instance: dg.DagsterInstance, sensor: str) -> None:
        self._instance = instance
        self._sensor = sensor

    def newest(self, limit: int) -> Sequence[InstigatorTick]:
        """The newest first."""
        return self._ticks(limit)

    def is_running(self, since: float) -> bool:
        """Whether a tick has begun since then and not ended; older ones were cut short."""
        return any(status == "STARTED" and began > since for began, status, _ in self._newest(1))

    def found_nothing_since(self, moment: float) -> bool:
        """Whether the newest tick began after the moment and had nothing new to report."""
        return any(
            began > moment and status == "SKIPPED" and reason.startswith("Nothing new")
            for began, status, reason in self._newest(1)
        )

    def failed_since(self, moment: float) -> bool:
        """Whether the newest tick began after the moment and has failed."""
        return any(began > moment and status == "FAILURE" for began, status, _ in self._newest(1))

    def spans_since(self, moment: float, cut_short: float = math.inf) -> list[Span]:
        """Of those that began after the moment. One without an end was cut short then, at most."""
        ticks = (tick for tick in self._ticks(None) if tick.timestamp > moment)
        return [Span(tick.timestamp, tick.end_timestamp or cut_short) for tick in ticks]

    def _newest(self, limit: int) -> list[tuple[float, str, str]]:
        ticks = self._ticks(limit)
        return [(tick.timestamp, tick.status.value, tick.skip_reason or "") for tick in ticks]

    def _ticks(self, limit: int | None) -> Sequence[InstigatorTick]:
        states = self._instance.all_instigator_state()
        state = next((each for each in states if each.instigator_name == self._sensor), None)
        if state is None:
            return []
        return self._instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=limit)
