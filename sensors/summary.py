"""One line that says what a tick did; the UI shows it beside the tick."""

from collections.abc import Iterable

from dagster_airbyte_sync.sensors.cursor.cursor import Cursor
from dagster_airbyte_sync.sensors.decide import Decision, ReportedSync
from dagster_airbyte_sync.sensors.scan import Scan


def summary_of(scan: Scan, decision: Decision, moved: Cursor, about: int | None = None) -> str:
    """What was reported, what waits, and how far the history is read (Airbyte's clock).

    `about` is how many finished jobs there were to report, where that is more than one tick takes.
    """
    # Without events an earlier tick reported it, and died.
    ours = [reported for reported in decision.reported if reported.is_ours and reported.events]
    fresh = [reported for reported in ours if reported.makes_fresh]
    others = len(ours) - len(fresh)
    whole = [reported for reported in fresh if reported.is_whole]
    part = [reported for reported in fresh if not reported.is_whole]
    is_cut = bool(decision.left) or not scan.complete
    of = _of(about) if is_cut else ""
    parts = [
        f"reported {_count(len(whole), 'sync')}{of} ({_tables(whole)})" if whole else "",
        f"reported a part of {_count(len(part), 'sync')} ({_tables(part)})" if part else "",
        f"{_count(others, 'failed, cancelled or clearing job')}" if others else "",
        f"{_count(len(decision.waiting), 'sync')} waiting" if decision.waiting else "",
        f"{_count(len(moved.parked), 'connection')} cannot be read now" if moved.parked else "",
        f"{_count(scan.unreadable, 'job')} unreadable" if scan.unreadable else "",
        "more to come at the next tick" if is_cut else "",
    ]
    said = "; ".join(filter(None, parts)) or "nothing new"
    return f"{said[0].upper()}{said[1:]}. Read up to {moved.since:%Y-%m-%d %H:%M:%S} UTC."


def _of(about: int | None) -> str:
    """Two digits are all that is known of a number of thousands."""
    if about is None:
        return ""
    return f" of about {round(about, min(0, 2 - len(str(about)))):,}"


def _tables(reported: Iterable[ReportedSync]) -> str:
    return _count(sum(each.tables for each in reported), "table")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
