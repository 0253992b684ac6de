"""Start jobs with `max_running`, the sensor that starts what waits, and their runs."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteInstance,
    AirbyteWorkspace,
    build_airbyte_queue_sensor,
    build_airbyte_start_job,
)
from dagster_airbyte_sync.assets.event_log.records import run_events
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, SyncClaim
from dagster_airbyte_sync.assets.queue.wait import Wait
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.dagster_private import (
    dagster_time,
    execute_stored_run,
    store_run_event,
    store_step_event,
)
from helpers.deployment import Deployment, Tick

SENSOR = "airbyte_queue_sensor"
STARTS = "start_airbyte_syncs"
NOTHING_WAITS = "No sync waits for a place."
# Lines go to the event log, and no further.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Queued:
    """A deployment with the queue's sensor, whose runs are launched when a test says so."""

    deployment: Deployment
    requested: list[dg.RunRequest] = field(default_factory=list)
    # The name of its code location; as in a test of Dagster's there is none by default.
    location: str = ""

    @property
    def airbyte(self) -> AirbyteSimulator:
        return self.deployment.airbyte

    @property
    def instance(self) -> dg.DagsterInstance:
        return self.deployment.instance

    def run(
        self,
        job: str = STARTS,
        *,
        config: dict[str, object] | None = None,
        tags: dict[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """A run of a start job, as a person or a schedule makes it."""
        made = self.deployment.defs.get_repository_def().get_job(job)
        with self.now():
            return made.execute_in_process(
                run_config={
                    **QUIET,
                    **({"ops": {f"{job}_op": {"config": config}}} if config else {}),
                },
                instance=self.instance,
                tags={**made.tags, **self._of_location(), **(tags or {})},
                raise_on_error=False,
            )

    def tick(self) -> Tick:
        """A tick of the sensor; what it asks for is not launched yet."""
        with self.now():
            tick = self.deployment.tick()
        self.requested += tick.requests
        return tick

    def launch(self) -> list[dg.ExecuteInProcessResult]:
        """The runs that ticks have asked for, as the daemon makes them."""
        requests, self.requested = self.requested, []
        return [self.launched(each) for each in requests]

    def launched(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        made = self.deployment.defs.get_repository_def().get_job(STARTS)
        of_daemon = {"dagster/sensor_name": SENSOR, "dagster/run_key": request.run_key or ""}
        with self.now():
            return made.execute_in_process(
                run_config={**QUIET, **request.run_config},
                instance=self.instance,
                tags={**made.tags, **request.tags, **self._of_location(), **of_daemon},
                raise_on_error=False,
            )

    def keep(
        self, request: dg.RunRequest, status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTING
    ) -> dg.DagsterRun:
        """The run that a tick asked for exists, and no step of it has begun."""
        made = self.deployment.defs.get_repository_def().get_job(STARTS)
        of_daemon = {"dagster/sensor_name": SENSOR, "dagster/run_key": request.run_key or ""}
        with self.now():
            return self.instance.create_run_for_job(
                made,
                run_config=dict(request.run_config),
                tags={**made.tags, **request.tags, **self._of_location(), **of_daemon},
                status=status,
            )

    def execute(self, run: dg.DagsterRun) -> None:
        """The process of a run that was kept begins, late or once more."""
        made = self.deployment.defs.get_repository_def().get_job(run.job_name)
        with self.now():
            execute_stored_run(self.instance, made, run)

    def say(self, run: dg.DagsterRun, status: ClaimStatus, *names: str) -> None:
        """The run says so of its starts of these."""
        for name in names:
            connection = self.airbyte.connection(name)
            claim = SyncClaim(status, connection.connection_id)
            table = dg.AssetKey(connection.streams[-1].name)
            with self.now():
                store_step_event(self.instance, run, f"{STARTS}_op", claim.to_observation(table))

    def claim(self, run: dg.DagsterRun, *names: str) -> None:
        """The run says that it has not started these after all, and succeeds."""
        self.say(run, ClaimStatus.NOT_STARTED, *names)
        store_run_event(self.instance, run, dg.DagsterEventType.RUN_SUCCESS)

    def go_on(self) -> Tick:
        """A tick, and its runs to their end."""
        tick = self.tick()
        self.launch()
        return tick

    def all_night(self) -> list[str]:
        """Ticks and ends of syncs until nothing waits; what has started by then."""
        for _ in range(20):
            tick = self.go_on()
            self.finish(*self._names().values())
            if tick.summary == NOTHING_WAITS:
                break
        return sorted(self.started())

    def finish(self, *names: str) -> None:
        """These connections' syncs end."""
        ids = {self.airbyte.connection(name).connection_id for name in names}
        for job in self.airbyte.jobs:
            if job.connection_id in ids and not job.is_finished:
                self.airbyte.succeed(job)

    def running(self) -> list[str]:
        """The names of the connections on which a job runs now, in the order of their starts."""
        ids = [job.connection_id for job in self.airbyte.jobs if not job.is_finished]
        return [self._names()[each] for each in ids]

    def started(self) -> list[str]:
        """Those of all jobs, in that order."""
        return [self._names()[job.connection_id] for job in self.airbyte.jobs]

    def written_down(self, run_id: str) -> list[str]:
        """The names of the connections that a run has put into the queue."""
        kinds = {dg.DagsterEventType.ASSET_OBSERVATION}
        records = run_events(self.instance, run_id, kinds)
        return [wait.name for each in records if (wait := Wait.from_record(each))]

    def wait(self, **parts: float) -> None:
        """So much time passes, for Dagster alone."""
        self.deployment.later += timedelta(**parts)

    @contextmanager
    def now(self) -> Iterator[None]:
        later = self.deployment.later
        with (
            dagster_time(lambda: datetime.now(timezone.utc) + later),
            pytest.MonkeyPatch.context() as patch,
        ):
            now = "dagster_airbyte_sync.assets.queue.times.now_seconds"
            patch.setattr(now, lambda: time.time() + later.total_seconds())
            if self.location:
                origin = SimpleNamespace(location_name=self.location)
                name = "code_location_origin"
                patch.setattr(dg.SensorEvaluationContext, name, property(lambda _: origin))
            yield

    def _of_location(self) -> dict[str, str]:
        """The tag that Dagster gives to the runs of a code location."""
        return {"dagster/code_location": self.location} if self.location else {}

    def _names(self) -> dict[str, str]:
        return {each.connection_id: each.name for each in self.airbyte.connections}


def queued(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    *more: dg.JobDefinition | dg.ScheduleDefinition,
    is_fresh: bool = False,
    location: str = "",
    workspace: AirbyteInstance | None = None,
    **options: object,
) -> Queued:
    """One start job of all connections, with `options`, and what more is given.

    With `is_fresh` what becomes of a connection is seen at once. The `workspace` is the simulator's
    first, unless one is given.
    """
    resource: AirbyteInstance | AirbyteWorkspace = workspace or AirbyteWorkspace(
        **airbyte.workspace_config(),
        poll_interval=0.02,
        request_retry_delay=0.01,
        catalog_ttl=0 if is_fresh else 600,
        outage_timeout=0.2,
    )
    job = build_airbyte_start_job(workspace=resource, **options)  # type: ignore[arg-type]
    has_places = options.get("max_running") is not None
    sensors = [
        build_airbyte_queue_sensor(workspace=resource, job=job, minimum_interval_seconds=1)
        for _ in range(has_places)
    ]
    jobs: Sequence[dg.JobDefinition] = [e for e in more if isinstance(e, dg.JobDefinition)]
    schedules = [each for each in more if isinstance(each, dg.ScheduleDefinition)]
    defs = dg.Definitions(
        jobs=[job, *jobs],
        schedules=schedules,
        sensors=sensors,
        resources={"airbyte": resource},
    )
    return Queued(Deployment(airbyte, resource, defs, instance, sensor=SENSOR), location=location)
