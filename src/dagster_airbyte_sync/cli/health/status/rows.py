"""How each connection is, by what Airbyte and Dagster say of it. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import takewhile

from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.checks.check_settings import CONNECTION_CHECK, SYNC_CHECK
from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation
from dagster_airbyte_sync.assets.events.finished_sync import tables_of_job
from dagster_airbyte_sync.assets.look.timetable import scheduled_since
from dagster_airbyte_sync.cli.health.reported import Known, Reported, reported_last
from dagster_airbyte_sync.cli.health.status.words import (
    connection_word,
    failure_words,
    late_words,
    oddity,
    partial_words,
    running_words,
)
from dagster_airbyte_sync.cli.tables import roughly
from dagster_airbyte_sync.resources import Connection, Job, JobStatus
from dagster_airbyte_sync.resources.schedules.lateness import Lateness, is_late, longest_wait
from dagster_airbyte_sync.resources.schedules.next_sync import next_sync


class State(str, Enum):
    """How a connection is: the first of these that fits. In this order they are shown.

    `PARTIAL`: its last job failed or was cancelled, and some of its tables are complete.
    """

    FAILED = "failed"
    PARTIAL = "partial"
    CANCELLED = "cancelled"
    LATE = "late"
    WARNED = "warning"
    RUNNING = "running"
    NEVER_SYNCED = "never synced"
    UNKNOWN = "unknown"
    PAUSED = "paused"
    GOOD = "good"

    @property
    def is_bad(self) -> bool:
        return self in (State.FAILED, State.PARTIAL, State.CANCELLED, State.LATE)


@dataclass(frozen=True)
class StatusRow:
    """One connection. `last` is its last finished job, as far as Airbyte or Dagster say so.

    `reason` is Airbyte's, or what is odd; `remarks` are what is to be known besides.
    `since` is the end of the first of the jobs that failed one after the other; `next_at` is past
    if the next sync should have begun by now. `is_as_reported`: `last` is Dagster's last knowledge,
    as Airbyte names no job. `is_current`: Airbyte answers now.
    """

    connection: Connection
    state: State
    reason: str = ""
    remarks: tuple[str, ...] = ()
    last: Job | None = None
    running: Job | None = None
    since: datetime | None = None
    next_at: datetime | None = None
    late: Lateness | None = None
    reported: Reported = Reported.UNKNOWN
    is_as_reported: bool = False
    is_current: bool = True


@dataclass(frozen=True)
class Seen:
    """All that is known at `now` (Airbyte's clock).

    `jobs` are the newest, in any order; `unknown` the connections of which Airbyte was not asked.
    `known` is None without an event log. `as_of` is when Airbyte last answered, None for never.
    """

    now: datetime
    connections: Mapping[str, Connection]
    jobs: Sequence[Job]
    unknown: frozenset[str]
    tables: Mapping[str, Sequence[Table]]
    known: Known | None
    as_of: datetime | None

    @property
    def is_current(self) -> bool:
        """Whether Airbyte answers now."""
        return self.as_of is not None and self.as_of >= self.now


def status_rows(seen: Seen) -> list[StatusRow]:
    """A row for each connection, the worst first; of equals, by name."""
    by_connection: dict[str, list[Job]] = {}
    for job in sorted(seen.jobs, key=_age, reverse=True):
        by_connection.setdefault(job.connection_id, []).append(job)
    rows = [_row(each, by_connection.get(each.id, []), seen) for each in seen.connections.values()]
    order = list(State)
    return sorted(rows, key=lambda row: (order.index(row.state), row.connection.name))


def last_finished(jobs: Iterable[Job]) -> Mapping[str, Job]:
    """The last finished job of each connection."""
    finished = (job for job in jobs if job.is_finished)
    return {job.connection_id: job for job in sorted(finished, key=_age)}


def _age(job: Job) -> tuple[float, int]:
    moment = job.updated_at or job.created_at
    return moment.timestamp() if moment else 0.0, job.id


@dataclass(frozen=True)
class _Facts:
    """What there is to say of one connection; `odd` is what is odd about its last job.

    `complete` counts the tables that a failed job has completed, of those that took part.
    """

    connection: Connection
    finished: Sequence[Job]
    last: Job | None
    running: Job | None
    late: Lateness | None
    said: Sequence[tuple[str, LastEvaluation]]
    reported: Reported
    complete: tuple[int, int]
    is_unknown: bool
    is_as_reported: bool
    is_answered: bool
    is_outdated: bool
    now: datetime

    @property
    def odd(self) -> str:
        # What was not reported yet, the checks have not judged.
        judged = self.said if self.reported is Reported.YES else ()
        return "" if self.last is None else oddity(self.last, judged)


def _row(connection: Connection, jobs: Sequence[Job], seen: Seen) -> StatusRow:
    """`jobs` are the connection's, newest first."""
    facts = _facts(connection, jobs, seen)
    state, newest = _state(facts), facts.running or facts.last
    is_due = connection.is_active and facts.running is None
    since = _failing_since(facts)
    begun = newest.created_at if newest else None
    return StatusRow(
        connection=connection,
        state=state,
        reason=_reason(state, facts),
        last=facts.last,
        running=facts.running,
        remarks=tuple(_remarks(state, facts, since)),
        since=since,
        next_at=next_sync(connection.schedule, begun, seen.now) if is_due else None,
        late=facts.late,
        reported=facts.reported,
        is_as_reported=facts.is_as_reported,
        is_current=seen.is_current,
    )


def _facts(connection: Connection, jobs: Sequence[Job], seen: Seen) -> _Facts:
    tables = seen.tables.get(connection.id, ())
    finished = [job for job in jobs if job.is_finished]
    as_reported = seen.known.jobs.get(connection.id) if seen.known and not finished else None
    last = finished[0] if finished else as_reported
    return _Facts(
        connection=connection,
        finished=finished,
        last=last,
        running=next((job for job in jobs if not job.is_finished), None),
        late=_lateness(connection, finished, seen, tables),
        said=_said(tables, seen.known),
        reported=_reported(last, tables, seen, is_as_reported=as_reported is not None),
        complete=_complete(last, tables, seen.known),
        is_as_reported=as_reported is not None,
        is_answered=seen.as_of is not None,
        is_outdated=_is_outdated(connection, last, seen),
        is_unknown=connection.id in seen.unknown,
        now=seen.now,
    )


def _reported(
    last: Job | None, tables: Sequence[Table], seen: Seen, *, is_as_reported: bool
) -> Reported:
    if is_as_reported:
        return Reported.YES
    return Reported.NOT_DUE if last is None else reported_last(last, tables, seen.known)


def _complete(last: Job | None, tables: Sequence[Table], known: Known | None) -> tuple[int, int]:
    if last is None or last.succeeded or known is None:
        return 0, 0
    own = tables_of_job(last, tables)
    return sum(known.is_complete(table, last) for table in own), len(own)


def _said(tables: Iterable[Table], known: Known | None) -> list[tuple[str, LastEvaluation]]:
    """What the checks of the tables said last: name and verdict.

    What succeeds again and again is stored once a day, so an older verdict still stands.
    """
    evaluations = {} if known is None else known.evaluations
    every = (each for table in tables for each in evaluations.get(table.key, {}).items())
    return [(name, said) for name, said in every if said.reason]


def _lateness(
    connection: Connection, finished: Sequence[Job], seen: Seen, tables: Sequence[Table]
) -> Lateness | None:
    ends = [job.ended_at for job in finished if job.wrote_tables and job.ended_at]
    if seen.known is not None:
        refs = (seen.known.ledger.newest(table.key) for table in tables)
        ends += [ref.ended_at for ref in refs if ref is not None and ref.ended_at]
    is_known = bool(ends) or not (finished or connection.id in seen.unknown)
    if not connection.is_active or not is_known or seen.as_of is None:
        # Of one that fails since long ago, nobody knows when it last succeeded; and nobody knows
        # what Airbyte has synced since it last answered.
        return None
    of_check = (said for name, said in _said(tables, seen.known) if name == CONNECTION_CHECK)
    since = scheduled_since(connection, of_check)
    # It may have been paused before.
    last = max(filter(None, (*ends, since)), default=None) if ends else None
    due_from = max(filter(None, (connection.created_at, since)), default=None)
    return is_late(connection.schedule, last, due_from, seen.as_of)


def _is_outdated(connection: Connection, last: Job | None, seen: Seen) -> bool:
    """Whether Airbyte does not answer, and what is last known of the connection is older than its
    schedule allows, or it has none that is known."""
    if seen.is_current:
        return False
    limit = longest_wait(connection.schedule)
    ended = last.ended_at if last else None
    return limit is None or ended is None or seen.now - ended > limit


_OF_FAILURE = {JobStatus.FAILED: State.FAILED, JobStatus.CANCELLED: State.CANCELLED}


def _state(facts: _Facts) -> State:
    if facts.last is not None and facts.last.status in _OF_FAILURE:
        return State.PARTIAL if facts.complete[0] else _OF_FAILURE[facts.last.status]
    if facts.late is not None:
        return State.LATE
    if facts.odd:
        return State.WARNED
    if facts.running is not None:
        return State.RUNNING
    if not facts.connection.is_active:
        return State.PAUSED
    if facts.last is None:
        return State.UNKNOWN if facts.is_unknown else State.NEVER_SYNCED
    return State.UNKNOWN if facts.is_outdated else State.GOOD


def _reason(state: State, facts: _Facts) -> str:
    if state in (State.PARTIAL, *_OF_FAILURE.values()):
        return failure_words(facts.last)
    return facts.odd if state is State.WARNED else ""


def _remarks(state: State, facts: _Facts, since: datetime | None) -> Iterator[str]:
    last, connection = facts.last, facts.connection
    if facts.is_as_reported and facts.is_answered:
        yield "not in Airbyte's answer: as reported to Dagster"
    if state is State.PARTIAL:
        yield partial_words(last, *facts.complete)
    if since is not None and last is not None and since != last.ended_at:
        yield f"failing for {roughly(facts.now - since)}"
    if facts.late is not None:
        yield late_words(facts.late)
    if facts.running is not None:
        yield running_words(facts.running, facts.now)
    if not connection.is_active and state is not State.PAUSED:
        yield connection_word(connection)


def _failing_since(facts: _Facts) -> datetime | None:
    """The end of the first of the failures in a row, the last of which is the last job."""
    if facts.last is None or facts.last.succeeded:
        return None
    failing = takewhile(lambda job: not job.succeeded, facts.finished)
    ends = [job.ended_at for job in failing]
    of_checks = [s.failing_since for name, s in facts.said if name == SYNC_CHECK and not s.passed]
    return min((at for at in (*ends, *of_checks) if at is not None), default=None)
