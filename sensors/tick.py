"""One tick of the polling sensor: reads, decides, and returns what Dagster is to store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from itertools import chain

import dagster as dg

from dagster_airbyte_sync.assets import workspace_resource
from dagster_airbyte_sync.assets.event_log.claims import GRACE
from dagster_airbyte_sync.assets.events.event_log_facts import EventLogFacts
from dagster_airbyte_sync.assets.events.job_details import DetailsWanted
from dagster_airbyte_sync.assets.events.ledger import read_ledger, still_known
from dagster_airbyte_sync.assets.events.sync_events import Event
from dagster_airbyte_sync.assets.tables.table import ConnectionSelector, Table, workspaces_of
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    Catalog,
    Job,
    Pages,
    TimeBudget,
)
from dagster_airbyte_sync.sensors import tick_basics
from dagster_airbyte_sync.sensors.cursor.cursor import (
    Cursor,
    UnreadableCursor,
    begin_of,
    first_cursor,
    read_cursor,
    workspace_of,
)
from dagster_airbyte_sync.sensors.cursor.pace import Pace, Sent, StoringTime
from dagster_airbyte_sync.sensors.cursor.resuming import Ends, Resuming, passes_none
from dagster_airbyte_sync.sensors.cursor_advance import move
from dagster_airbyte_sync.sensors.decide import decide
from dagster_airbyte_sync.sensors.decision import Decision, Limits, TickInputs
from dagster_airbyte_sync.sensors.details.asked_of_jobs import AskedOfJobs
from dagster_airbyte_sync.sensors.looks.left_over import said_of_left_over
from dagster_airbyte_sync.sensors.looks.look import Looked, Room, Watch, is_due
from dagster_airbyte_sync.sensors.reading.defined_tables import DefinedTables
from dagster_airbyte_sync.sensors.reading.live_runs import read_live_runs
from dagster_airbyte_sync.sensors.reading.other_sensors import OtherSensors, name_of_sensor
from dagster_airbyte_sync.sensors.reading.pace_now import read_pace
from dagster_airbyte_sync.sensors.reading.scan import HistoryScan, Scan, jobs_by_connection
from dagster_airbyte_sync.sensors.reading.sensors_before import first_syncs_from
from dagster_airbyte_sync.sensors.reading.workspaces_now import WorkspacesNow
from dagster_airbyte_sync.sensors.runs_that_follow import Followed, FollowOptions, RunsThatFollow
from dagster_airbyte_sync.sensors.shard import WHOLE, Shard
from dagster_airbyte_sync.sensors.summary import summary_of, warn_of
from dagster_airbyte_sync.sensors.tick_basics import (
    Clocks,
    last_sync_reported,
    repository_of,
    tick_failed,
    tick_seconds,
)
from dagster_airbyte_sync.sensors.until_certain import decided, still_true

# How far back a sensor without a cursor looks for the last report of a connection, at most.
_LONGEST_WAY_BACK = timedelta(days=30)


@dataclass(frozen=True)
class Polling:
    """What a polling sensor was asked to do; `tick` does it once.

    `base_name` is the sensor's name without its shard.
    """

    base_name: str
    resource_key: str
    translator: DagsterAirbyteTranslator
    selector: ConnectionSelector | None
    start_from: datetime | timedelta
    follow: FollowOptions
    hold_limit: timedelta
    interval: float
    storing_share: float
    shard: Shard = WHOLE

    def tick(self, context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Read Airbyte's job history on from the cursor, and return what Dagster must know.

        Nothing is written here: Dagster stores what it returns. Raises TickFailed.
        """
        try:
            return _Tick(self, context).result()
        except AirbyteError as error:
            last = last_sync_reported(context, workspace_of(context.cursor))
            raise tick_failed(context, error, last) from None


