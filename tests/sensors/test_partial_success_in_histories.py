"""Made-up histories of jobs that fail when some of their tables are complete: each complete table
is reported once, and no other one, whoever reports it and whoever dies.

Where Airbyte does not say for minutes which tables are complete, they may be missed; nothing else.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    airbyte_assets,
    build_airbyte_polling_sensor,
    build_airbyte_sync_checks,
)
from dagster_airbyte_sync.assets.checks.check_settings import SYNC_CHECK
from dagster_airbyte_sync.assets.sync.follow import PollOptions
from dagster_airbyte_sync.assets.sync.step import sync_and_poll
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
    SimulatedJob,
    SimulatedStream,
)
from helpers.deployment import ClientsTime, Deployment, Tick, forget_clients

STREAMS = {"shop": ["a", "b", "c"], "crm": ["d"]}
TABLES = [table for tables in STREAMS.values() for table in tables]
OUTCOMES = "/stream_statuses/list"
# Seconds without an answer in which nothing may be missed; it is not looked at each request.
PATIENT = 260


class Histories:
    """Two connections, the truth of what is complete, runs of both, and a sensor beside them."""

    def __init__(
        self,
        seed: int,
        airbyte: AirbyteSimulator,
        instance: dg.DagsterInstance,
        time: ClientsTime,
    ) -> None:
        self.random, self.airbyte, self.time = Random(seed), airbyte, time
        self.is_down = self.is_slow = False
        self.seen = 0
        self.checked: dict[str, int | None] = {}
        self.unanswered_since: float | None = None
        self.may_be_missed: set[int | None] = set()
        airbyte.on_request(self._take_long)
        self.expected: dict[str, list[int | None]] = {table: [] for table in TABLES}
        self.has_run_since = False
        self.connections = [
            airbyte.add_connection(
                name,
                streams=[SimulatedStream(each, sync_mode=_mode(each), rows=5) for each in streams],
                sync_seconds=20,
            )
            for name, streams in STREAMS.items()
        ]
        workspace = AirbyteWorkspace(
            **airbyte.workspace_config(),
            partial_success=True,
            request_max_retries=0,
            poll_interval=0.02,
        )
        assets = [self._assets(each, workspace) for each in self.connections]
        checks = build_airbyte_sync_checks([spec for each in assets for spec in each.specs])
        sensor = build_airbyte_polling_sensor(workspace=workspace, start_from=timedelta(days=1))
        defs = dg.Definitions(
            assets, asset_checks=checks, sensors=[sensor], resources={"airbyte": workspace}
        )
        self.deployment = Deployment(airbyte, workspace, defs, instance)
        self.deployment.tick()

    def _assets(
        self, connection: SimulatedConnection, workspace: AirbyteWorkspace
    ) -> dg.AssetsDefinition:
        @airbyte_assets(
            connection_id=connection.connection_id, workspace=workspace, name=connection.name
        )
        def assets(
            context: dg.AssetExecutionContext, airbyte: dg.ResourceParam[AirbyteWorkspace]
        ) -> Iterator[Any]:
            options = PollOptions(
                10, None, False, "fail", lambda: self.airbyte.now.timestamp(), self._sleep
            )
            meets, at = (
                self.random.choice(["nothing", "a tick", "its end"]),
                self.random.randint(0, 3),
            )
            for place, event in enumerate(sync_and_poll(airbyte, context, options)):
                if place == at and meets == "a tick":
                    self._tick()
                if place == at and meets == "its end":
                    raise RuntimeError("The step dies.")
                yield event

        return assets

    def _sleep(self, seconds: float) -> None:
        self.airbyte.advance(seconds)

    def _take_long(self, request: RecordedRequest) -> None:
        if self.is_slow and request.path.endswith(OUTCOMES):
            self.time.now += 10

    # What happens

    def go_on(self) -> None:
        steps = [self.sync] * 5 + [self.tick] * 3 + [self.run] * 2
        rare = [self.hide, self.lose_cursor, self.restart, self.fall_silent, self.come_back]
        self.random.choice([*steps, self.die, self.die, *rare])()
        self._look_for_answers()
        self._wait(self.random.choice([30, 60, 100] if self.is_down else [0, 1, 25]))

    def sync(self) -> None:
        """A job from outside, which ends in any way, perhaps after more than one attempt."""
        connection = self.random.choice(self.connections)
        is_sync = self.random.random() < 0.5
        start = self.airbyte.start_sync if is_sync else self.airbyte.start_refresh
        job = self.airbyte.begin(start(connection))
        complete: set[str] = set()
        if self.random.random() < 0.3:
            complete |= (done := self._some(connection))
            self.airbyte.fail_attempt(job, rows=5, completed=done)
            self.airbyte.begin(job)
        done = self._some(connection)
        ends = self.random.choice(["succeeded", "failed", "failed", "cancelled"])
        if ends == "succeeded":
            done = set(STREAMS[connection.name])
            self.airbyte.succeed(job)
        elif ends == "failed":
            self.airbyte.fail(job, rows=5, completed=done)
        else:
            self.airbyte.cancel(job, rows=5)
            for stream in done:
                self.airbyte.set_stream_state(job, stream, "COMPLETE")
        self._expect(job, complete | done)

    def run(self) -> None:
        """A run of Dagster; it may die or be watched by a tick."""
        connection = self.random.choice(self.connections)
        is_good, complete = self.random.random() < 0.4, self._some(connection)
        if not is_good:
            self.airbyte.plan(connection, outcome="failed", rows=5, completed=complete)
        before = len(self.airbyte.jobs)
        self.has_run_since = True
        result = self.deployment.materialize(*STREAMS[connection.name])
        for said in self.deployment.said_in(result):
            if said.check_name == SYNC_CHECK:
                self._look_at(said, said.asset_key.to_user_string())
        (job,) = self.airbyte.jobs[before:]
        self._expect(job, STREAMS[connection.name] if is_good else complete)

    def tick(self) -> None:
        tick = self._tick()
        if "waiting" not in (tick.summary or ""):
            self.has_run_since = False

    def die(self) -> None:
        self._tick(self.random.randint(0, 6))

    def restart(self) -> None:
        """The sensor goes on in another process."""
        forget_clients()

    def hide(self) -> None:
        """Airbyte does not say once how far streams came."""
        self.airbyte.add_fault(Fault.status(500), path=OUTCOMES)

    def fall_silent(self) -> None:
        """From now on it fails, or takes too long, whenever it is asked that."""
        if not self.is_down:
            self.is_down, self.is_slow = True, self.random.random() < 0.5
            fault = Fault.gateway_timeout() if self.is_slow else Fault.status(500)
            self.airbyte.add_fault(fault, path=OUTCOMES, times=None)

    def come_back(self) -> None:
        self.is_down = self.is_slow = False
        self.airbyte.clear_faults()

    def lose_cursor(self) -> None:
        # A run's report of a later job hides for good what was not reported before it.
        if not self.has_run_since:
            self.deployment.cursor = None

    def _tick(self, crash_after: int | None = None) -> Tick:
        tick = self.deployment.tick(crash_after=crash_after)
        for event in tick.events[:crash_after]:
            if isinstance(event, dg.AssetCheckEvaluation) and event.check_name == SYNC_CHECK:
                self._look_at(event, event.asset_key.to_user_string())
        return tick

    def _look_at(self, said: dg.AssetCheckEvaluation, table: str) -> None:
        job_id = keys.int_in(said.metadata, keys.JOB_ID)
        self.checked[table] = job_id
        if not said.passed and said.severity is dg.AssetCheckSeverity.ERROR:
            assert job_id not in self.deployment.reported(table), "it was said to be complete"
            is_missed = job_id in self.expected[table]
            assert not is_missed or self._unanswered() >= PATIENT, "it is given up too early"

    def _wait(self, seconds: float) -> None:
        self.deployment.wait(timedelta(seconds=seconds))
        self.time.now += seconds

    def _look_for_answers(self) -> None:
        """Since when there was none, and what may be missed if that is long ago."""
        for exchange in self.airbyte.exchanges[self.seen :]:
            if exchange.request.path.endswith(OUTCOMES):
                is_good = exchange.status == 200
                self.unanswered_since = None if is_good else self.unanswered_since or self.time.now
        self.seen = len(self.airbyte.exchanges)
        if self._unanswered() >= PATIENT:
            for table in TABLES:
                self.may_be_missed |= {*self.expected[table]} - {*self.deployment.reported(table)}

    def _unanswered(self) -> float:
        """For how many seconds there was no answer."""
        return self.time.now - (self.unanswered_since or self.time.now)

    def _some(self, connection: SimulatedConnection) -> set[str]:
        return {each for each in STREAMS[connection.name] if self.random.random() < 0.5}

    def _expect(self, job: SimulatedJob, complete: Iterable[str]) -> None:
        for table in complete:
            self.expected[table].append(job.job_id)

    # What came of it

    def settle(self) -> None:
        self.come_back()
        for _ in range(4):
            self._wait(60)
            self._tick()
            self._look_for_answers()

    def newest_of(self, table: str) -> int | None:
        """The newest job of the table's connection; None if there is none."""
        (own,) = (each for each in self.connections if table in STREAMS[each.name])
        jobs = [j.job_id for j in self.airbyte.jobs if j.connection_id == own.connection_id]
        return max(jobs, default=None)

    def reports(self, table: str) -> list[dg.AssetMaterialization]:
        page = self.deployment.instance.fetch_materializations(dg.AssetKey(table), limit=1000)
        events = (record.asset_materialization for record in reversed(page.records))
        return [event for event in events if event is not None]


