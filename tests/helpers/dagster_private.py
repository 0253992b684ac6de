"""The real sensor daemon and scheduler of Dagster, in this process. The one place that may use what
is private in Dagster; the product never does."""

import asyncio
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import (
    AssetMaterializationPlannedData,
    AssetObservationData,
    StepMaterializationData,
)
from dagster._core.execution.api import execute_run
from dagster._core.execution.plan.objects import StepFailureData, StepSuccessData
from dagster._core.loader import LoadingContextForTest
from dagster._core.remote_origin import (
    CodeLocationOrigin,
    InProcessCodeLocationOrigin,
    ManagedGrpcPythonEnvCodeLocationOrigin,
)
from dagster._core.remote_representation.external import RemoteSensor
from dagster._core.scheduler.instigation import InstigatorTick as InstigatorTick
from dagster._core.scheduler.instigation import SensorInstigatorData, TickStatus
from dagster._core.storage.event_log import SqlEventLogStorage as SqlEventLogStorage
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget, WorkspaceLoadTarget
from dagster._daemon.asset_daemon import AssetDaemon
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._daemon.types import DaemonHeartbeat
from dagster._scheduler.scheduler import ScheduleIterationTimes, launch_scheduled_runs
from dagster._utils.schedules import schedule_execution_time_iterator

LOGGER = logging.getLogger("daemon")


# What a tick writes of itself and of the runs that it asks for.
_WRITES = ("create_tick", "update_tick", "update_instigator_state", "create_run", "submit_run")


class Died(KeyboardInterrupt):
    """Thrown where a test kills the daemon: the one exception on which it writes nothing more."""


# For an instance whose runs are executed at once, in this process, by whatever executor they have.
RUNS_AT_ONCE = {
    "run_launcher": {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    },
    "run_coordinator": {
        "module": "dagster._core.run_coordinator",
        "class": "DefaultRunCoordinator",
    },
}

# For one with daemons over code servers, which have ended when those have. Its runs wait until a
# test lets them go, and are executed in this process, too.
OVER_CODE_SERVERS = {
    "run_launcher": RUNS_AT_ONCE["run_launcher"],
    "run_coordinator": {
        "module": "dagster._core.run_coordinator",
        "class": "QueuedRunCoordinator",
    },
    "code_servers": {"wait_for_local_processes_on_shutdown": True},
}