class _Tick:
    """Reads Airbyte's jobs, then live runs, then the event log: in this order nothing that a run
    reports meanwhile is reported twice."""

    def __init__(self, polling: Polling, context: dg.SensorEvaluationContext) -> None:
        workspace = workspace_resource(context.resources, polling.resource_key)
        self.polling, self.context = polling, context
        self.instance, self.log = context.instance, context.log
        self.client, self.budget = workspace.get_client(), TimeBudget(tick_seconds())
        self.workspace_id = self.client.settings.scope
        self.reporter = name_of_sensor(context, polling.base_name)
        self.asked = AskedOfJobs(self.client, DetailsWanted.of(workspace), self.budget)
        self.limits = Limits(polling.hold_limit.total_seconds(), GRACE + workspace.poll_interval)
        repository = repository_of(context)
        read_catalog = partial(_catalog, self.client, self.budget)
        self.tables = DefinedTables(
            repository,
            read_catalog,
            partial(self.client.connection, budget=self.budget),
            polling.translator,
            polling.selector,
            context.log,
        )
        self.workspaces = WorkspacesNow(
            self.client, self.budget, repository, read_catalog, context.log
        )

    @cached_property
    def clocks(self) -> Clocks:
        """As the first answer of this tick came: what is decided goes by them."""
        return self._read_clocks()

    def _read_clocks(self, *, fresh: bool = False) -> Clocks:
        return Clocks(tick_basics.now_seconds(), self.client.server_time(self.budget, fresh=fresh))

    def result(self) -> dg.SensorResult:
        cursor = self._joined(self._cursor())
        pace = self._pace(cursor)
        scan, decision = self._read(cursor)
        warn_of(scan, decision, self.log)
        followed = self._followed(cursor, scan, decision)
        requests, decision = followed.requests, followed.decision
        # Read again, which costs no request: what waits does so from the end of the tick on.
        now = self._read_clocks()
        moved = move(cursor, scan, decision, now.dagster, now.airbyte, self.polling.start_from)
        # At last, and read again at the next tick: those few must not take the time of all others.
        moved = self.workspaces.after(moved, cursor, scan.workspaces, now.airbyte)
        back = self.tables.readable(self.workspaces.readable(moved))
        moved = replace(moved.brought_back(back, now.dagster), runs=followed.waiting)
        if back:
            self.log.info(
                "These connections can be read again, and what waited is reported from the next"
                " tick on: %s",
                ", ".join(back),
            )
        looked = self._looked(cursor, scan, decision)
        moved = replace(moved, place=looked.place)
        if looked.is_whole:
            moved = replace(moved, looked_at=now.dagster)
        events = [*_events(decision), *looked.events]
        moved = replace(moved, pace=replace(pace, sent=Sent.of(events)))
        if moved.since < cursor.since:
            self.log.warning(
                "Airbyte's clock was set back, or the cursor was edited: history was read up to"
                " %s, and there it is %s. Continuing from %s; nothing is reported again.",
                cursor.since.isoformat(),
                now.airbyte.isoformat(timespec="seconds"),
                moved.since.isoformat(),
            )
        summary = summary_of(scan, decision, moved, now.airbyte, self.tables.by_connection)
        self.log.info(summary)
        return dg.SensorResult(
            asset_events=events,
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
        unreported = self._first_syncs_from(begin, ends)
        since = min([begin, unreported, *last])
        since = max(since, min(begin, now - _LONGEST_WAY_BACK))
        self.log.info("Reporting syncs that ended at %s or later", f"{since:%Y-%m-%d %H:%M:%S} UTC")
        first = first_cursor(self.workspace_id, since, resumed_at=now)
        workspaces = self.workspaces.first(since, ends)
        return replace(first, unreported_from=unreported, workspaces=workspaces)

    def _joined(self, cursor: Cursor) -> Cursor:
        """With the workspaces that are new, if it is an instance that has several."""
        begin = partial(begin_of, self.polling.start_from)
        return self.workspaces.joined(cursor, lambda: self.clocks, begin)

    def _first_syncs_from(self, begin: datetime, ends: Ends) -> datetime:
        """From when on connections are reported that never were; a time that was given stands."""
        if isinstance(self.polling.start_from, datetime):
            return begin
        skew, shard = self.clocks.skew, self.polling.shard
        return first_syncs_from(begin, ends, self.tables, self.instance, skew, shard)

    def _ends_reported(self) -> Ends:
        return self.tables.ends_reported(self.instance, self.clocks.skew, self.polling.shard)

    def _pace(self, cursor: Cursor) -> Pace:
        """How fast Dagster has stored what the last tick reported; and by that, the limits."""
        # Without threads all shards take turns in one.
        share = self.polling.storing_share / self.polling.shard.of
        time = StoringTime.of(self.polling.interval, share, self.limits.events)
        pace = read_pace(self.instance, cursor.pace, time.usual)
        self.limits = replace(self.limits, events=time.most_events(pace))
        return pace

    def _read(self, cursor: Cursor) -> tuple[Scan, Decision]:
        """Read history until there is enough to report, none is left, or time is up.

        What was reported already does not count: however much of it is read again, it must not take
        the place of what is new.
        """
        passes, shard = self._passes(cursor), self.polling.shard
        # The other half is to find out what was read about: it would be read again for ever.
        share, to_read = self.budget.half(), self.workspaces.to_read(cursor)
        history = HistoryScan(self.client, cursor, share, passes, shard, to_read)
        facts = EventLogFacts()
        while True:
            scan, decision = history.go_on(self.tables.events_for, self.limits.events), Decision()
            inputs: TickInputs | None = None
            concerned = self.tables.of_all(scan.new)
            if concerned or any(job.connection_id in self.tables.unreadable for job in scan.new):
                inputs = self._inputs(cursor, scan, concerned, facts)
                decision, inputs = decided(self.instance, scan.new, inputs, self.asked, self.budget)
                facts = still_true(inputs.facts, decision)
            is_enough = decision.left or decision.events >= self.limits.events
            is_over = scan.complete or history.is_out_of_time or self.budget.is_spent
            if is_over or is_enough:
                return scan, self._with_details(scan, decision, inputs)

    def _with_details(self, scan: Scan, decision: Decision, inputs: TickInputs | None) -> Decision:
        """The decision, with what else is known of the jobs that it reports in its events."""
        syncs = [reported.sync for reported in decision.reported if reported.events]
        more = bool(decision.left) or not scan.complete
        details = self.asked.details(syncs, more=more)
        if inputs is None or not details:
            return decision
        # The events are larger then, and perhaps not all of them fit.
        return decide(scan.new, replace(inputs, details=details))

    def _passes(self, cursor: Cursor) -> Callable[[Job], bool]:
        """Which jobs are passed over while a sensor that lost its cursor goes on."""
        resumed_at = cursor.resumed_at
        if resumed_at is None:
            return passes_none
        begin = begin_of(self.polling.start_from, resumed_at)
        skew = self.clocks.skew.total_seconds() if cursor.skew is None else cursor.skew
        began = resumed_at.timestamp() - skew
        first_syncs = cursor.unreported_from or begin
        return Resuming(begin, first_syncs, resumed_at, began, self._ends_reported).passes

    def _inputs(
        self, cursor: Cursor, scan: Scan, concerned: Sequence[Table], before: EventLogFacts
    ) -> TickInputs:
        """What there is to know about the scan's new jobs, and what was looked up `before`."""
        live_runs = read_live_runs(self.instance, {table.key for table in concerned})
        ledger = read_ledger(self.instance, concerned, self.clocks.skew)
        self._other_sensors(cursor).warn(ledger, concerned, self.log)
        ledger = replace(ledger, among=jobs_by_connection(scan.jobs))
        # Asked for, if at all, before anything is decided.
        self.client.ui_url(self.budget)
        return TickInputs(
            tables=self.tables.by_connection,
            live_runs=live_runs,
            facts=replace(before, ledger=still_known(ledger, before.ledger)),
            checked=self.tables.checked,
            pending=cursor.pending,
            now=self.clocks.dagster,
            limits=self.limits,
            job_url=self._pages().job,
            outcomes=self.asked.outcomes,
            unreadable=self.tables.unreadable,
            outdated=self.tables.outdated,
            reporter=self.reporter,
        )

    def _other_sensors(self, cursor: Cursor) -> OtherSensors:
        reached, skew = cursor.reached, timedelta(seconds=cursor.skew or 0)
        is_first = not self.context.cursor or reached is None
        # Both are known to a second.
        since = None if is_first or reached is None else (reached - skew).timestamp() + 1
        return OtherSensors(self.reporter, since)

    def _looked(self, cursor: Cursor, scan: Scan, decision: Decision) -> Looked:
        """How connections stand, and what runs have left unsaid, if it is time to look, and
        reporting leaves room."""
        watch = Watch(
            repository_of(self.context),
            self.polling.resource_key,
            self.client,
            self.instance,
            self.budget,
            self.polling.selector,
            self.log,
            self.clocks.dagster,
            self.clocks.skew,
            self.polling.shard,
        )
        events = _events(decision)
        room = Room(self.limits.events, self.limits.bytes).beside(events)
        # A run that has materialized tables without their checks: Dagster shows none for them.
        is_asked = any(not reported.is_ours for reported in decision.reported)
        is_time = is_asked or is_due(cursor.looked_at, self.clocks.dagster)
        if not is_time or not scan.complete or decision.left or self.budget.is_spent:
            return replace(watch.kept(events, room), place=cursor.place)
        without = cursor.parked | decision.unreadable
        looked = watch.look(without, scan.jobs, cursor.begin, events, room)
        left = room.beside(looked.events)
        again = said_of_left_over(watch, self.tables.checked, events, cursor.place, left)
        return replace(looked, events=(*looked.events, *again.events), place=again.place)

    def _pages(self) -> Pages:
        tables = chain.from_iterable(self.tables.by_connection.values())
        return self.client.pages(self.budget, workspaces_of(tables))

    def _followed(self, cursor: Cursor, scan: Scan, decision: Decision) -> Followed:
        runs = RunsThatFollow(
            self.polling.follow,
            repository_of(self.context),
            self.instance,
            self.workspace_id,
            self.context.sensor_name,
            tables=self.tables.as_far_as_known,
            read_ledger=lambda tables: read_ledger(self.instance, tables, self.clocks.skew),
            job_url=lambda connection_id, job_id: self._pages().job_of(connection_id, job_id),
            skew=self.clocks.skew,
            budget=self.budget,
            log=self.log,
        )
        return runs.after(scan, decision, cursor.runs, self.clocks.dagster)


def _events(decision: Decision) -> list[Event]:
    return [event for reported in decision.reported for event in reported.events]


def _catalog(client: AirbyteClient, budget: TimeBudget, *, fresh: bool = False) -> Catalog:
    """However long it takes, there is time left to report without it."""
    return client.catalog(budget.half(), fresh=fresh)
