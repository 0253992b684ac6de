"""What a tick did, in words: a line that the UI shows beside it, and warnings in the log."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from dagster_airbyte_sync.assets.tables.table import Table, connection_name
from dagster_airbyte_sync.resources import Job, JobStatus, duration_text
from dagster_airbyte_sync.sensors.cursor.cursor import Cursor
from dagster_airbyte_sync.sensors.cursor.pending import end_of
from dagster_airbyte_sync.sensors.decision import Decision, ReportedSync
from dagster_airbyte_sync.sensors.reading.scan import Scan

# By connection.
Tables = Mapping[str, Sequence[Table]]

# In characters: the UI shows the line beside a tick, and the log in one line.
_LONGEST_LIST = 100
_LONGEST_NAME = 50
_LONGEST_REASON = 60


def summary_of(
    scan: Scan,
    decision: Decision,
    moved: Cursor,
    server_time: datetime,
    tables: Tables,
) -> str:
    """What was reported, what failed and why, what waits, how far the history is read (Airbyte's
    clock), and how far behind a tick is that could not take all."""
    # Without events an earlier tick reported it, and died.
    ours = [reported for reported in decision.reported if reported.is_ours and reported.events]
    fresh = [reported for reported in ours if reported.triggers_runs]
    whole = [reported for reported in fresh if reported.is_whole]
    part = [reported for reported in fresh if not reported.is_whole]
    is_cut = bool(decision.left) or not scan.complete
    parts = [
        _reported("", whole, tables),
        _reported("a part of ", part, tables),
        f"{_count(len(decision.waiting), 'sync')} waiting" if decision.waiting else "",
        f"{_count(len(moved.parked), 'connection')} cannot be read now" if moved.parked else "",
        f"{_count(scan.unreadable, 'job')} unreadable" if scan.unreadable else "",
        "more to come at the next tick" if is_cut else "",
        _waiting(is_cut=is_cut) if moved.runs else "",
    ]
    others = _others([job for each in ours if not (job := each.sync.job).wrote_tables], tables)
    did = "; ".join(filter(None, parts)) or ("" if others else "nothing new")
    behind = ""
    if is_cut:
        came_to = end_of((*decision.left, *scan.jobs[-1:])[0])
        behind = f", {duration_text(server_time - came_to)} behind Airbyte"
    read = f"Read up to {moved.since:%Y-%m-%d %H:%M:%S} UTC{behind}"
    sentences = [f"{did[:1].upper()}{did[1:]}", *others, read]
    return " ".join(f"{each}." for each in sentences if each)


def _reported(how: str, syncs: Sequence[ReportedSync], tables: Tables) -> str:
    if not syncs:
        return ""
    names = dict.fromkeys(_name(each.sync.job, tables) for each in syncs)
    count = _count(sum(each.tables for each in syncs), "table")
    return f"reported {how}{_count(len(syncs), 'sync')}: {_listed(list(names))} ({count})"


def _others(jobs: Sequence[Job], tables: Tables) -> list[str]:
    """A sentence for what failed, one for what was cancelled, and one for what was cleared."""
    sentences = []
    for how in ("Failed", "Cancelled", "Cleared"):
        by_name: dict[str, list[Job]] = {}
        for job in jobs:
            if _end_of(job) == how:
                by_name.setdefault(_name(job, tables), []).append(job)
        if by_name:
            sentences.append(f"{how}: {_listed([_ended(*each) for each in by_name.items()])}")
    return sentences


def _end_of(job: Job) -> str:
    if job.succeeded:
        return "Cleared"
    return "Cancelled" if job.status is JobStatus.CANCELLED else "Failed"


def _ended(name: str, jobs: Sequence[Job]) -> str:
    """The connection, how often if that is more than once, and the last reason that is known."""
    reasons = [job.failure.message for job in jobs if job.failure and _end_of(job) == "Failed"]
    often = f"{len(jobs)} times" if len(jobs) > 1 else ""
    known = [often, _clipped(reasons[-1], _LONGEST_REASON) if reasons else ""]
    details = ": ".join(filter(None, known))
    return f"{name} ({details})" if details else name


def _listed(names: Sequence[str]) -> str:
    """As many as fit into a line, at least one, and how many more there are."""
    shown, length = 1, len(names[0])
    while shown < len(names) and length + len(names[shown]) + 2 <= _LONGEST_LIST:
        length += len(names[shown]) + 2
        shown += 1
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest else "")


def _name(job: Job, tables: Tables) -> str:
    """The connection's name in the definitions, or its id."""
    named = next(map(connection_name, tables.get(job.connection_id, ())), job.connection_id)
    return _clipped(named, _LONGEST_NAME)


def _clipped(text: str, most: int) -> str:
    """On one line, and no longer than that."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 4]} ..."


def _waiting(*, is_cut: bool) -> str:
    return f"the runs that follow wait for {'it' if is_cut else 'the next tick'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def warn_of(scan: Scan, decision: Decision, log: logging.Logger) -> None:
    """Log what the user should know of."""
    if scan.unreadable:
        log.warning(
            "Jobs that cannot be reported: %d. Airbyte lists them without an id or a connection, or"
            " answers each request for a page with them with an error.",
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
        " dagster-airbyte's assets do that as long as only the sensor has been moved over. Move the"
        " assets, too: import them from dagster_airbyte_sync in place of dagster_airbyte. (This is"
        " said once for each connection.)",
        job.id,
        job.connection_id,
        run_id,
    )
