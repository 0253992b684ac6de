"""A simulated Airbyte, a Dagster instance and a code location, and all that happens to them."""

import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache

import dagster as dg
import pytest
from typing_extensions import Self

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    build_airbyte_definitions,
    build_airbyte_polling_sensor,
)
from dagster_airbyte_sync.assets.following import Following
from dagster_airbyte_sync.assets.metadata import JOB_ID, int_in
from dagster_airbyte_sync.resources import AirbyteClient, AirbyteError, Connection, OnActiveSync
from dagster_airbyte_sync.resources import shared_clients as clients
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    SimulatedClock,
    SimulatedConnection,
    SimulatedJob,
)
from helpers.model_runs import SteppedRun
from helpers.model_score import SCORE
from helpers.model_secrets import Secrets, printed
from helpers.model_truth import Truth, connection_key, id_of

SENSORS = ("airbyte_sync_sensor", "second_sensor")
LOOK_BACK = timedelta(days=1)

# Where a tick can be interrupted by what a run does at the same time.
BETWEEN = ("get_run_records", "get_asset_records", "the events are stored")

Event = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation


class ResolvedWorkspace(AirbyteWorkspace):
    """Has no EnvVars, and so spares the instance that Dagster makes in order to read them."""

    @contextmanager
    def resolved(self) -> Iterator[Self]:
        yield self


@cache
def _shared_instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def _instance() -> dg.DagsterInstance:
    """An empty instance. To wipe one takes a hundredth of the time to make one."""
    instance = _shared_instance()
    instance.wipe()
    return instance


@dataclass(frozen=True)
class Evaluated:
    events: list[Event]
    cursor: str | None


