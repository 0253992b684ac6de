"""One tick of the polling sensor: reads, decides, and returns what Dagster is to store."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cached_property, partial

import dagster as dg

from dagster_airbyte_sync.assets import workspace_resource
from dagster_airbyte_sync.assets.events.claims import GRACE
from dagster_airbyte_sync.assets.events.event_log_facts import EventLogFacts
from dagster_airbyte_sync.assets.events.ledger import read_ledger, still_known
from dagster_airbyte_sync.assets.tables.table import ConnectionSelector, Table
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    Catalog,
    Job,
    TimeBudget,
    job_page,
    job_url,
)
from dagster_airbyte_sync.sensors import tick_basics
from dagster_airbyte_sync.sensors.cursor.cursor import (
    Cursor,
    UnreadableCursor,
    begin_of,
    first_cursor,
    read_cursor,
)
from dagster_airbyte_sync.sensors.cursor.resuming import Ends, Resuming, passes_none
from dagster_airbyte_sync.sensors.cursor_advance import move
from dagster_airbyte_sync.sensors.decide import Decision, Limits, TickInputs, decide
from dagster_airbyte_sync.sensors.defined_tables import DefinedTables
from dagster_airbyte_sync.sensors.live_runs import read_live_runs
from dagster_airbyte_sync.sensors.runs_that_follow import Followed, FollowOptions, RunsThatFollow
from dagster_airbyte_sync.sensors.scan import HistoryScan, Scan
from dagster_airbyte_sync.sensors.summary import summary_of, warn_of
from dagster_airbyte_sync.sensors.tick_basics import repository_of, tick_seconds

# How far back a sensor without a cursor looks for the last report of a connection, at most.
_LONGEST_WAY_BACK = timedelta(days=30)


@dataclass(frozen=True)
class Polling:
    """What a polling sensor was asked to do; `tick` does it once."""

    resource_key: str
    translator: DagsterAirbyteTranslator
    selector: ConnectionSelector | None
    start_from: datetime | timedelta
    follow: FollowOptions
    hold_limit: timedelta

    def tick(self, context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Read Airbyte's job history on from the cursor, and return what Dagster must know.

        Nothing is written here: Dagster stores what it returns.
        """
        return _Tick(self, context).result()


@dataclass(frozen=True)
class Clocks:
    """The time of Dagster (epoch seconds) and of Airbyte, at one moment."""

    dagster: int
    airbyte: datetime

    @property
    def skew(self) -> timedelta:
        """Airbyte's clock minus Dagster's."""
        return self.airbyte - datetime.fromtimestamp(self.dagster, timezone.utc)


