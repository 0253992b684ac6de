"""The example of schedules, with Dagster's own scheduler and sensor daemon, and real runs."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.dagster_private import RUNS_AT_ONCE, SensorDaemon, TickStatus, sensor_daemon
from helpers.local_instance import local_instance
from helpers.variables import variables

EXAMPLE = Path(__file__).parents[2] / "examples" / "scheduled_syncs.py"
SMALL = ["orders", "users"]
LARGE = ["a", "b", "c", "d"]


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """Its syncs end by themselves, soon after their start."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", streams=SMALL, sync_seconds=0.2)
        airbyte.add_connection("warehouse", streams=LARGE, sync_seconds=0.2)
        yield airbyte


@pytest.fixture
def instance(tmp_path: Path, empty_storage: Path) -> Iterator[dg.DagsterInstance]:
    with local_instance(tmp_path, empty_storage, RUNS_AT_ONCE) as instance:
        yield instance


@pytest.fixture
def daemon(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, tmp_path: Path
) -> Iterator[SensorDaemon]:
    environ = variables(airbyte.workspace_config())
    # Dagster imports a file once for each module name, so every test needs its own.
    location = tmp_path / f"example_{uuid.uuid4().hex}.py"
    location.write_text(EXAMPLE.read_text())
    with sensor_daemon(instance, location, environ) as daemon:
        yield daemon


def at(hour: int, minute: int) -> datetime:
    """A time of a winter's day in Berlin, one hour before UTC."""
    return datetime(2030, 1, 15, hour - 1, minute, tzinfo=timezone.utc)


def only_run(instance: dg.DagsterInstance, job: str) -> dg.RunRecord:
    (record,) = instance.get_run_records(dg.RunsFilter(job_name=job))
    return record


def step_processes(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int:
    started = dg.DagsterEventType.STEP_WORKER_STARTED
    return len(instance.get_records_for_run(run.run_id, of_type=started).records)


def reported(instance: dg.DagsterInstance, name: str) -> list[dict[str, object]]:
    """The metadata of all materializations of an asset."""
    page = instance.fetch_materializations(dg.AssetKey(name), limit=10)
    events = [record.asset_materialization for record in page.records]
    return [{key: v.value for key, v in event.metadata.items()} for event in events if event]


def tick_until_reported(daemon: SensorDaemon, instance: dg.DagsterInstance, name: str) -> None:
    daemon.iterate()
    for _ in range(30):
        if reported(instance, name):
            return
        daemon.wait_for_interval()
        assert daemon.iterate().status is not TickStatus.FAILURE
    raise AssertionError(f"{name} was never reported")


def test_the_waiting_schedules_run_reports_its_syncs_itself(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, daemon: SensorDaemon
) -> None:
    daemon.schedule(at(5, 59))
    daemon.schedule(at(6, 1))

    run = only_run(instance, "small_hourly_job").dagster_run
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert step_processes(instance, run) == 2  # The sync, and the checks of its tables.
    (job,) = airbyte.jobs
    daemon.iterate()
    for name in SMALL:
        (metadata,) = reported(instance, name)
        assert metadata[keys.JOB_ID] == str(job.job_id)
        assert metadata[keys.STARTED_BY_RUN] == run.run_id


def test_the_starting_schedules_run_ends_and_the_sensor_reports_its_syncs(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, daemon: SensorDaemon
) -> None:
    airbyte.update_connection(airbyte.connection("warehouse"), sync_seconds=3600)
    daemon.schedule(at(2, 29))
    daemon.schedule(at(2, 30))

    record = only_run(instance, "large_nightly_job")
    assert record.dagster_run.status is dg.DagsterRunStatus.SUCCESS
    (job,) = airbyte.jobs
    assert not job.is_finished
    airbyte.succeed(job)
    tick_until_reported(daemon, instance, LARGE[0])
    for name in LARGE:
        (metadata,) = reported(instance, name)
        assert metadata[keys.JOB_ID] == str(job.job_id)
        assert metadata[keys.TRIGGERED_BY] == "dagster"
        assert metadata[keys.STARTED_BY_RUN] == record.dagster_run.run_id
