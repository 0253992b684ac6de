"""One tick of the failure sensor: reads Airbyte's history on, and asks for runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain
from logging import WARNING

import dagster as dg

from dagster_airbyte_sync.assets import workspace_resource
from dagster_airbyte_sync.assets.checks.check_settings import CONNECTION_CHECK
from dagster_airbyte_sync.assets.event_log.evaluations import read_evaluations
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    group_by_connection,
)
from dagster_airbyte_sync.resources import AirbyteError, Job, TimeBudget
from dagster_airbyte_sync.sensors import tick_basics
from dagster_airbyte_sync.sensors.cursor.cursor import (
    Cursor,
    UnreadableCursor,
    begin_of,
    first_cursor,
)
from dagster_airbyte_sync.sensors.cursor.pending import job_key
from dagster_airbyte_sync.sensors.cursor_advance import move
from dagster_airbyte_sync.sensors.decision import Decision
from dagster_airbyte_sync.sensors.failures import late
from dagster_airbyte_sync.sensors.failures.connections import Connections
from dagster_airbyte_sync.sensors.failures.failure_cursor import (
    FailureCursor,
    history_read_up_to,
    read_failure_cursor,
)
from dagster_airbyte_sync.sensors.failures.held import Gathered, due, gather, kind_of, still_held
from dagster_airbyte_sync.sensors.failures.late import LateAfter, LateConnection, Look
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind, SyncProblem
from dagster_airbyte_sync.sensors.failures.starting import Asking, Started
from dagster_airbyte_sync.sensors.reading.scan import HistoryScan, Scan
from dagster_airbyte_sync.sensors.run_requests.runnable import Runnable
from dagster_airbyte_sync.sensors.tick_basics import repository_of, tick_failed, tick_seconds

# A line names so many connections; the others are in the runs.
_MOST_NAMES = 8

_NEVER_LATE = (
    "No connection can be late: no table here has a freshness policy of a time window. Build the"
    " assets with freshness_from_airbyte_schedule=True, or give late_after a time."
)

_DID = {
    ProblemKind.FAILED: ("failed", "failed"),
    ProblemKind.CANCELLED: ("was cancelled", "were cancelled"),
    ProblemKind.EMPTY: ("moved no rows", "moved no rows"),
    ProblemKind.LATE: ("is late", "are late"),
}


@dataclass(frozen=True)
class Watching:
    """What a failure sensor was asked to do; `tick` does it once. `interval` is in seconds."""

    resource_key: str
    started: Started
    selector: ConnectionSelector | None
    kinds: frozenset[ProblemKind]
    late_after: LateAfter
    start_from: datetime | timedelta
    interval: int

    def tick(self, context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Read Airbyte's job history on from the cursor, and ask for a run for each problem."""
        try:
            return _Tick(self, context).result()
        except AirbyteError as error:
            raise tick_failed(context, error, _came_to(context)) from None


def _came_to(context: dg.SensorEvaluationContext) -> str:
    """How far the cursor is, without asking Airbyte whose it is."""
    since = history_read_up_to(context.cursor)
    if since is None:
        return "Airbyte's history was not read before."
    return f"Airbyte's history is read up to {since:%Y-%m-%d %H:%M:%S} UTC."


