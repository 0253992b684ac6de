"""What Dagster has recorded about the ticks of a sensor."""

import dagster as dg


class Ticks:
    """The newest ticks of one sensor."""

    def __init__(self, instance: dg.DagsterInstance, sensor: str) -> None:
        self._instance = instance
        self._sensor = sensor

    def is_running(self, since: float) -> bool:
        """Whether a tick has begun since then and not ended; older ones were cut short."""
        return any(status == "STARTED" and began > since for began, status, _ in self._newest(1))

    def found_nothing_since(self, moment: float) -> bool:
        """Whether the newest tick began after the moment and had nothing new to report."""
        return any(
            began > moment and status == "SKIPPED" and reason.startswith("Nothing new")
            for began, status, reason in self._newest(1)
        )

    def _newest(self, limit: int) -> list[tuple[float, str, str]]:
        states = self._instance.all_instigator_state()
        state = next((each for each in states if each.instigator_name == self._sensor), None)
        if state is None:
            return []
        ticks = self._instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=limit)
        return [(tick.timestamp, tick.status.value, tick.skip_reason or "") for tick in ticks]