def _mode(stream: str) -> Any:
    return "incremental" if stream in "ad" else "full_refresh"


@pytest.fixture
def time() -> Iterator[ClientsTime]:
    with ClientsTime().of_all_clients() as time:
        yield time


@pytest.mark.parametrize("seed", range(6))
def test_each_complete_table_is_reported_once_and_no_other(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance, time: ClientsTime, seed: int
) -> None:
    histories = Histories(seed, airbyte, memory, time)
    for _ in range(25):
        histories.go_on()
    histories.settle()

    succeeded = {job.job_id for job in airbyte.jobs if job.status == "succeeded"}
    for table in TABLES:
        reported: list[int] = []
        for event in histories.reports(table):
            job_id = keys.int_in(event.metadata, keys.JOB_ID)
            assert job_id is not None
            is_late = keys.HIGHEST_JOB_ID in event.metadata
            assert is_late or job_id > max(reported, default=0), (table, reported, job_id)
            assert (keys.PARTIAL in event.metadata) == (job_id not in succeeded)
            reported.append(job_id)
        # Of the newest job something is said in any case.
        assert histories.newest_of(table) in (histories.checked.get(table), *reported)
        missed = histories.may_be_missed - succeeded - {*reported}
        expected = [job_id for job_id in histories.expected[table] if job_id not in missed]
        assert sorted(reported) == expected, table
