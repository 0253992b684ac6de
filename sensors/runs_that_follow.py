"""Asks for the runs that follow what a tick reports: for all of it together, or sync by sync."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync.assets.events.finished_sync import moved_rows
from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import OutOfTime, TimeBudget
from dagster_airbyte_sync.sensors.cursor.pending import FIRST_OF_ALL, end_of, job_key
from dagster_airbyte_sync.sensors.cursor.waiting_runs import MOST_WAITING, WaitingRuns
from dagster_airbyte_sync.sensors.decision import Decision, ReportedSync, up_to
from dagster_airbyte_sync.sensors.reading.scan import Scan
from dagster_airbyte_sync.sensors.run_requests.arrival import Arrival, name_of_connection
from dagster_airbyte_sync.sensors.run_requests.downstream import Downstream, HistoryRead
from dagster_airbyte_sync.sensors.run_requests.followed_before import (
    FollowedBefore,
    without_those_of_others,
)
from dagster_airbyte_sync.sensors.run_requests.of_each_sync import OfEachSync, RunRequestFn
from dagster_airbyte_sync.sensors.run_requests.runnable import Runnable
from dagster_airbyte_sync.sensors.run_requests.waiting import Waited, first_of_each

# So long runs wait for history to be read to its end: a backlog, or a connection of many tables.
LONGEST_WAIT = timedelta(minutes=15)
# And so long for a tick that has the time to check them.
GIVE_UP = timedelta(hours=1)
# By how much the clocks of Dagster and Airbyte may be known wrongly.
_CLOCK_SLACK = timedelta(minutes=10)
# A tick that has used its time up may take so many seconds more to check what follows.
_LEAST_SECONDS = 5.0


@dataclass(frozen=True)
class FollowOptions:
    """What is to follow syncs; see `build_airbyte_polling_sensor`."""

    downstream: dg.AssetSelection | None = None
    per_sync: bool = False
    only_with_rows: bool = False
    partition_offset: int = 0
    run_request_fn: RunRequestFn | None = None
    job_names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Followed:
    """The requests of a tick, the decision as far as they were made, and what waits on."""

    decision: Decision
    requests: Sequence[dg.RunRequest] = ()
    waiting: WaitingRuns | None = None


@dataclass(frozen=True)
class RunsThatFollow:
    """Makes the requests of one tick.

    `read_ledger` is asked only for what waited; `job_url` gives the page of a connection's job.
    `skew` is Airbyte's clock minus Dagster's.
    """

    options: FollowOptions
    repository: dg.RepositoryDefinition
    instance: dg.DagsterInstance
    workspace_id: str
    sensor_name: str
    tables: Callable[[str], Sequence[Table]]
    read_ledger: Callable[[Sequence[Table]], Ledger]
    job_url: Callable[[str, int], str]
    skew: timedelta
    budget: TimeBudget
    log: logging.Logger

    def after(
        self, scan: Scan, decision: Decision, waiting: WaitingRuns | None, now: int
    ) -> Followed:
        """What follows the decision, and the runs that waited; `now` is in epoch seconds."""
        options = self.options
        if options.downstream is None and options.run_request_fn is None:
            return Followed(decision)
        if not (waiting or any(map(_is_followed, decision.reported))):
            return Followed(decision)
        runnable = Runnable.of(self.repository, self.instance, options.job_names, self._budget())
        downstream = None
        if options.downstream is not None:
            offset = options.partition_offset
            downstream = Downstream(runnable, options.downstream, offset, self.log)
        requests, decision = self._sync_by_sync(runnable, downstream, scan, decision)
        if downstream is None or (options.per_sync and waiting is None):
            return Followed(decision, requests)
        is_read = options.per_sync or (scan.complete and not decision.left)
        # What waited before the sensor was to ask sync by sync is asked for all the same.
        of_tick = replace(decision, reported=()) if options.per_sync else decision
        together = self._together(downstream, of_tick, waiting, now, is_read=is_read)
        return Followed(decision, [*requests, *together.requests], together.waiting)

    def _budget(self) -> TimeBudget:
        left = self.budget.left
        return self.budget if left is None else TimeBudget(max(left, _LEAST_SECONDS))

    def _sync_by_sync(
        self, runnable: Runnable, downstream: Downstream | None, scan: Scan, decision: Decision
    ) -> tuple[list[dg.RunRequest], Decision]:
        """Requests for each sync, and the decision as far as there was time to make them."""
        makers = self._makers(runnable, downstream)
        requests: list[dg.RunRequest] = []
        for place, reported in enumerate(decision.reported if makers else ()):
            if place and self.budget.is_spent:
                return requests, up_to(decision, place, scan.new)
            if not _is_followed(reported):
                continue
            try:
                asked = [each for make in makers for each in make(reported)]
                requests += asked if reported.events else self._not_by_others(asked)
            except OutOfTime as reason:
                if place:
                    return requests, up_to(decision, place, scan.new)
                self.log.error("No run for Airbyte job %s: %s", reported.sync.job.id, reason)
        return requests, decision

    def _not_by_others(self, requests: Sequence[dg.RunRequest]) -> Sequence[dg.RunRequest]:
        """Of a sync that was reported before, by a sensor of another name perhaps."""
        return without_those_of_others(self.instance, self.workspace_id, self.sensor_name, requests)

    def _makers(
        self, runnable: Runnable, downstream: Downstream | None
    ) -> list[Callable[[ReportedSync], Sequence[dg.RunRequest]]]:
        options, makers = self.options, list[Callable[[ReportedSync], Sequence[dg.RunRequest]]]()
        if downstream is not None and options.per_sync:
            own = downstream
            makers.append(lambda each: own.requests([self._arrival(each)], self.workspace_id))
        if options.run_request_fn is not None:
            # The first number is that of what lies downstream.
            first = 0 if downstream is None else 1
            of_user = OfEachSync(runnable, options.run_request_fn, first, self.log)
            makers.append(
                lambda each: of_user.requests(
                    each.sync, each.keys, self._arrival(each), self.workspace_id
                )
            )
        return makers

    def _together(
        self,
        downstream: Downstream,
        decision: Decision,
        waiting: WaitingRuns | None,
        now: int,
        *,
        is_read: bool,
    ) -> Followed:
        """One request for all, or for each partition, and what waits for history to be read."""
        followed = [each for each in decision.reported if _is_followed(each)]
        new = [self._arrival(each) for each in followed]
        new = [arrival for arrival in new if downstream.reach(arrival.keys)]
        first = first_of_each(waiting, ((each.connection_id, job_key(each.job)) for each in new))
        since, before = (waiting.since, waiting.up_to) if waiting else (now, FIRST_OF_ALL)
        may_wait = now - since < LONGEST_WAIT.total_seconds() and len(first) <= MOST_WAITING
        read_up_to = max([before, *(end_of(each.sync.job) for each in decision.reported)])
        up_to = None if is_read or not may_wait else read_up_to
        # An earlier tick that died, or lost its cursor, may have asked for what this one would.
        may_be_there = waiting is not None or not all(each.events for each in followed)
        try:
            arrivals = [*self._that_waited(waiting), *new]
            there = self._followed_before(arrivals) if may_be_there else FollowedBefore()
            history = HistoryRead(up_to, before, there)
            requests = downstream.requests(arrivals, self.workspace_id, history)
        except OutOfTime as reason:
            kept = self._kept(WaitingRuns(first, since, before), now, reason) if first else None
            return Followed(decision, [], kept)
        waits = first and up_to is not None
        return Followed(
            decision, requests, WaitingRuns(first, since, read_up_to) if waits else None
        )

    def _kept(self, waiting: WaitingRuns, now: int, reason: OutOfTime) -> WaitingRuns | None:
        """What is asked for again at the next tick, as there was no time for it in this one."""
        if now - waiting.since > GIVE_UP.total_seconds():
            self.log.error("No run for what was reported so far: %s", reason)
            return None
        first = dict(list(waiting.first.items())[:MOST_WAITING])
        if len(first) < len(waiting.first):
            dropped = len(waiting.first) - len(first)
            self.log.error("No run after syncs of %d connections: %s", dropped, reason)
        return replace(waiting, first=first)

    def _followed_before(self, arrivals: Sequence[Arrival]) -> FollowedBefore:
        """Runs that followed these began after they had ended."""
        ends = [arrival.ended_at for arrival in arrivals]
        known = [end for end in ends if end is not None]
        since = min(known) - self.skew - _CLOCK_SLACK if known and None not in ends else None
        return FollowedBefore.read(
            self.instance, self.workspace_id, self.sensor_name, since, self._budget()
        )

    def _arrival(self, reported: ReportedSync) -> Arrival:
        job, counting = reported.sync.job, frozenset(reported.keys)
        tables = self.tables(job.connection_id)
        if self.options.only_with_rows:
            counting &= {table.key for table in tables if moved_rows(job, table)}
        name = name_of_connection(tables, job.connection_id)
        return Arrival(job.connection_id, name, job.ref, reported.sync.job_url, counting)

    def _that_waited(self, waiting: WaitingRuns | None) -> list[Arrival]:
        if waiting is None:
            return []
        tables = {each: self.tables(each) for each in waiting.first}
        ledger = self.read_ledger([table for own in tables.values() for table in own])
        waited = Waited(tables, ledger, self.job_url, self.options.only_with_rows)
        return waited.arrivals(waiting)


def _is_followed(reported: ReportedSync) -> bool:
    return reported.triggers_runs and reported.is_whole