class SensorDaemon:
    """Dagster's own loops over one code location, an iteration at a time."""

    def __init__(self, context: WorkspaceProcessContext, instance: dg.DagsterInstance) -> None:
        self._context = context
        self._instance = instance
        self._schedule_times: dict[str, ScheduleIterationTimes] = {}

    def schedule(self, now: datetime) -> None:
        """A pass of the scheduler, for which it is `now`: runs what is due since the last one."""
        steps = launch_scheduled_runs(self._context, LOGGER, now, self._schedule_times)
        errors = [error for error in steps if error]
        assert not errors, errors

    def iterate(self, name: str | None = None) -> InstigatorTick:
        """One pass over all sensors; the newest tick of the only one here, or of that name."""
        errors = [e for e in execute_sensor_iteration(self._context, LOGGER, None, None) if e]
        tick = self.ticks(name)[0]
        assert not errors or tick.status is TickStatus.FAILURE, errors
        return tick

    def ticks(self, name: str | None = None) -> list[InstigatorTick]:
        """All ticks, newest first."""
        location = self._context.create_request_context().code_locations[0]
        repository = next(iter(location.get_repositories().values()))
        sensor = repository.get_sensor(name) if name else repository.get_sensors()[0]
        return list(
            self._instance.get_ticks(
                sensor.get_remote_origin_id(), sensor.get_remote_origin().get_selector().get_id()
            )
        )

    def forget_cursor(self) -> None:
        """As somebody does it in the UI."""
        self.set_cursor(None)

    def set_cursor(self, cursor: str | None, name: str | None = None) -> None:
        """As somebody edits it in the UI: of the only sensor, or of that name."""
        location = self._context.create_request_context().code_locations[0]
        repository = next(iter(location.get_repositories().values()))
        sensor = repository.get_sensor(name) if name else repository.get_sensors()[0]
        origin = sensor.get_remote_origin()
        state = self._instance.get_instigator_state(origin.get_id(), origin.get_selector().get_id())
        assert state is not None
        assert isinstance(state.instigator_data, SensorInstigatorData)
        data = state.instigator_data._replace(cursor=cursor)
        self._instance.update_instigator_state(state.with_data(data))

    def only(self, name: str) -> None:
        """Of all sensors, run this one from now on: a pass takes them in any order."""
        location = self._context.create_request_context().code_locations[0]
        for sensor in next(iter(location.get_repositories().values())).get_sensors():
            if sensor.name == name:
                self._instance.start_sensor(sensor)
            else:
                self._instance.stop_sensor(
                    sensor.get_remote_origin_id(), sensor.selector_id, sensor
                )

    def stop(self) -> None:
        """As somebody does it in the UI, for all sensors."""
        location = self._context.create_request_context().code_locations[0]
        for sensor in next(iter(location.get_repositories().values())).get_sensors():
            self._instance.stop_sensor(sensor.get_remote_origin_id(), sensor.selector_id, sensor)

    def wait_for_interval(self, name: str | None = None) -> None:
        """Wait until the sensor (interval: one second) is due again."""
        tick = self.ticks(name)[0]
        # One that was resumed has the time at which it was first begun.
        last = tick.end_timestamp or tick.timestamp
        time.sleep(max(0.0, last + 1.05 - time.time()))

    def settle(self) -> None:
        """Iterate until a tick finds nothing more to do; what failed or was cut short is redone."""
        for _ in range(10):
            self.wait_for_interval()
            tick = self.iterate()
            if tick.status is TickStatus.SKIPPED and "Nothing new" in str(tick.skip_reason):
                return
        raise AssertionError(f"The sensor does not come to rest: {self.ticks()[0]}")

    def die_after(self, events: int) -> None:
        """Iterate, and die when that many events are stored (their tick's cursor is not)."""
        stored = 0
        store = dg.DagsterInstance.report_runless_asset_event

        def report(instance: dg.DagsterInstance, event: dg.AssetMaterialization) -> None:
            nonlocal stored
            if stored == events:
                raise Died
            stored += 1
            store(instance, event)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dg.DagsterInstance, "report_runless_asset_event", report)
            self._die()

    def die_before_cursor(self) -> None:
        """Iterate, and die when all events are stored but nothing else of their tick is."""
        stored = 0
        store = dg.DagsterInstance.report_runless_asset_event
        update = dg.DagsterInstance.update_tick

        def report(instance: dg.DagsterInstance, event: dg.AssetMaterialization) -> None:
            nonlocal stored
            stored += 1
            store(instance, event)

        def update_tick(instance: dg.DagsterInstance, tick: InstigatorTick) -> InstigatorTick:
            if stored:
                raise Died
            updated: InstigatorTick = update(instance, tick)
            return updated

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dg.DagsterInstance, "report_runless_asset_event", report)
            patch.setattr(dg.DagsterInstance, "update_tick", update_tick)
            self._die()

    def die_after_writes(self, writes: int) -> None:
        """Iterate, and die when that much was written of the tick: first its runs, then its end."""
        written = 0
        update = dg.DagsterInstance.update_tick

        def update_tick(instance: dg.DagsterInstance, tick: InstigatorTick) -> InstigatorTick:
            nonlocal written
            if written == writes:
                raise Died
            written += 1
            updated: InstigatorTick = update(instance, tick)
            return updated

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dg.DagsterInstance, "update_tick", update_tick)
            self._die()

    def die_before_write(self, place: int, name: str) -> int:
        """Iterate, and die before that write of the sensor's tick; how many it has made."""
        writes: list[str] = []

        def guarded(method: str) -> Callable[..., object]:
            write = getattr(dg.DagsterInstance, method)

            def call(instance: dg.DagsterInstance, *args: object, **options: object) -> object:
                is_ours = any(getattr(each, "instigator_name", None) == name for each in args)
                if is_ours or writes:
                    if len(writes) == place:
                        raise Died
                    writes.append(method)
                return write(instance, *args, **options)

            return call

        with pytest.MonkeyPatch.context() as patch:
            for method in _WRITES:
                patch.setattr(dg.DagsterInstance, method, guarded(method))
            with suppress(Died):
                self.iterate(name)
        return len(writes)

    def _die(self) -> None:
        with pytest.raises(Died):
            self.iterate()


