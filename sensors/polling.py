"""One tick of the polling sensor: reads, decides, and returns what Dagster is to store."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import partial

import dagster as dg

from dagster_airbyte_sync.assets import (
    GRACE,
    ConnectionSelector,
    DagsterAirbyteTranslator,
    followers_of,
    read_again,
    read_ledger,
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
from dagster_airbyte_sync.sensors.bookmark import (
    Bookmark,
    UnreadableBookmark,
    begin_of,
    first_bookmark,
    read_bookmark,
)
from dagster_airbyte_sync.sensors.decide import Decision, Known, Limits, decide
from dagster_airbyte_sync.sensors.defined_tables import DefinedTables
from dagster_airbyte_sync.sensors.half_step import warn_of_half_step
from dagster_airbyte_sync.sensors.moving import move
from dagster_airbyte_sync.sensors.promises import read_promises
from dagster_airbyte_sync.sensors.run_requests import (
    Runnable,
    RunRequestFn,
    asked_requests,
    check_request,
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
        """Read Airbyte's job history on from the bookmark, and return what Dagster must know.

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
        bookmark = self._bookmark(context, client, budget, tables)
        limits = Limits(self.hold_limit.total_seconds(), GRACE + workspace.poll_interval)
        scan, decision = self._read(context.instance, client, budget, bookmark, tables, limits)
        self._warn(context.log, scan, decision)
        requests = self._requests(context, client.settings.workspace_id, decision)
        server_time = client.server_time(budget)
        moved = move(bookmark, scan, decision, _now(), server_time, self.start_from)
        # At last, and read again at the next tick: those few must not take the time of all others.
        back = tables.readable(moved.apart)
        moved = moved.brought_back(back, _now())
        if back:
            context.log.info("What waited is reported from the next tick on: %s", ", ".join(back))
        if moved.since < bookmark.since:
            context.log.warning(
                "Airbyte's clock was set back, or the cursor was edited: history was read up to"
                " %s, and there it is %s. Reading on from %s; nothing is reported again.",
                bookmark.since.isoformat(),
                server_time.isoformat(timespec="seconds"),
                moved.since.isoformat(),
            )
        summary = summary_of(scan, decision, moved, about_how_many_new(client, scan, budget))
        context.log.info(summary)
        return dg.SensorResult(
            asset_events=[event for told in decision.told for event in told.events],
            run_requests=requests,
            # Dagster shows a reason only without run requests, and refuses it with them.
            skip_reason=None if requests else summary,
            cursor=moved.to_cursor(),
        )

    def _bookmark(
        self,
        context: dg.SensorEvaluationContext,
        client: AirbyteClient,
        budget: TimeBudget,
        tables: DefinedTables,
    ) -> Bookmark:
        workspace_id = client.settings.workspace_id
        if context.cursor:
            try:
                return read_bookmark(context.cursor, workspace_id)
            except UnreadableBookmark as reason:
                context.log.warning(
                    "The cursor cannot be used because %s. Reading again from where the event log"
                    " ends; nothing is reported again.",
                    reason,
                )
        now = client.server_time(budget)
        begin = begin_of(self.start_from, now)
        ends = tables.last_ends(context.instance)
        since = max(min([begin, *ends.values()]), min(begin, now - _LONGEST_WAY_BACK))
        context.log.info("Reporting syncs that end from %s on", since.isoformat())
        return first_bookmark(workspace_id, since, resumed_at=now)

    def _read(
        self,
        instance: dg.DagsterInstance,
        client: AirbyteClient,
        budget: TimeBudget,
        bookmark: Bookmark,
        tables: DefinedTables,
        limits: Limits,
    ) -> tuple[Scan, Decision]:
        """Read history until there is enough to report, none is left, or time is up.

        What was reported already does not count: however much of it is read again, it must not take
        the place of what is new.
        """
        history = HistoryScan(client, bookmark, budget)
        while True:
            scan = history.go_on(tables.events_for, limits.events)
            decision = self._decide(instance, client, budget, bookmark, scan, tables, limits)
            is_enough = decision.left or decision.events >= limits.events
            if scan.complete or is_enough or budget.is_spent:
                return scan, decision

    def _decide(
        self,
        instance: dg.DagsterInstance,
        client: AirbyteClient,
        budget: TimeBudget,
        bookmark: Bookmark,
        scan: Scan,
        tables: DefinedTables,
        limits: Limits,
    ) -> Decision:
        owed = tables.of_all(scan.new)
        if not owed and not any(job.connection_id in tables.unreadable for job in scan.new):
            return Decision()
        promises = read_promises(instance, {table.key for table, _ in owed})
        now, server_time = _now(), client.server_time(budget)
        known = Known(
            tables=tables.found,
            promises=promises,
            ledger=read_ledger(
                instance, (table for table, _ in owed), clock_skew(server_time, now)
            ),
            checked=tables.checked,
            held=bookmark.held,
            now=now,
            limits=limits,
            job_url=partial(job_url, client.ui_url(budget), client.settings.workspace_id),
            graced=bookmark.graced,
            unreadable=tables.unreadable,
            begin=bookmark.resumed_at and begin_of(self.start_from, bookmark.resumed_at),
            resumed_at=bookmark.resumed_at,
        )
        return decided(instance, scan.new, known, budget)

    def _warn(self, log: logging.Logger, scan: Scan, decision: Decision) -> None:
        if scan.unreadable:
            log.warning(
                "Airbyte listed %d jobs without an id or a connection: they cannot be reported",
                scan.unreadable,
            )
        for told in decision.told:
            if told.taken_from is not None:
                log.warning(
                    "Run %s has not reported Airbyte job %s; the sensor reports it",
                    told.taken_from,
                    told.sync.job.id,
                )
            if told.may_repeat is not None:
                warn_of_half_step(told.sync.job, told.may_repeat, log)

    def _requests(
        self, context: dg.SensorEvaluationContext, workspace_id: str, decision: Decision
    ) -> list[dg.RunRequest]:
        fresh = [told for told in decision.told if told.makes_fresh and told.is_whole]
        if not fresh or (self.downstream is None and self.run_request_fn is None):
            return []
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
        check = partial(check_request, runnable=runnable, jobs=self.job_names)
        return [
            request
            for told in fresh
            for request in requests_for(
                told.sync, told.keys, make, check, workspace_id, context.log
            )
        ]


def decided(
    instance: dg.DagsterInstance, new: Sequence[Job], known: Known, budget: TimeBudget
) -> Decision:
    """Decide, look up what that depends on, and decide again, until it is certain or time is up."""
    while not (decision := decide(new, known)).is_certain:
        if budget.is_spent:
            return decide(new, replace(known, is_final=True))
        followers = followers_of(instance, decision.unfollowed, budget)
        # After them: a step that has ended by then has stored all its events.
        followed = {job.connection_id for _, job in decision.unfollowed}
        tables = (table for each in followed for table in known.tables[each])
        ledger = read_again(instance, known.ledger, tables)
        ledger = with_answers(instance, ledger, decision.questions, budget)
        known = replace(known, ledger=ledger, followers={**known.followers, **followers})
    return decision


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
