"""One line that says what a tick did; the UI shows it beside the tick."""

from dagster_airbyte_sync.sensors.bookmark import Bookmark
from dagster_airbyte_sync.sensors.decide import Decision
from dagster_airbyte_sync.sensors.scan import Scan


def summary_of(scan: Scan, decision: Decision, moved: Bookmark) -> str:
    """What was told, what waits, and how far the history is read (Airbyte's clock)."""
    fresh = [told for told in decision.told if told.makes_fresh]
    others = sum(told.is_ours for told in decision.told) - len(fresh)
    tables = sum(len(told.keys) for told in fresh)
    parts = [
        f"told {_count(len(fresh), 'sync')} ({_count(tables, 'table')})" if fresh else "",
        f"{_count(others, 'failed, cancelled or clearing job')}" if others else "",
        f"{_count(len(decision.waiting), 'sync')} waiting" if decision.waiting else "",
        "" if scan.complete and not decision.left else "more to come at the next tick",
    ]
    said = "; ".join(filter(None, parts)) or "nothing new"
    return f"{said[0].upper()}{said[1:]}. Read up to {moved.since:%Y-%m-%d %H:%M:%S} UTC."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