@contextmanager
def sensor_daemon(
    instance: dg.DagsterInstance,
    python_file: Path,
    environ: dict[str, str],
    location: str = "test",
) -> Iterator[SensorDaemon]:
    """The daemon over the `defs` in a file, which may read `environ`."""
    with _location(instance, python_file, environ, location) as context:
        yield SensorDaemon(context, instance)


def scheduled_runs(
    instance: dg.DagsterInstance, python_file: Path, environ: dict[str, str], until: datetime
) -> list[dg.DagsterRun]:
    """Start all schedules of the `defs` in a file, and let the daemon run what is due until then.

    The instance needs the `RUNS_AT_ONCE`, so that the runs have ended.
    """
    with _location(instance, python_file, environ) as context:
        location = context.create_request_context().code_locations[0]
        for schedule in next(iter(location.get_repositories().values())).get_schedules():
            instance.start_schedule(schedule)
        # What runs by default begins to when the daemon first sees it.
        passes = (launch_scheduled_runs(context, LOGGER, at, {}) for at in (_now(), until))
        errors = [error for steps in passes for error in steps if error]
    assert not errors, errors
    return list(instance.get_runs())


def _now() -> datetime:
    return datetime.now(timezone.utc)


@contextmanager
def _location(
    instance: dg.DagsterInstance,
    python_file: Path,
    environ: Mapping[str, str],
    name: str = "test",
) -> Iterator[WorkspaceProcessContext]:
    origin = InProcessCodeLocationOrigin(
        loadable_target_origin=LoadableTargetOrigin(python_file=str(python_file), attribute="defs"),
        location_name=name,
    )
    with _workspace(instance, InProcessWorkspaceLoadTarget(origin), environ) as context:
        yield context


@contextmanager
def _workspace(
    instance: dg.DagsterInstance, target: WorkspaceLoadTarget, environ: Mapping[str, str]
) -> Iterator[WorkspaceProcessContext]:
    before = dict(os.environ)
    os.environ.update(environ)
    try:
        with WorkspaceProcessContext(instance, target, code_server_log_level="ERROR") as context:
            yield context
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass(frozen=True)
class CodeServer:
    """A process that serves the `defs` of a file, run by a Python that may be of another place."""

    python_file: Path
    python: str = sys.executable

    def origin(self) -> CodeLocationOrigin:
        target = LoadableTargetOrigin(
            executable_path=self.python, python_file=str(self.python_file), attribute="defs"
        )
        return ManagedGrpcPythonEnvCodeLocationOrigin(target, self.python_file.stem)


@dataclass(frozen=True)
class _CodeServers(WorkspaceLoadTarget):
    servers: Sequence[CodeServer]

    def create_origins(self) -> Sequence[CodeLocationOrigin]:
        return [server.origin() for server in self.servers]


