"""Reports syncs of the past, as the sensor would have, but never takes a table back."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync.assets.event_log.claims import GRACE
from dagster_airbyte_sync.assets.events.event_log_facts import EventLogFacts
from dagster_airbyte_sync.assets.events.job_details import DetailsWanted
from dagster_airbyte_sync.assets.events.ledger import read_ledger
from dagster_airbyte_sync.assets.events.sync_events import Event
from dagster_airbyte_sync.assets.tables.table import workspaces_of
from dagster_airbyte_sync.resources import (
    NO_LIMIT,
    AirbyteClient,
    BaseAirbyteWorkspace,
    Job,
)
from dagster_airbyte_sync.sensors import tick_basics
from dagster_airbyte_sync.sensors.cursor.pending import end_of
from dagster_airbyte_sync.sensors.decision import Decision, Limits, ReportedSync, TickInputs
from dagster_airbyte_sync.sensors.details.asked_of_jobs import AskedOfJobs
from dagster_airbyte_sync.sensors.reading.defined_tables import DefinedTables
from dagster_airbyte_sync.sensors.reading.live_runs import read_live_runs
from dagster_airbyte_sync.sensors.reading.scan import jobs_by_connection
from dagster_airbyte_sync.sensors.tick import Polling
from dagster_airbyte_sync.sensors.until_certain import decided

# What ended before has no step any more that lives on after its run.
_RECENT = timedelta(hours=1)
# Before so many events each it is looked again whether somebody else reports meanwhile.
_BATCH = 250
# So many events are decided at once, with all of the last job: each time, what was noted of a table
# is read again.
_AT_ONCE = 2_500
_NO_END = 10**12


def _nothing() -> None: ...


def _ignored(event: Event) -> None: ...


@dataclass
class Outcome:
    """What is stored, or would be: how many events and jobs, by connection id.

    `waiting` are jobs that are left to a live run, with the later ones of its connection, and
    `unreadable` those whose tables cannot be known now. `fresh` are the tables that get a
    materialization.
    """

    materializations: Counter[str] = field(default_factory=Counter)
    observations: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    fresh: set[dg.AssetKey] = field(default_factory=set)
    evaluations: Counter[str] = field(default_factory=Counter)

    @property
    def events(self) -> int:
        return sum(each.total() for each in self._kinds)

    @property
    def connection_ids(self) -> set[str]:
        """Those for which something is stored."""
        return {connection_id for each in self._kinds for connection_id in each}

    @property
    def _kinds(self) -> Sequence[Counter[str]]:
        return self.materializations, self.observations, self.evaluations

    def count(self, job: Job, event: Event) -> None:
        if isinstance(event, dg.AssetMaterialization):
            self.materializations[job.connection_id] += 1
            self.fresh.add(event.asset_key)
        elif isinstance(event, dg.AssetObservation):
            self.observations[job.connection_id] += 1
        else:
            self.evaluations[job.connection_id] += 1

    def count_job(self, reported: ReportedSync) -> None:
        if reported.events and reported.is_whole:
            self.jobs[reported.sync.job.connection_id] += 1

    def leave(self, job: Job, *, is_unreadable: bool) -> None:
        (self.unreadable if is_unreadable else self.waiting)[job.connection_id] += 1


class Backfill:
    """The history of one polling sensor's workspace. The event log says what is left to do."""

    def __init__(
        self,
        polling: Polling,
        repository: dg.RepositoryDefinition,
        client: AirbyteClient,
        instance: dg.DagsterInstance,
        workspace: BaseAirbyteWorkspace,
    ) -> None:
        self._client, self._instance, self._shard = client, instance, polling.shard
        # A backfill does not wait: what is complete in a failed job is reported by another one.
        self._asked = AskedOfJobs(client, DetailsWanted.of(workspace), NO_LIMIT, patience=0)
        self._hold = polling.hold_limit.total_seconds()
        self._grace = GRACE + workspace.poll_interval
        self._tables = DefinedTables(
            repository,
            client.catalog,
            client.connection,
            polling.translator,
            polling.selector,
            logging.getLogger(__name__),
        )

    def read(
        self, since: datetime, until: datetime, connection_ids: Collection[str] | None = None
    ) -> list[Job]:
        """The sensor's jobs that ended from `since` on and before `until` (Airbyte's clock), in
        order."""
        found: list[Job] = []
        for job in self._client.finished_jobs(since):
            if end_of(job) >= until:
                break
            is_wanted = connection_ids is None or job.connection_id in connection_ids
            if is_wanted and self._shard.has(job.connection_id):
                found.append(job)
        return found

    def plan(self, jobs: Sequence[Job]) -> Outcome:
        """What `store` would store, by what the event log has now; of evaluations, at most.

        What an evaluation says is new by the one before it, which is not stored now.
        """
        return self._go_through(jobs, _ignored)

    def store(
        self,
        jobs: Sequence[Job],
        before_each_batch: Callable[[], None] = _nothing,
        stored: Callable[[Event], None] = _ignored,
        before_each: Callable[[], None] = _nothing,
    ) -> Outcome:
        """Store what the jobs owe, oldest first; `stored` is called after each event.

        If this ends anywhere, or what is called before each batch or event raises, another call
        goes on from there.
        """

        count = 0

        def store(event: Event) -> None:
            nonlocal count
            before_each()
            if count % _BATCH == 0:
                before_each_batch()
            count += 1
            self._instance.report_runless_asset_event(event)
            stored(event)

        return self._go_through(jobs, store)

    def _go_through(self, jobs: Sequence[Job], take: Callable[[Event], None]) -> Outcome:
        outcome = Outcome()
        for decision in self._decisions(jobs, outcome):
            for reported in decision.reported:
                for event in reported.events:
                    take(event)
                    outcome.count(reported.sync.job, event)
                outcome.count_job(reported)
        return outcome

    def _decisions(self, jobs: Sequence[Job], outcome: Outcome) -> Iterator[Decision]:
        """One after the other, each once the one before it is taken."""
        among = jobs_by_connection(jobs)
        blocked: set[str] = set()
        for left, grace in self._by_age(jobs):
            while left:
                first = self._first_of(left)
                limits = Limits(self._hold, grace, _NO_END, _NO_END)
                inputs = replace(self._inputs(first, among, limits), is_past=True)
                decision, _ = decided(self._instance, first, inputs, self._asked, NO_LIMIT)
                yield decision
                blocked |= {job.connection_id for job in decision.waiting}
                left = [*decision.left, *left[len(first) :]]
                skipped = [job for job in left if job.connection_id in blocked]
                for job in (*decision.waiting, *skipped):
                    outcome.leave(job, is_unreadable=job.connection_id in decision.unreadable)
                left = [job for job in left if job.connection_id not in blocked]

    def _first_of(self, jobs: Sequence[Job]) -> list[Job]:
        """As many of the jobs as may make enough events at once."""
        found: list[Job] = []
        weight = 0
        for job in jobs:
            if weight >= _AT_ONCE:
                break
            found.append(job)
            weight += max(self._tables.events_for(job), 1)
        return found

    def _by_age(self, jobs: Sequence[Job]) -> Iterable[tuple[list[Job], float]]:
        """The jobs of the past, and those whose run may be over while its step lives on."""
        recent = self._client.server_time() - _RECENT
        yield [job for job in jobs if end_of(job) < recent], 0.0
        yield [job for job in jobs if end_of(job) >= recent], self._grace

    def _inputs(
        self, jobs: Sequence[Job], among: Mapping[str, Sequence[Job]], limits: Limits
    ) -> TickInputs:
        # In this order, as in a tick: live runs, then the event log.
        concerned = self._tables.of_all(jobs)
        now, skew = tick_basics.now_seconds(), self._skew()
        live_runs = read_live_runs(self._instance, {table.key for table in concerned})
        ledger = replace(read_ledger(self._instance, concerned, skew), among=among)
        return TickInputs(
            tables=self._tables.by_connection,
            live_runs=live_runs,
            facts=EventLogFacts(ledger),
            checked=self._tables.checked,
            pending={},
            now=now,
            limits=limits,
            job_url=self._client.pages(known=workspaces_of(concerned)).job,
            outcomes=self._asked.outcomes,
            unreadable=self._tables.unreadable,
        )

    def _skew(self) -> timedelta:
        """Airbyte's clock minus Dagster's."""
        now = datetime.fromtimestamp(tick_basics.now_seconds(), timezone.utc)
        return self._client.server_time() - now