class _Tick:
    def __init__(self, watching: Watching, context: dg.SensorEvaluationContext) -> None:
        workspace = workspace_resource(context.resources, watching.resource_key)
        self.watching, self.context, self.log = watching, context, context.log
        self.repository, self.instance = repository_of(context), context.instance
        self.client, self.budget = workspace.get_client(), TimeBudget(tick_seconds())
        self.workspace_id = self.client.settings.scope
        self.connections = Connections(
            self.client, self.budget, watching.selector, lambda: self.tables, self.log
        )
        self.now = tick_basics.now_seconds()
        self.asking = Asking(
            self.client,
            watching.started,
            self.connections,
            lambda: self.runnable,
            self.budget,
            self.now,
            self.log,
        )

    # These only when something is wrong, or a look is due: an idle tick must not go through them.
    @cached_property
    def tables(self) -> list[Table]:
        return late.tables_in(self.repository)

    @cached_property
    def runnable(self) -> Runnable:
        names = frozenset(self.watching.started.names)
        return Runnable.of(self.repository, self.instance, names)

    def result(self) -> dg.SensorResult:
        before = self._cursor()
        scan = self._read(before.history)
        gathered = gather(before.held, scan.new, self.watching.kinds, self.now)
        is_complete = scan.complete and not gathered.left
        done = self.asking.done(due(gathered, self.now, is_complete=is_complete))
        held = still_held(gathered, done)
        looked = self._start_late(self._look(before, is_complete=is_complete))
        history = self._moved(before.history, scan, gathered)
        # What the function raised for is named as such.
        failed = {(each.connection_id, each.kind) for each in self.asking.failed}
        waiting = len(held.keys() - failed) + len(looked.late)
        summary = _summary_of(self.asking, waiting, history, cut=not is_complete)
        self.log.info(summary)
        return dg.SensorResult(
            run_requests=self.asking.requests,
            # Dagster shows a reason only without run requests, and refuses it with them.
            skip_reason=None if self.asking.requests else summary,
            cursor=FailureCursor(history, held, looked.again_at, looked.quiet).to_text(),
        )

    def _cursor(self) -> FailureCursor:
        if self.context.cursor:
            try:
                return read_failure_cursor(self.context.cursor, self.workspace_id)
            except UnreadableCursor as reason:
                self.log.warning(
                    "The cursor cannot be used because %s. Starting over; no run key is used"
                    " twice.",
                    reason,
                )
        begin = begin_of(self.watching.start_from, self._airbyte_time(fresh=True))
        self.log.info(
            "Looking at syncs that ended at %s or later", f"{begin:%Y-%m-%d %H:%M:%S} UTC"
        )
        return FailureCursor(first_cursor(self.workspace_id, begin))

    def _airbyte_time(self, *, fresh: bool = False) -> datetime:
        return self.client.server_time(self.budget, fresh=fresh)

    def _read(self, cursor: Cursor) -> Scan:
        """To the newest job, if half of the tick's time is enough: the rest is for the runs."""
        half = self.budget.half()
        budget = self.budget if half.is_spent else half
        scan = HistoryScan(self.client, cursor, budget).go_on(lambda job: 0, 1)
        if scan.unreadable:
            self.log.warning(
                "Jobs of which it is not known how they ended: %d. Airbyte lists them without an id"
                " or a connection, or answers each request for a page with them with an error.",
                scan.unreadable,
            )
        return scan

    def _look(self, before: FailureCursor, *, is_complete: bool) -> Look:
        """Nothing is late for a sensor that has a history to catch up on."""
        if not self.watching.late_after:
            return Look()
        at = late.next_look(before.look_at, self.now, self.watching.interval)
        if at > self.now or not is_complete:
            return Look(quiet=before.quiet, again_at=at)
        found = self._late_in(self.tables)
        quiet = self._quiet_if_paused(found, late.still_quiet(before.quiet, found, self.now))
        new = self._syncing(each for each in found if each.mark not in quiet)
        # What is remembered of connections may be older than a pause.
        if new and not self.connections.refresh():
            return Look(quiet=quiet, again_at=self.now)
        quiet = self._quiet_if_new_schedule(new, self._quiet_if_paused(new, quiet))
        new = self._syncing(each for each in new if each.mark not in quiet)
        return Look(new, quiet, self.now + late.LOOK_EVERY)

    def _quiet_if_paused(
        self, found: Sequence[LateConnection], quiet: Mapping[int, int]
    ) -> dict[int, int]:
        """What is paused now may take as long as any other once it is resumed."""
        paused = [
            each
            for each in found
            if quiet.get(each.mark) != late.FOR_GOOD
            and self.connections.is_paused(each.connection_id)
        ]
        return {**quiet, **{each.mark: self._from_now(each.limit) for each in paused}}

    def _quiet_if_new_schedule(
        self, found: Sequence[LateConnection], quiet: Mapping[int, int]
    ) -> dict[int, int]:
        """So may what has had its schedule for no longer, as far as the checks of connections that
        a code location has say that; one query, and none for no connection."""
        groups = group_by_connection(self.tables)
        own = [table for each in found for table in groups[each.connection_id]]
        said = read_evaluations(self.instance, own, [CONNECTION_CHECK])
        until: dict[int, int] = {}
        for each in found:
            of_tables = (said[table.key].values() for table in groups[each.connection_id])
            since = self.connections.scheduled_since(each.connection_id, chain(*of_tables))
            if since is not None:
                until[each.mark] = self._from_now(each.limit - (self._airbyte_time() - since))
        return {**quiet, **{mark: at for mark, at in until.items() if at > self.now}}

    def _from_now(self, by: timedelta) -> int:
        return self.now + int(by.total_seconds())

    def _late_in(self, tables: Sequence[Table]) -> list[LateConnection]:
        if not late.may_be_late(tables, self.watching.late_after):
            self.runnable.memory.say_once(self.log, WARNING, _NEVER_LATE)
        last = late.last_materialized(self.instance, {table.key for table in tables})
        return late.late_connections(tables, last, self.watching.late_after, self.now)

    def _syncing(self, found: Iterable[LateConnection]) -> tuple[LateConnection, ...]:
        """Those that Airbyte would sync, if all was well; of what is paused there is quiet."""
        return tuple(each for each in found if self.connections.is_listed(each.connection_id))

    def _start_late(self, look: Look) -> Look:
        """The look after runs were asked for. What there was no time for is looked at again at
        once, and what the user's function raised for at the next look."""
        quiet = dict(look.quiet)
        for place, each in enumerate(look.late):
            jobs = None if self.asking.is_over else self.connections.newest_jobs(each.connection_id)
            if jobs is None:
                return Look(look.late[place:], quiet, self.now)
            until = self._quiet_until(each, jobs)
            if until is not None:
                quiet[each.mark] = until
        return Look((), quiet, look.again_at)

    def _quiet_until(self, connection: LateConnection, jobs: Sequence[Job]) -> int | None:
        """None if it is to be looked at again at the next look."""
        airbyte_now = self._airbyte_time()
        sync = late.recent_sync(jobs, connection.limit, airbyte_now)
        if sync is None:
            return late.FOR_GOOD if self.asking.asks_for(connection) else None
        if sync.ended_at is None:
            return None
        ago = airbyte_now - sync.ended_at
        # What had synced before Dagster came is not reported, and nothing is wrong with that.
        if ago.total_seconds() > late.CATCH_UP and not connection.never_synced:
            self.log.warning(
                "Airbyte has synced %s (job %s), and that was not reported to Dagster: is the"
                " sensor that reports syncs on?",
                self.connections.name(connection.connection_id),
                sync.id,
            )
        return self._from_now(connection.limit - ago)

    def _moved(self, cursor: Cursor, scan: Scan, gathered: Gathered) -> Cursor:
        """The cursor after the scan; of what went well it remembers no names."""
        decision = Decision(left=gathered.left)
        moved = move(
            cursor, scan, decision, self.now, self._airbyte_time(), self.watching.start_from
        )
        went_well = {job_key(job) for job in scan.jobs if kind_of(job) is None}
        return replace(moved, done=moved.done - went_well)