class AutomationDaemon:
    """Dagster's loops for sensors and for automation conditions over several code locations.

    `now` is what time it is for both; each pass takes place only once the sensors are due again.
    """

    def __init__(
        self,
        context: WorkspaceProcessContext,
        instance: dg.DagsterInstance,
        now: Callable[[], datetime],
    ) -> None:
        self._context = context
        self._instance = instance
        self._now = now
        self._assets = AssetDaemon(settings={}, pre_sensor_interval_seconds=30)

    def start_automation(self) -> None:
        """Switch on the sensors for conditions, as the UI does."""
        for sensor in self._automation_sensors():
            self._instance.start_sensor(sensor)

    def stop_automation(self) -> None:
        for sensor in self._automation_sensors():
            self._instance.stop_sensor(
                sensor.get_remote_origin().get_id(), sensor.selector_id, sensor
            )

    def _automation_sensors(self) -> list[RemoteSensor]:
        locations = self._context.create_request_context().code_locations
        repositories = (r for location in locations for r in location.get_repositories().values())
        sensors = (sensor for repository in repositories for sensor in repository.get_sensors())
        return [sensor for sensor in sensors if sensor.sensor_type.is_handled_by_asset_daemon]

    def report(self) -> None:
        """A pass over all sensors but those for conditions."""
        with dagster_time(self._now):
            passes = execute_sensor_iteration(self._context, LOGGER, None, None)
            errors = [error for error in passes if error]
        assert not errors, errors
        self._check_ticks()

    def evaluate(self) -> list[dg.DagsterRun]:
        """A pass over all conditions; the runs it has asked for, the oldest first."""
        before = {run.run_id for run in self._instance.get_runs()}
        with dagster_time(self._now):
            self._assets._run_iteration_impl(self._context, None, {}, {})
        self._check_ticks()
        runs = [run for run in self._instance.get_runs() if run.run_id not in before]
        return list(reversed(runs))

    def execute(self, runs: Sequence[dg.DagsterRun]) -> None:
        """Take the runs out of the queue and execute them; the instance is OVER_CODE_SERVERS."""
        with dagster_time(self._now):
            for run in runs:
                self._instance.launch_run(run.run_id, self._context.create_request_context())
        after = [self._instance.get_run_by_id(run.run_id) for run in runs]
        assert all(run and run.is_success for run in after), after

    def _check_ticks(self) -> None:
        states = self._instance.all_instigator_state()
        ticks = (
            self._instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
            for state in states
        )
        failed = [tick for newest in ticks for tick in newest if tick.status is TickStatus.FAILURE]
        assert not failed, [str(tick.error) for tick in failed]


@contextmanager
def automation_daemon(
    instance: dg.DagsterInstance,
    servers: Sequence[CodeServer],
    environ: Mapping[str, str],
    now: Callable[[], datetime],
) -> Iterator[AutomationDaemon]:
    """The daemon over code servers, which may read `environ`."""
    with _workspace(instance, _CodeServers(servers), environ) as context:
        for entry in context.create_request_context().get_code_location_entries().values():
            assert entry.code_location, entry.load_error
        yield AutomationDaemon(context, instance, now)


def store_step_event(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    step_key: str,
    event: dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation,
) -> None:
    """Store what a step of a run says of an asset, as Dagster does when the step yields it."""
    data: AssetObservationData | StepMaterializationData | dg.AssetCheckEvaluation
    if isinstance(event, dg.AssetCheckEvaluation):
        kind, data = dg.DagsterEventType.ASSET_CHECK_EVALUATION, event
    elif isinstance(event, dg.AssetObservation):
        kind, data = dg.DagsterEventType.ASSET_OBSERVATION, AssetObservationData(event)
    else:
        kind, data = dg.DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(event, [])
    stored = dg.DagsterEvent(
        event_type_value=kind.value,
        job_name=run.job_name,
        step_key=step_key,
        event_specific_data=data,
    )
    instance.report_dagster_event(stored, run_id=run.run_id)


def store_plan(
    instance: dg.DagsterInstance, run: dg.DagsterRun, asset: dg.AssetKey, step_key: str
) -> None:
    """Store that a run is to materialize an asset."""
    planned = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value,
        job_name=run.job_name,
        step_key=step_key,
        event_specific_data=AssetMaterializationPlannedData(asset),
    )
    instance.report_dagster_event(planned, run_id=run.run_id)


