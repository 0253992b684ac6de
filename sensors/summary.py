"""What a tick did, in words: a line that the UI shows beside it, and warnings in the log."""

import logging
from collections.abc import Iterable
from datetime import datetime

from dagster_airbyte_sync.assets.sync.progress import duration_text
from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.cursor.cursor import Cursor
from dagster_airbyte_sync.sensors.cursor.pending import end_of
from dagster_airbyte_sync.sensors.decide import Decision, ReportedSync
from dagster_airbyte_sync.sensors.scan import Scan


def summary_of(scan: Scan, decision: Decision, moved: Cursor, server_time: datetime) -> str:
    """What was reported, what waits, how far the history is read (Airbyte's clock), and how far
    behind a tick is that could not take all."""
    # Without events an earlier tick reported it, and died.
    ours = [reported for reported in decision.reported if reported.is_ours and reported.events]
    fresh = [reported for reported in ours if reported.triggers_runs]
    others = len(ours) - len(fresh)
    whole = [reported for reported in fresh if reported.is_whole]
    part = [reported for reported in fresh if not reported.is_whole]
    is_cut = bool(decision.left) or not scan.complete
    parts = [
        f"reported {_count(len(whole), 'sync')} ({_tables(whole)})" if whole else "",
        f"reported a part of {_count(len(part), 'sync')} ({_tables(part)})" if part else "",
        f"{_count(others, 'failed, cancelled or clearing job')}" if others else "",
        f"{_count(len(decision.waiting), 'sync')} waiting" if decision.waiting else "",
        f"{_count(len(moved.parked), 'connection')} cannot be read now" if moved.parked else "",
        f"{_count(scan.unreadable, 'job')} unreadable" if scan.unreadable else "",
        "more to come at the next tick" if is_cut else "",
        _waiting(is_cut=is_cut) if moved.runs else "",
    ]
    did = "; ".join(filter(None, parts)) or "nothing new"
    behind = ""
    if is_cut:
        came_to = end_of((*decision.left, *scan.jobs[-1:])[0])
        behind = f", {duration_text(server_time - came_to)} behind Airbyte"
    return f"{did[0].upper()}{did[1:]}. Read up to {moved.since:%Y-%m-%d %H:%M:%S} UTC{behind}."


def _waiting(*, is_cut: bool) -> str:
    return f"the runs that follow wait for {'it' if is_cut else 'the next tick'}"


def _tables(reported: Iterable[ReportedSync]) -> str:
    return _count(sum(each.tables for each in reported), "table")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def warn_of(scan: Scan, decision: Decision, log: logging.Logger) -> None:
    """Log what the user should know of."""
    if scan.unreadable:
        log.warning(
            "Airbyte listed %d jobs without an id or a connection: they cannot be reported",
            scan.unreadable,
        )
    for reported in decision.reported:
        job = reported.sync.job
        if reported.taken_from is not None:
            log.warning(
                "Run %s has not reported Airbyte job %s; the sensor reports it",
                reported.taken_from,
                job.id,
            )
        if reported.may_repeat is not None:
            _warn_of_half_step(job, reported.may_repeat, log)


# What this process has said; ticks begin with nothing else in their hands.
_warned: set[str] = set()


def _warn_of_half_step(job: Job, run_id: str, log: logging.Logger) -> None:
    """A project that moves over from dagster-airbyte may have added the sensor before it moved its
    assets: their runs do not say which syncs they followed. Said once for each connection."""
    if job.connection_id in _warned:
        return
    _warned.add(job.connection_id)
    log.warning(
        "Airbyte job %s of connection %s may be reported twice: run %s materialized its tables as"
        " well, without saying which sync it followed, and began after that. Runs of"
        " dagster-airbyte's assets do so, while only the sensor has been moved over. Move the"
        " assets, too: import them from dagster_airbyte_sync in place of dagster_airbyte. (This is"
        " said once for each connection.)",
        job.id,
        job.connection_id,
        run_id,
    )
