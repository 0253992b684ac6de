"""A Dagster deployment in one process that ticks when a test says so.

It stores what a tick returns in the order the daemon does: events one by one, then the cursor.
A test can stop it in between, as a crash would. (The real daemon is in `dagster_private.py`.)
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteCloudWorkspace,
    AirbyteInstance,
    AirbyteWorkspace,
    build_airbyte_definitions,
)
from dagster_airbyte_sync.assets.event_log.records import run_events
from dagster_airbyte_sync.assets.tables.keys import CHECK_NAME, JOB_ID, int_in
from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.resources.client import shared_clients
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedJob

SENSOR = "airbyte_sync_sensor"


@dataclass(frozen=True)
class Tick:
    """What one tick returned, and how many requests it made to Airbyte."""

    events: Sequence[dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation]
    requests: Sequence[dg.RunRequest]
    summary: str | None
    sent: int

    @property
    def checked(self) -> list[tuple[str, int | None, bool]]:
        """What was stored of the check that says whether a table's last sync succeeded."""
        return [
            (event.asset_key.to_user_string(), int_in(event.metadata, JOB_ID), event.passed)
            for event in self.events
            if isinstance(event, dg.AssetCheckEvaluation) and event.check_name == CHECK_NAME
        ]

    @property
    def materialized(self) -> list[tuple[str, int | None]]:
        return [
            (event.asset_key.to_user_string(), int_in(event.metadata, JOB_ID))
            for event in self.events
            if isinstance(event, dg.AssetMaterialization)
        ]


@dataclass
class Deployment:
    airbyte: AirbyteSimulator
    workspace: AirbyteWorkspace | AirbyteCloudWorkspace | AirbyteInstance
    defs: dg.Definitions
    instance: dg.DagsterInstance
    sensor: str = SENSOR
    cursor: str | None = None
    ticks: list[Tick] = field(default_factory=list)
    # How much Dagster's clock is ahead of the real one.
    later: timedelta = timedelta(0)

    def tick(self, *, crash_after: int | None = None) -> Tick:
        """One tick. With `crash_after` only so many events are stored, and the cursor is not."""
        repository = self.defs.get_repository_def()
        before = len(self.airbyte.requests)
        with (
            dg.build_sensor_context(
                instance=self.instance,
                cursor=self.cursor,
                repository_def=repository,
                sensor_name=self.sensor,
                resources={"airbyte": self.workspace},
            ) as context,
            at_time(self.later),
        ):
            result = repository.get_sensor_def(self.sensor).evaluate_tick(context)
        tick = Tick(
            events=result.asset_events,
            requests=list(result.run_requests or ()),
            summary=result.skip_message,
            sent=len(self.airbyte.requests) - before,
        )
        for event in tick.events[:crash_after]:
            self.instance.report_runless_asset_event(event)
        if crash_after is None:
            self.cursor = result.cursor
        self.ticks.append(tick)
        return tick

    def wait(self, by: timedelta) -> None:
        """So much time passes, for Airbyte and for the sensor."""
        self.airbyte.advance(by)
        self.later += by

    def materialize(self, *names: str) -> dg.ExecuteInProcessResult:
        """A real run of these assets."""
        job = self.defs.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(name) for name in names],
            raise_on_error=False,
        )

    def plan(self, *names: str) -> dg.DagsterRun:
        """A run of these assets that has not come to its first step."""
        job = self.defs.resolve_implicit_global_asset_job_def()
        keys = {dg.AssetKey(name) for name in names}
        return self.instance.create_run_for_job(
            job.get_subset(asset_selection=keys), status=dg.DagsterRunStatus.STARTED
        )

    def kill(self, *names: str) -> None:
        """A run of these assets that dies before its first step."""
        self.instance.report_run_failed(self.plan(*names))

    def start(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """A real run of what a tick requested, with the tags that the daemon gives it."""
        job = self.defs.resolve_implicit_global_asset_job_def()
        of_daemon = {"dagster/sensor_name": self.sensor, "dagster/run_key": request.run_key or ""}
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=list(request.asset_selection or ()),
            partition_key=request.partition_key,
            tags={**request.tags, **of_daemon},
            raise_on_error=False,
        )

    def said_in(self, result: dg.ExecuteInProcessResult) -> list[dg.AssetCheckEvaluation]:
        """What checks said in a run; its result has nothing of what a step logged and failed."""
        kinds = {dg.DagsterEventType.ASSET_CHECK_EVALUATION}
        records = run_events(self.instance, result.run_id, kinds)
        events = (each.event_log_entry.dagster_event for each in records)
        said = (each.event_specific_data for each in events if each)
        return [each for each in said if isinstance(each, dg.AssetCheckEvaluation)]

    def reported(self, name: str) -> list[int | None]:
        """The job ids of all materializations of an asset, in the order Dagster stored them."""
        page = self.instance.fetch_materializations(dg.AssetKey(name), limit=10_000)
        return [
            int_in(record.asset_materialization.metadata, JOB_ID)
            for record in reversed(page.records)
            if record.asset_materialization is not None
        ]

    def last(self, name: str) -> dg.AssetMaterialization:
        entry = self.instance.get_latest_materialization_event(dg.AssetKey(name))
        assert entry is not None, f"{name} was never materialized"
        assert entry.asset_materialization is not None
        return entry.asset_materialization

    def reported_all(self, names: Iterable[str]) -> dict[str, list[int | None]]:
        return {name: self.reported(name) for name in names}


@contextmanager
def at_time(later: timedelta) -> Iterator[None]:
    """For the sensors it is so much later."""
    with pytest.MonkeyPatch.context() as patch:
        now = "dagster_airbyte_sync.sensors.tick_basics.now_seconds"
        patch.setattr(now, lambda: int(time.time() + later.total_seconds()))
        yield


class ClientsTime:
    """The time by which this process's clients of Airbyte age what they remember, in seconds."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now

    @contextmanager
    def of_all_clients(self) -> Iterator["ClientsTime"]:
        with pytest.MonkeyPatch.context() as patch:
            made = "dagster_airbyte_sync.resources.client.shared_clients.AirbyteClient"
            patch.setattr(made, lambda settings: AirbyteClient(settings, clock=self))
            yield self


def forget_clients() -> None:
    """As if the process ended, and another went on."""
    shared_clients._clients.clear()


def deployed(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    *more: dg.AssetsDefinition,
    **options: object,
) -> Deployment:
    """Definitions of everything the simulator has now, in a deployment that has not ticked yet."""
    workspace = AirbyteWorkspace(
        **airbyte.workspace_config(),
        poll_interval=0.02,
        request_retry_delay=0.01,
        # Its runs wait in real time.
        outage_timeout=1,
    )
    built = build_airbyte_definitions(workspace, **{"checks": False, **options})  # type: ignore[arg-type]
    defs = dg.Definitions.merge(built, dg.Definitions(assets=list(more)))
    return Deployment(airbyte, workspace, defs, instance)


def version_of(job: SimulatedJob) -> str:
    """The data version of a table that the job was the last to move rows to."""
    return f"{job.job_id}-{int(job.created_at.timestamp())}"