def _summary_of(asking: Asking, waiting: int, moved: Cursor, *, cut: bool) -> str:
    """What went wrong, how many connections wait for their run, how far the history is read."""
    by_kind = ([each for each in asking.problems if each.kind is kind] for kind in ProblemKind)
    parts = [_sentence(each) for each in by_kind if each]
    if asking.failed:
        parts.append(f"No run could be started for {_names(asking.failed)}: see the log")
    if waiting:
        parts.append(f"{waiting} more {'waits' if waiting == 1 else 'wait'} for a later tick")
    if cut:
        parts.append("More to read at the next tick")
    did = ". ".join(parts) or "Nothing to start a run for"
    return f"{did}. Read up to {moved.since:%Y-%m-%d %H:%M:%S} UTC."


def _sentence(problems: Sequence[SyncProblem]) -> str:
    count = sum(1 + each.others for each in problems)
    noun, did = ("sync", 0) if count == 1 else ("syncs", 1)
    return f"{count} {noun} {_DID[problems[0].kind][did]}: {_names(problems)}"


def _names(problems: Sequence[SyncProblem]) -> str:
    """Each connection with how often its syncs went wrong."""
    times = ((each.connection_name, each.others + 1) for each in problems[:_MOST_NAMES])
    names = [f"{name} ({count} times)" if count > 1 else name for name, count in times]
    rest = len(problems) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "")
