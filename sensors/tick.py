"""One tick of the polling sensor: reads, decides, and returns what Dagster is to store."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import partial

import dagster as dg

from dagster_airbyte_sync.assets import (
    GRACE,
    ConnectionSelector,
    DagsterAirbyteTranslator,
    Table,
    followers_of,
    read_again,
    read_ledger,
    still_known,
    with_answers,
    workspace_resource,
)
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteSettingsError,
    Catalog,
    Job,
    TimeBudget,
    job_url,
)
from dagster_airbyte_sync.sensors.cursor.cursor import (
    Cursor,
    UnreadableCursor,
    begin_of,
    first_cursor,
    read_cursor,
)
from dagster_airbyte_sync.sensors.cursor.resuming import Ends, Resuming, passes_none
from dagster_airbyte_sync.sensors.cursor_advance import move
from dagster_airbyte_sync.sensors.decide import Decision, Limits, TickInputs, decide, up_to
from dagster_airbyte_sync.sensors.defined_tables import DefinedTables
from dagster_airbyte_sync.sensors.half_step import warn_of_half_step
from dagster_airbyte_sync.sensors.live_runs import read_claims
from dagster_airbyte_sync.sensors.run_requests import (
    Runnable,
    RunRequestFn,
    asked_requests,
    check_request,
    checked_once,
    downstream_request,
    requests_for,
)
from dagster_airbyte_sync.sensors.scan import HistoryScan, Scan, about_how_many_new
from dagster_airbyte_sync.sensors.summary import summary_of
from dagster_airbyte_sync.sensors.tick_time import tick_seconds

# How far back a sensor without a cursor looks for the last report of a connection, at most.
_LONGEST_WAY_BACK = timedelta(days=30)


@dataclass(frozen=True)
class Polling:
    """What a polling sensor was asked to do; `tick` does it once."""

    resource_key: str
    translator: DagsterAirbyteTranslator
    selector: ConnectionSelector | None
    start_from: datetime | timedelta
    downstream: dg.AssetSelection | None
    run_request_fn: RunRequestFn | None
    job_names: frozenset[str]
    hold_limit: timedelta

    def tick(self, context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Read Airbyte's job history on from the cursor, and return what Dagster must know.

        The order of reading is part of the proof that nothing is reported twice: Airbyte's jobs,
        then live runs, then the event log. Nothing is written here: Dagster stores what it returns.
        """
        workspace = workspace_resource(context.resources, self.resource_key)
        client, budget = workspace.get_client(), TimeBudget(tick_seconds())
        tables = DefinedTables(
            _repository(context),
            partial(_catalog, client, budget),
            partial(client.connection, budget=budget),
            self.translator,
            self.selector,
            context.log,
        )
        cursor = self._cursor(context, client, budget, tables)
        limits = Limits(self.hold_limit.total_seconds(), GRACE + workspace.poll_interval)
        scan, decision = self._read(context.instance, client, budget, cursor, tables, limits)
        self._warn(context.log, scan, decision)
        workspace_id = client.settings.workspace_id
        requests, decision = self._requests(context, workspace_id, scan, decision, budget)
        server_time = client.server_time(budget)
        moved = move(cursor, scan, decision, _now(), server_time, self.start_from)
        # At last, and read again at the next tick: those few must not take the time of all others.
        back = tables.readable(moved.parked)
        moved = moved.brought_back(back, _now())
        if back:
            context.log.info("What waited is reported from the next tick on: %s", ", ".join(back))
        if moved.since < cursor.since:
            context.log.warning(
                "Airbyte's clock was set back, or the cursor was edited: history was read up to"
                " %s, and there it is %s. Reading on from %s; nothing is reported again.",
                cursor.since.isoformat(),
                server_time.isoformat(timespec="seconds"),
                moved.since.isoformat(),
            )
        summary = summary_of(scan, decision, moved, about_how_many_new(client, scan, budget))
        context.log.info(summary)
        return dg.SensorResult(
            asset_events=[event for reported in decision.reported for event in reported.events],
            run_requests=requests,
            # Dagster shows a reason only without run requests, and refuses it with them.
            skip_reason=None if requests else summary,
            cursor=moved.to_text(),
        )

    def _cursor(
        self,
        context: dg.SensorEvaluationContext,
        client: AirbyteClient,
        budget: TimeBudget,
        tables: DefinedTables,
    ) -> Cursor:
        workspace_id = client.settings.workspace_id
        if context.cursor:
            try:
                return read_cursor(context.cursor, workspace_id)
            except UnreadableCursor as reason:
                context.log.warning(
                    "The cursor cannot be used because %s. Reading again from where the event log"
                    " ends; nothing is reported again.",
                    reason,
                )
        now = client.server_time(budget, fresh=True)
        begin = begin_of(self.start_from, now)
        ends = tables.ends_reported(context.instance, clock_skew(now, _now()))
        since = min([begin, *map(max, ends.values())])
        since = max(since, min(begin, now - _LONGEST_WAY_BACK))
        context.log.info("Reporting syncs that end from %s on", since.isoformat())
        return first_cursor(workspace_id, since, resumed_at=now)

    def _read(
        self,
        instance: dg.DagsterInstance,
        client: AirbyteClient,
        budget: TimeBudget,
        cursor: Cursor,
        tables: DefinedTables,
        limits: Limits,
    ) -> tuple[Scan, Decision]:
        """Read history until there is enough to report, none is left, or time is up.

        What was reported already does not count: however much of it is read again, it must not take
        the place of what is new.
        """
        passes = self._passes(instance, client, budget, cursor, tables)
        history, known = HistoryScan(client, cursor, budget, passes), None
        while True:
            scan = history.go_on(tables.events_for, limits.events)
            concerned = tables.of_all(scan.new)
            decision = Decision()
            if concerned or any(job.connection_id in tables.unreadable for job in scan.new):
                known = self._known(
                    instance, client, budget, cursor, scan, tables, concerned, limits, known
                )
                decision, known = decided(instance, scan.new, known, budget)
            is_enough = decision.left or decision.events >= limits.events
            if scan.complete or is_enough or budget.is_spent:
                return scan, decision

    def _passes(
        self,
        instance: dg.DagsterInstance,
        client: AirbyteClient,
        budget: TimeBudget,
        cursor: Cursor,
        tables: DefinedTables,
    ) -> Callable[[Job], bool]:
        """Which jobs are passed over while a sensor that lost its cursor goes on."""
        resumed_at = cursor.resumed_at
        if resumed_at is None:
            return passes_none

        def read_ends() -> Ends:
            return tables.ends_reported(instance, clock_skew(client.server_time(budget), _now()))

        return Resuming(begin_of(self.start_from, resumed_at), resumed_at, read_ends).passes

    def _known(
        self,
        instance: dg.DagsterInstance,
        client: AirbyteClient,
        budget: TimeBudget,
        cursor: Cursor,
        scan: Scan,
        tables: DefinedTables,
        concerned: Sequence[Table],
        limits: Limits,
        before: TickInputs | None,
    ) -> TickInputs:
        """What there is to know about the scan's new jobs, and what was looked up `before`."""
        claims = read_claims(instance, {table.key for table in concerned})
        now, server_time = _now(), client.server_time(budget)
        ledger = read_ledger(instance, concerned, clock_skew(server_time, now))
        ledger = replace(ledger, among=_by_connection(scan.jobs))
        return TickInputs(
            tables=tables.found,
            claims=claims,
            ledger=ledger if before is None else still_known(ledger, before.ledger),
            followers={} if before is None else before.followers,
            checked=tables.checked,
            pending=cursor.pending,
            now=now,
            limits=limits,
            job_url=partial(job_url, client.ui_url(budget), client.settings.workspace_id),
            unreadable=tables.unreadable,
        )

    def _warn(self, log: logging.Logger, scan: Scan, decision: Decision) -> None:
        if scan.unreadable:
            log.warning(
                "Airbyte listed %d jobs without an id or a connection: they cannot be reported",
                scan.unreadable,
            )
        for reported in decision.reported:
            if reported.taken_from is not None:
                log.warning(
                    "Run %s has not reported Airbyte job %s; the sensor reports it",
                    reported.taken_from,
                    reported.sync.job.id,
                )
            if reported.may_repeat is not None:
                warn_of_half_step(reported.sync.job, reported.may_repeat, log)

    def _requests(
        self,
        context: dg.SensorEvaluationContext,
        workspace_id: str,
        scan: Scan,
        decision: Decision,
        budget: TimeBudget,
    ) -> tuple[list[dg.RunRequest], Decision]:
        """The runs that follow, and the decision as far as there was time to make them."""
        follows = [reported.makes_fresh and reported.is_whole for reported in decision.reported]
        if not any(follows) or (self.downstream is None and self.run_request_fn is None):
            return [], decision
        repository = _repository(context)
        runnable = Runnable.of(repository, context.instance)
        make = []
        if self.downstream is not None:
            selected = self.downstream.resolve(set(repository.assets_defs_by_key.values()))
            make.append(
                partial(downstream_request, selected=frozenset(selected), runnable=runnable)
            )
        if self.run_request_fn is not None:
            make.append(partial(asked_requests, self.run_request_fn))
        check = checked_once(partial(check_request, runnable=runnable, jobs=self.job_names))
        found: list[dg.RunRequest] = []
        for place, reported in enumerate(decision.reported):
            if place and budget.is_spent:
                return found, up_to(decision, place, scan.new)
            if follows[place]:
                found += requests_for(
                    reported.sync, reported.keys, make, check, workspace_id, context.log
                )
        return found, decision