class World:
    """One history. Everything in it is told to `truth`, which judges at once."""

    def __init__(self, *, clock_is_off: timedelta = timedelta(0)) -> None:
        self._stack = ExitStack()
        start = datetime.now(timezone.utc) + clock_is_off
        self.airbyte = self._stack.enter_context(AirbyteSimulator(clock=SimulatedClock(start)))
        self.instance = _instance()
        self.last_problem = ""
        self._printed = self._stack.enter_context(printed("", "dagster", "dagster.model"))
        self.truth = Truth(self.airbyte)
        self._secrets = Secrets(self.airbyte)
        self.workspace = ResolvedWorkspace(
            **self.airbyte.workspace_config(),
            request_max_retries=1,
            request_retry_delay=0.001,
            request_timeout=0.5,
        )
        # Connections for which the user's selector raises in a tick.
        self.broken: set[str] = set()
        self._is_ticking = False
        self.cursors: dict[str, str | None] = dict.fromkeys(SENSORS)
        self.runs: list[SteppedRun] = []
        self._is_loaded = False
        self._connections_made = 0

    def close(self) -> None:
        for run in self.runs:
            run.die()
        clients._clients.clear()
        self._stack.close()

    # -- Airbyte --------------------------------------------------------------------------------

    @property
    def connections(self) -> list[SimulatedConnection]:
        """Those that are not deleted."""
        return [each for each in self.airbyte.connections if each.status != "deprecated"]

    @property
    def attended(self) -> list[SimulatedJob]:
        """Jobs that go on only when a test says so."""
        return [job for job in self.airbyte.jobs if not job.is_finished and not job.unattended]

    def is_busy(self, connection: SimulatedConnection) -> bool:
        unfinished = (job for job in self.airbyte.jobs if not job.is_finished)
        return any(job.connection_id == connection.connection_id for job in unfinished)

    def add_connection(self, streams: int) -> SimulatedConnection:
        self._connections_made += 1
        key = f"c{self._connections_made}"
        return self.airbyte.add_connection(
            key, [f"{key}_{letter}" for letter in "abcd"[:streams]], connection_id=id_of(key)
        )

    def add_fault(self, fault: Fault, path: str | None, times: int) -> None:
        self.airbyte.add_fault(fault, path=path, times=times)
        SCORE.faults += 1

    # -- the code location ----------------------------------------------------------------------

    def restart_code_server(self) -> None:
        """A new process loads the definitions, and remembers nothing. May fail if Airbyte does."""
        self._look_whether_streams_are_known()
        clients._clients.clear()
        with self._only_airbyte_errors():
            self._load()

    def _load(self) -> None:
        built = build_airbyte_definitions(
            self.workspace,
            checks=False,
            sensor_name=SENSORS[0],
            start_from=LOOK_BACK,
            connection_selector_fn=self._is_selected,
        )
        second = build_airbyte_polling_sensor(
            workspace=self.workspace,
            name=SENSORS[1],
            start_from=LOOK_BACK,
            connection_selector_fn=self._is_selected,
        )
        defs = dg.Definitions.merge(built, dg.Definitions(sensors=[second]))
        self._repository = defs.get_repository_def()
        self._is_loaded = True
        self.truth.now_defined(key.to_user_string() for key in self._repository.assets_defs_by_key)

    def _is_selected(self, connection: Connection) -> bool:
        if self._is_ticking and connection.id in self.broken:
            raise ValueError("a bug of the user's")
        return True

    def _look_whether_streams_are_known(self) -> None:
        """They are not while the client asks the public API."""
        if any(client._fallback.is_closed for client in clients._clients.values()):
            self.truth.streams_are_known = False

    def catalog_grows_old(self) -> None:
        with self._only_airbyte_errors():
            self.workspace.get_client().catalog(fresh=True)

    # -- the sensors ----------------------------------------------------------------------------

    def tick(
        self,
        sensor: str,
        *,
        stored: int | None = None,
        meanwhile: Mapping[str, Callable[[], None]] | None = None,
    ) -> Evaluated | None:
        """A tick in the order of the daemon's effects. None if it failed.

        With `stored` the daemon dies when so many events are stored, before the cursor.
        `meanwhile` says what happens at one of the points BETWEEN.
        """
        interrupt = dict(meanwhile or {})
        result = self.evaluate(sensor, interrupt)
        if result is None:
            return None
        interrupt.pop(BETWEEN[-1], lambda: None)()
        for event in result.events[:stored]:
            self.instance.report_runless_asset_event(event)
            if isinstance(event, dg.AssetMaterialization):
                self._note(event, by_run=False)
        if stored is None:
            self.cursors[sensor] = result.cursor
        else:
            SCORE.crashes += 1
        return result

    def evaluate(
        self, sensor: str, interrupt: dict[str, Callable[[], None]] | None = None
    ) -> Evaluated | None:
        """Run the sensor's function, and keep nothing of it."""
        SCORE.ticks += 1
        if not self._is_loaded:
            return None
        with self._interrupted(interrupt or {}), self._only_airbyte_errors():
            with dg.build_sensor_context(
                instance=self.instance,
                cursor=self.cursors[sensor],
                repository_def=self._repository,
                sensor_name=sensor,
                resources={"airbyte": self.workspace},
            ) as context:
                context.log.addHandler(self._printed)
                with self._ticking():
                    result = self._repository.get_sensor_def(sensor).evaluate_tick(context)
            evaluated = Evaluated(list(result.asset_events), result.cursor)
            self._check(evaluated)
            return evaluated
        return None

    @contextmanager
    def _ticking(self) -> Iterator[None]:
        self._is_ticking = True
        try:
            yield
        finally:
            self._is_ticking = False

    def _check(self, evaluated: Evaluated) -> None:
        cursor = evaluated.cursor or ""
        assert len(cursor.encode()) < 8_000, f"a bookmark of {len(cursor)} characters"
        self._secrets.check_are_not_in("the cursor", cursor)
        for event in evaluated.events:
            self._secrets.check_are_not_in("an event", dg.serialize_value(event))

    def check_nothing_secret_was_printed(self) -> None:
        self._secrets.check_are_not_in("the log", self._printed.take())

    @contextmanager
    def _only_airbyte_errors(self) -> Iterator[None]:
        """What Airbyte does wrong may fail a tick or a load, by an error that says so."""
        try:
            yield
        except Exception as error:
            shown = "".join(traceback.format_exception(error))
            self._secrets.check_are_not_in("an exception", shown + repr(error))
            if not any(isinstance(each, AirbyteError) for each in _causes(error)):
                raise
            self.last_problem = shown

    @contextmanager
    def _interrupted(self, interrupt: dict[str, Callable[[], None]]) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in BETWEEN[:-1]:
                if name in interrupt:
                    self._interrupt(patch, name, interrupt.pop(name))
            yield

    def _interrupt(
        self, patch: pytest.MonkeyPatch, name: str, happening: Callable[[], None]
    ) -> None:
        """Let something happen just before the sensor reads this, the first time."""
        read = getattr(self.instance, name)
        left = [happening]

        def interrupted(*args: object, **kwargs: object) -> object:
            patch.undo()
            left.pop()()
            return read(*args, **kwargs)

        patch.setattr(self.instance, name, interrupted)

    # -- the runs -------------------------------------------------------------------------------

    @property
    def live_runs(self) -> list[SteppedRun]:
        return [run for run in self.runs if not run.is_over and not run.is_dead]

    @property
    def dead_runs(self) -> list[SteppedRun]:
        """Dead, but Dagster does not know."""
        return [run for run in self.runs if run.is_dead and not run.is_over]

    def start_run(
        self, connection_ids: set[str], *, cancel_on_termination: bool, on_active_sync: OnActiveSync
    ) -> None:
        if not self._is_loaded:
            return
        found = {
            id(assets): assets
            for key, assets in self._repository.assets_defs_by_key.items()
            if assets.is_executable
            and id_of(connection_key(key.to_user_string())) in connection_ids
        }
        if not found:
            return
        SCORE.runs += 1
        run = SteppedRun(
            self.instance,
            self._repository.get_implicit_global_asset_job_def(),
            list(found.values()),
            AirbyteClient(self.workspace.settings()),
            lambda event: self._note(event, by_run=True),
            Following(
                interval=0,
                timeout=None,
                cancel_on_termination=cancel_on_termination,
                on_active_sync=on_active_sync,
                clock=lambda: self.airbyte.now.timestamp(),
                sleep=lambda seconds: None,
            ),
        )
        self.runs.append(run)

    def go_on_to_next_event(self, run: SteppedRun, step: int) -> None:
        """Let the run go on until it has told a table of its sync, if it does soon."""
        before = len(self.truth.tellings)
        for _ in range(30):
            run.turn(step)
            if run.is_over or len(self.truth.tellings) > before:
                return
            self.airbyte.advance(2)

    def _note(self, event: dg.AssetMaterialization, *, by_run: bool) -> None:
        self._look_whether_streams_are_known()
        name = event.asset_key.to_user_string()
        self.truth.note(name, int_in(event.metadata, JOB_ID), by_run=by_run)

    # -- at rest --------------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """Everything ends well: no more faults, each run and each job ends, sensors catch up."""
        self.airbyte.clear_faults()
        self.broken.clear()
        if not self._is_loaded:
            self._load()
        self._end_jobs_and_runs()
        self.airbyte.advance(timedelta(minutes=20))
        for sensor in SENSORS:
            self._catch_up(sensor)
        self._look_whether_streams_are_known()
        self.truth.check_nothing_is_lost()
        self._check_the_event_log()

    def _end_jobs_and_runs(self) -> None:
        for run in self.dead_runs:
            run.is_found_dead()
        give_up = time.monotonic() + 60
        while self.live_runs or self.attended:
            assert time.monotonic() < give_up, "a run does not end"
            for job in self.attended:
                self.airbyte.progress()
                self.airbyte.succeed(job)
            self.airbyte.advance(5)
            for run in self.live_runs:
                run.turn()

    def _catch_up(self, sensor: str) -> None:
        for _ in range(10):
            before = self.cursors[sensor]
            result = self.tick(sensor)
            assert result is not None, (
                f"{sensor} fails although nothing is wrong any more:\n{self.last_problem}"
            )
            if not result.events and result.cursor == before:
                return
        raise AssertionError(f"{sensor} does not come to rest")

    def _check_the_event_log(self) -> None:
        """The tests' own record of what was stored is what Dagster really has."""
        for table in {telling.table for telling in self.truth.tellings}:
            page = self.instance.fetch_materializations(dg.AssetKey(table), limit=10_000)
            found = [record.asset_materialization for record in reversed(page.records)]
            stored = [int_in(each.metadata, JOB_ID) for each in found if each]
            assert stored == self.truth.told(table)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