def execute_stored_run(
    instance: dg.DagsterInstance, job: dg.JobDefinition, run: dg.DagsterRun
) -> None:
    """What a run worker does with a run that Dagster has stored, in this process."""
    execute_run(InMemoryJob(job), run, instance)


def store_run_event(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    kind: dg.DagsterEventType,
    step_key: str | None = None,
) -> None:
    """Store that a run or one of its steps has begun or ended."""
    data: StepSuccessData | StepFailureData | None = None
    if kind is dg.DagsterEventType.STEP_SUCCESS:
        data = StepSuccessData(duration_ms=1.0)  # type: ignore[no-untyped-call]
    elif kind is dg.DagsterEventType.STEP_FAILURE:
        data = StepFailureData(  # type: ignore[no-untyped-call]
            error=None, user_failure_data=None
        )
    stored = dg.DagsterEvent(
        event_type_value=kind.value,
        job_name=run.job_name,
        step_key=step_key,
        event_specific_data=data,
    )
    instance.report_dagster_event(stored, run_id=run.run_id)


def store_line(
    instance: dg.DagsterInstance, run: dg.DagsterRun, step_key: str, level: int, text: str
) -> None:
    """Store a line of a step's log, as Dagster does if `python_log_level` lets it through."""
    instance.handle_new_event(
        dg.EventLogEntry(  # type: ignore[no-untyped-call]
            error_info=None,
            level=level,
            user_message=text,
            run_id=run.run_id,
            timestamp=time.time(),
            step_key=step_key,
            job_name=run.job_name,
        )
    )


def beat(instance: dg.DagsterInstance) -> None:
    """A sensor daemon shows that it is alive."""
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SENSOR", "a daemon", []))


@contextmanager
def asset_records_not_written(instance: dg.DagsterInstance) -> Iterator[None]:
    """Events are stored but not noted as the last of their asset, as if Dagster died in between."""
    with pytest.MonkeyPatch.context() as dying:
        storage = type(instance.event_log_storage)
        # Dagster 1.12 has only the public one; later ones call the other, within a transaction.
        for name in ("store_asset_event", "_store_asset_event"):
            if hasattr(storage, name):
                dying.setattr(storage, name, lambda *event: None)
        yield


@contextmanager
def dagster_time(now: Callable[[], datetime]) -> Iterator[None]:
    """For Dagster it is `now()`: all events and runs are stored with that time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagster._time._mockable_get_current_datetime", now)
        patch.setattr("dagster._time._mockable_get_current_timestamp", lambda: now().timestamp())
        yield


@contextmanager
def hurried_daemon(pause: float) -> Iterator[None]:
    """The daemon of this process looks for due sensors after so many seconds instead of five.

    It loads no definitions anew, which it does once a minute: of many tables that takes longer than
    a minute that is skipped.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagster._daemon.sensor.MIN_INTERVAL_LOOP_TIME", pause)
        patch.setattr("dagster._daemon.controller.RELOAD_WORKSPACE_INTERVAL", math.inf)
        yield


def fire_times(crons: Sequence[str], start: datetime, count: int, zone: str) -> list[datetime]:
    """When the daemon makes ticks for a schedule with these crons, at or after the start."""
    times = schedule_execution_time_iterator(start.timestamp(), list(crons), zone)
    return list(islice(times, count))


__all__ = [
    "OVER_CODE_SERVERS",
    "RUNS_AT_ONCE",
    "AutomationDaemon",
    "CodeServer",
    "Died",
    "SensorDaemon",
    "TickStatus",
    "asset_records_not_written",
    "automation_daemon",
    "dagster_time",
    "fire_times",
    "hurried_daemon",
    "scheduled_runs",
    "sensor_daemon",
    "store_run_event",
    "store_step_event",
]


def reads_as_evaluated(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> bool:
    """Whether Dagster shows the check's last evaluation for the last materialization, or else that
    it was not evaluated."""
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key([check])
    shown = found[check].targets_latest_materialization(LoadingContextForTest(instance))
    return found[check].evaluation is not None and asyncio.run(shown)