class _Tick:
    """Reads Airbyte's jobs, then live runs, then the event log: in this order nothing that a run
    reports meanwhile is reported twice."""

    def __init__(self, polling: Polling, context: dg.SensorEvaluationContext) -> None:
        workspace = workspace_resource(context.resources, polling.resource_key)
        self.polling, self.context = polling, context
        self.instance, self.log = context.instance, context.log
        self.client, self.budget = workspace.get_client(), TimeBudget(tick_seconds())
        self.workspace_id = self.client.settings.workspace_id
        self.limits = Limits(polling.hold_limit.total_seconds(), GRACE + workspace.poll_interval)
        self.tables = DefinedTables(
            repository_of(context),
            partial(_catalog, self.client, self.budget),
            partial(self.client.connection, budget=self.budget),
            polling.translator,
            polling.selector,
            context.log,
        )

    @cached_property
    def clocks(self) -> Clocks:
        """As the first answer of this tick came: what is decided goes by them."""
        return self._read_clocks()

    def _read_clocks(self, *, fresh: bool = False) -> Clocks:
        return Clocks(tick_basics.now_seconds(), self.client.server_time(self.budget, fresh=fresh))

    def result(self) -> dg.SensorResult:
        cursor = self._cursor()
        scan, decision = self._read(cursor)
        warn_of(scan, decision, self.log)
        followed = self._followed(cursor, scan, decision)
        requests, decision = followed.requests, followed.decision
        # Read again, which costs no request: what waits does so from the end of the tick on.
        now = self._read_clocks()
        moved = move(cursor, scan, decision, now.dagster, now.airbyte, self.polling.start_from)
        # At last, and read again at the next tick: those few must not take the time of all others.
        back = self.tables.readable(moved.parked)
        moved = replace(moved.brought_back(back, now.dagster), runs=followed.waiting)
        if back:
            self.log.info(
                "These connections can be read again, and what waited is reported from the next"
                " tick on: %s",
                ", ".join(back),
            )
        if moved.since < cursor.since:
            self.log.warning(
                "Airbyte's clock was set back, or the cursor was edited: history was read up to"
                " %s, and there it is %s. Reading on from %s; nothing is reported again.",
                cursor.since.isoformat(),
                now.airbyte.isoformat(timespec="seconds"),
                moved.since.isoformat(),
            )
        summary = summary_of(scan, decision, moved, now.airbyte)
        self.log.info(summary)
        return dg.SensorResult(
            asset_events=[event for reported in decision.reported for event in reported.events],
            run_requests=list(requests),
            # Dagster shows a reason only without run requests, and refuses it with them.
            skip_reason=None if requests else summary,
            cursor=moved.to_text(),
        )

    def _cursor(self) -> Cursor:
        if self.context.cursor:
            try:
                return read_cursor(self.context.cursor, self.workspace_id)
            except UnreadableCursor as reason:
                self.log.warning(
                    "The cursor cannot be used because %s. Reading again from where the event log"
                    " ends; nothing is reported again.",
                    reason,
                )
        self.clocks = self._read_clocks(fresh=True)
        now = self.clocks.airbyte
        begin = begin_of(self.polling.start_from, now)
        ends = self._ends_reported()
        last = (max(each.ended_at for each in of_connection) for of_connection in ends.values())
        since = min([begin, *last])
        since = max(since, min(begin, now - _LONGEST_WAY_BACK))
        self.log.info("Reporting syncs that end from %s on", since.isoformat())
        return first_cursor(self.workspace_id, since, resumed_at=now)

    def _ends_reported(self) -> Ends:
        return self.tables.ends_reported(self.instance, self.clocks.skew)

    def _read(self, cursor: Cursor) -> tuple[Scan, Decision]:
        """Read history until there is enough to report, none is left, or time is up.

        What was reported already does not count: however much of it is read again, it must not take
        the place of what is new.
        """
        history = HistoryScan(self.client, cursor, self.budget, self._passes(cursor))
        facts = EventLogFacts()
        while True:
            scan, decision = history.go_on(self.tables.events_for, self.limits.events), Decision()
            concerned = self.tables.of_all(scan.new)
            if concerned or any(job.connection_id in self.tables.unreadable for job in scan.new):
                inputs = self._inputs(cursor, scan, concerned, facts)
                decision, facts = decided(self.instance, scan.new, inputs, self.budget)
            is_enough = decision.left or decision.events >= self.limits.events
            if scan.complete or is_enough or self.budget.is_spent:
                return scan, decision

    def _passes(self, cursor: Cursor) -> Callable[[Job], bool]:
        """Which jobs are passed over while a sensor that lost its cursor goes on."""
        resumed_at = cursor.resumed_at
        if resumed_at is None:
            return passes_none
        begin = begin_of(self.polling.start_from, resumed_at)
        skew = self.clocks.skew.total_seconds() if cursor.skew is None else cursor.skew
        began = resumed_at.timestamp() - skew
        return Resuming(begin, resumed_at, began, self._ends_reported).passes

    def _inputs(
        self, cursor: Cursor, scan: Scan, concerned: Sequence[Table], before: EventLogFacts
    ) -> TickInputs:
        """What there is to know about the scan's new jobs, and what was looked up `before`."""
        live_runs = read_live_runs(self.instance, {table.key for table in concerned})
        ledger = read_ledger(self.instance, concerned, self.clocks.skew)
        ledger = replace(ledger, among=_by_connection(scan.jobs))
        ui_url = self.client.ui_url(self.budget)
        return TickInputs(
            tables=self.tables.by_connection,
            live_runs=live_runs,
            facts=replace(before, ledger=still_known(ledger, before.ledger)),
            checked=self.tables.checked,
            pending=cursor.pending,
            now=self.clocks.dagster,
            limits=self.limits,
            job_url=partial(job_url, ui_url, self.workspace_id),
            unreadable=self.tables.unreadable,
        )

    def _followed(self, cursor: Cursor, scan: Scan, decision: Decision) -> Followed:
        def page_of(connection_id: str, job_id: int) -> str:
            ui_url = self.client.ui_url(self.budget)
            return job_page(ui_url, self.workspace_id, connection_id, job_id)

        runs = RunsThatFollow(
            self.polling.follow,
            repository_of(self.context),
            self.instance,
            self.workspace_id,
            self.context.sensor_name,
            tables=self.tables.as_far_as_known,
            read_ledger=lambda tables: read_ledger(self.instance, tables, self.clocks.skew),
            job_url=page_of,
            skew=self.clocks.skew,
            budget=self.budget,
            log=self.log,
        )
        return runs.after(scan, decision, cursor.runs, self.clocks.dagster)


def decided(
    instance: dg.DagsterInstance, new: Sequence[Job], inputs: TickInputs, budget: TimeBudget
) -> tuple[Decision, EventLogFacts]:
    """Decide, look up what that depends on, and decide again, until it is certain or time is up.

    Returns what was looked up, too, but not who follows a job that waits: that may change.
    """
    while not (decision := decide(new, inputs)).is_certain:
        if budget.is_spent:
            decision = decide(new, replace(inputs, is_final=True))
            break
        followed = {job.connection_id for _, job in decision.claims_to_read}
        tables = (table for each in followed for table in inputs.tables[each])
        facts = inputs.facts.looked_up(
            instance, decision.claims_to_read, tables, decision.questions, budget
        )
        inputs = replace(inputs, facts=facts)
    waiting = {job.id for job in decision.waiting}
    followers = {key: each for key, each in inputs.facts.followers.items() if key not in waiting}
    return decision, replace(inputs.facts, followers=followers)


def _by_connection(jobs: Iterable[Job]) -> Mapping[str, Sequence[Job]]:
    by_connection: dict[str, list[Job]] = {}
    for job in jobs:
        by_connection.setdefault(job.connection_id, []).append(job)
    return by_connection


def _catalog(client: AirbyteClient, budget: TimeBudget, *, fresh: bool = False) -> Catalog:
    """However long it takes, there is time left to report without it."""
    return client.catalog(budget.half(), fresh=fresh)
