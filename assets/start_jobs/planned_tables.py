"""Which assets a run plans to materialize: read once for each run, as a plan never changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

import dagster as dg
from cachetools import LRUCache

from dagster_airbyte_sync.assets.event_log.records import run_events

# Each asset, with its step.
Plan = Mapping[dg.AssetKey, str | None]

# So many runs and planned assets are remembered, for all schedules of the process together.
_MOST_REMEMBERED = 50_000


def _size(plan: Plan) -> int:
    return 1 + len(plan)


@dataclass
class Plans:
    """The plans of runs, by run id. Schedules are evaluated in several threads of one process."""

    _known: LRUCache[str, Plan] = field(
        default_factory=lambda: LRUCache(_MOST_REMEMBERED, getsizeof=_size)
    )
    _lock: Lock = field(default_factory=Lock)

    def known(self, run_id: str) -> Plan | None:
        with self._lock:
            return self._known.get(run_id)

    def read(self, instance: dg.DagsterInstance, run: dg.DagsterRun) -> Plan:
        plan = _read(instance, run.run_id)
        # Dagster stores a run before its plan, and has stored both once the run goes on.
        is_whole = run.status is not dg.DagsterRunStatus.NOT_STARTED
        if is_whole and _size(plan) <= _MOST_REMEMBERED:
            with self._lock:
                self._known[run.run_id] = plan
        return plan


def _read(instance: dg.DagsterInstance, run_id: str) -> Plan:
    planned = {dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
    events = (each.event_log_entry.dagster_event for each in run_events(instance, run_id, planned))
    return {each.asset_key: each.step_key for each in events if each and each.asset_key}
