"""Steps that lived on when their run was over in Dagster, as its event log shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

_BEGUN = dg.DagsterEventType.RUN_START
_OVER = {dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED}
_REPORT = dg.DagsterEventType.ASSET_MATERIALIZATION
_STEP_ENDS = {dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE}
_SAYS = "This run is over in Dagster"


@dataclass(frozen=True)
class Orphan:
    """Whether its step said why it reports nothing, and how long (seconds) after the end of its run
    it still reported something."""

    run_id: str
    said_so: bool
    reported_for: float


def orphans_in(instance: dg.DagsterInstance) -> list[Orphan]:
    run_ids = [record.dagster_run.run_id for record in instance.get_run_records()]
    found = (_orphan(run_id, _events(instance, run_id)) for run_id in run_ids)
    return [orphan for orphan in found if orphan is not None]


def summary_of(orphans: Sequence[Orphan]) -> str:
    said_so = sum(orphan.said_so for orphan in orphans)
    longest = max((orphan.reported_for for orphan in orphans), default=0.0)
    return f"{len(orphans)} orphans ({said_so} said so, the last report after {longest:.1f} s)"


def _events(instance: dg.DagsterInstance, run_id: str) -> list[dg.EventLogEntry]:
    kinds = {_BEGUN, *_OVER, *_STEP_ENDS, _REPORT}
    page = instance.get_records_for_run(run_id, of_type=kinds)
    return [record.event_log_entry for record in page.records]


def _orphan(run_id: str, events: Sequence[dg.EventLogEntry]) -> Orphan | None:
    over = _place_of_end(events)
    if over is None:
        return None
    ended_at = events[over].timestamp
    after = [event for event in events[over:] if _kind(event) not in _OVER]
    reported_for = [event.timestamp - ended_at for event in after if _kind(event) is _REPORT]
    said_so = any(_SAYS in _failure_text(event) for event in after)
    return Orphan(run_id, said_so, max(reported_for, default=0.0)) if after else None


def _place_of_end(events: Sequence[dg.EventLogEntry]) -> int | None:
    """Where the run was over. What was failed before it began is alive again once it begins."""
    kinds = [_kind(event) for event in events]
    begun = kinds.index(_BEGUN) if _BEGUN in kinds else 0
    return next((place for place in range(begun, len(kinds)) if kinds[place] in _OVER), None)


def _kind(entry: dg.EventLogEntry) -> dg.DagsterEventType | None:
    return entry.dagster_event.event_type if entry.dagster_event else None


def _failure_text(entry: dg.EventLogEntry) -> str:
    event = entry.dagster_event
    if event is None or event.event_type is not dg.DagsterEventType.STEP_FAILURE:
        return ""
    said = event.step_failure_data.user_failure_data
    return (said.description if said else None) or ""