def decided(
    instance: dg.DagsterInstance, new: Sequence[Job], known: TickInputs, budget: TimeBudget
) -> tuple[Decision, TickInputs]:
    """Decide, look up what that depends on, and decide again, until it is certain or time is up.

    With what is known then. Of a job that waits it is forgotten who follows it: that may change.
    """
    while not (decision := decide(new, known)).is_certain:
        if budget.is_spent:
            decision = decide(new, replace(known, is_final=True))
            break
        followers = followers_of(instance, decision.unfollowed, budget)
        # After them: a step that has ended by then has stored all its events.
        followed = {job.connection_id for _, job in decision.unfollowed}
        tables = (table for each in followed for table in known.tables[each])
        ledger = read_again(instance, known.ledger, tables)
        ledger = with_answers(instance, ledger, decision.questions, budget)
        known = replace(known, ledger=ledger, followers={**known.followers, **followers})
    waiting = {job.id for job in decision.waiting}
    followers = {key: value for key, value in known.followers.items() if key not in waiting}
    return decision, replace(known, followers=followers)


def _by_connection(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.connection_id, []).append(job)
    return found


def clock_skew(server_time: datetime, now: float) -> timedelta:
    """Airbyte's clock minus Dagster's."""
    return server_time - datetime.fromtimestamp(now, timezone.utc)


def _catalog(client: AirbyteClient, budget: TimeBudget, *, fresh: bool = False) -> Catalog:
    """However long it takes, there is time left to report without it."""
    return client.catalog(budget.half(), fresh=fresh)


def _now() -> int:
    return int(time.time())


def _repository(context: dg.SensorEvaluationContext) -> dg.RepositoryDefinition:
    if context.repository_def is None:
        raise AirbyteSettingsError(
            "The sensor must know the definitions it belongs to. In a test:"
            " build_sensor_context(definitions=defs, ...)."
        )
    return context.repository_def
