"""One tick of the failure sensor: reads Airbyte's history on, and asks for runs."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import takewhile

import dagster as dg

from dagster_airbyte_sync.assets import workspace_resource
from dagster_airbyte_sync.assets.tables.table import ConnectionSelector, Table
from dagster_airbyte_sync.resources import TimeBudget
from dagster_airbyte_sync.sensors import tick_basics
from dagster_airbyte_sync.sensors.cursor.cursor import (
    Cursor,
    UnreadableCursor,
    begin_of,
    first_cursor,
)
from dagster_airbyte_sync.sensors.cursor.pending import job_key
from dagster_airbyte_sync.sensors.cursor_advance import move
from dagster_airbyte_sync.sensors.decide import Decision
from dagster_airbyte_sync.sensors.failures.asking import Asking
from dagster_airbyte_sync.sensors.failures.connections import Connections
from dagster_airbyte_sync.sensors.failures.failure_cursor import FailureCursor, read_failure_cursor
from dagster_airbyte_sync.sensors.failures.held import Gathered, due, gather, kind_of, still_held
from dagster_airbyte_sync.sensors.failures.late import LateAfter, tables_in
from dagster_airbyte_sync.sensors.failures.looking import Looking
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind
from dagster_airbyte_sync.sensors.failures.starting import RunMaker, Started
from dagster_airbyte_sync.sensors.failures.words import summary_of
from dagster_airbyte_sync.sensors.scan import HistoryScan, Scan
from dagster_airbyte_sync.sensors.tick_basics import repository_of, tick_seconds


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
        return _Tick(self, context).result()


class _Tick:
    def __init__(self, watching: Watching, context: dg.SensorEvaluationContext) -> None:
        workspace = workspace_resource(context.resources, watching.resource_key)
        self.watching, self.context, self.log = watching, context, context.log
        self.repository = repository_of(context)
        self.client, self.budget = workspace.get_client(), TimeBudget(tick_seconds())
        self.workspace_id = self.client.settings.workspace_id
        self.connections = Connections(
            self.client, self.budget, watching.selector, lambda: self.tables, self.log
        )
        self.now = tick_basics.now_seconds()

    @cached_property
    def tables(self) -> list[Table]:
        # Only when something is wrong, or a look is due: an idle tick must not go through them.
        return tables_in(self.repository)

    @cached_property
    def runs(self) -> RunMaker:
        return RunMaker(self.watching.started, self.repository, self.context.instance, self.log)

    def result(self) -> dg.SensorResult:
        before = self._cursor()
        scan = self._read(before.history)
        gathered = gather(before.held, scan.new, self.watching.kinds, self.now)
        is_complete = scan.complete and not gathered.left
        asking = self._asking()
        wanted = due(gathered, self.now, is_complete=is_complete)
        held = still_held(gathered, takewhile(asking.takes, wanted))
        look = self._looking().look(before, is_complete=is_complete)
        late = list(takewhile(asking.takes_late, look.late))
        looked = look.after(late, self.now)
        history = self._moved(before.history, scan, gathered)
        waiting = len(held) + len(look.late) - len(late)
        summary = summary_of(asking.problems, waiting, history, cut=not is_complete)
        self.log.info(summary)
        return dg.SensorResult(
            run_requests=asking.requests,
            # Dagster shows a reason only without run requests, and refuses it with them.
            skip_reason=None if asking.requests else summary,
            cursor=FailureCursor(history, held, looked.again_at, looked.marks).to_text(),
        )

    def _cursor(self) -> FailureCursor:
        if self.context.cursor:
            try:
                return read_failure_cursor(self.context.cursor, self.workspace_id)
            except UnreadableCursor as reason:
                self.log.warning(
                    "The cursor cannot be used because %s. Beginning anew; no run starts twice.",
                    reason,
                )
        begin = begin_of(self.watching.start_from, self._airbyte_time(fresh=True))
        self.log.info("Looking at syncs that end from %s on", begin.isoformat())
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
                "Airbyte listed %d jobs without an id or a connection: how they ended is unknown",
                scan.unreadable,
            )
        return scan

    def _looking(self) -> Looking:
        return Looking(
            self.context.instance,
            lambda: self.tables,
            self.connections,
            self.watching.late_after,
            self.now,
            self.watching.interval,
            self.log,
        )

    def _asking(self) -> Asking:
        return Asking(
            self.workspace_id,
            lambda: self.client.ui_url(self.budget),
            self.connections,
            lambda problem, run_key: self.runs.request_for(problem, run_key),
            self.budget,
            self.now,
        )

    def _moved(self, cursor: Cursor, scan: Scan, gathered: Gathered) -> Cursor:
        """The cursor after the scan; of what went well it remembers no names."""
        decision = Decision(left=gathered.left)
        moved = move(
            cursor, scan, decision, self.now, self._airbyte_time(), self.watching.start_from
        )
        went_well = {job_key(job) for job in scan.jobs if kind_of(job) is None}
        return replace(moved, done=moved.done - went_well)
