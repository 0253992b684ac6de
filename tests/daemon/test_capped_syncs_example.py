"""The example of capped syncs, with Dagster's own scheduler and sensor daemon, which also dies."""

import os
import random
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.queue.wait import Wait
from dagster_airbyte_sync.testing import AirbyteSimulator, RecordedRequest
from helpers.dagster_private import RUNS_AT_ONCE, SensorDaemon, sensor_daemon
from helpers.local_instance import local_instance
from helpers.simulated import clock_from_now
from helpers.start_jobs import JOBS
from helpers.variables import variables

EXAMPLE = Path(__file__).parents[2] / "examples" / "capped_syncs.py"
SENSOR = "airbyte_queue_sensor"
AT_ONCE = 3
CONNECTIONS = 10
DEATHS = int(os.environ.get("QUEUE_DEATHS", "8"))


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """Syncs of between one and four ticks."""
    chance = random.Random(0)
    with AirbyteSimulator(clock=clock_from_now()) as airbyte:
        for number in range(CONNECTIONS):
            seconds = chance.uniform(60, 240)
            airbyte.add_connection(f"shop {number}", [f"table_{number}"], sync_seconds=seconds)
        yield airbyte


@pytest.fixture
def at_once(airbyte: AirbyteSimulator) -> list[int]:
    """How many ran each time one was to be started."""
    counts: list[int] = []

    def count(request: RecordedRequest) -> None:
        if (request.method, request.path) == ("POST", JOBS):
            counts.append(sum(not job.is_finished for job in airbyte.jobs))

    airbyte.on_request(count)
    return counts


@pytest.fixture
def instance(tmp_path: Path, empty_storage: Path) -> Iterator[dg.DagsterInstance]:
    with local_instance(tmp_path, empty_storage, RUNS_AT_ONCE) as instance:
        yield instance


@pytest.fixture
def daemon(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, tmp_path: Path
) -> Iterator[SensorDaemon]:
    environ = {**variables(airbyte.workspace_config()), "AIRBYTE_SYNCS_AT_ONCE": str(AT_ONCE)}
    # Dagster imports a file once for each module name, so every test needs its own.
    location = tmp_path / f"capped_{uuid.uuid4().hex}.py"
    location.write_text(EXAMPLE.read_text())
    with sensor_daemon(instance, location, environ) as daemon:
        daemon.only(SENSOR)
        yield daemon


def two_oclock(daemon: SensorDaemon) -> None:
    for minute in (59, 0):
        hour = 1 if minute else 2
        daemon.schedule(datetime(2030, 1, 15, hour, minute, tzinfo=timezone.utc))


def is_over(airbyte: AirbyteSimulator) -> bool:
    return len(airbyte.jobs) >= CONNECTIONS


def test_the_nights_syncs_start_as_room_comes(
    airbyte: AirbyteSimulator,
    at_once: list[int],
    instance: dg.DagsterInstance,
    daemon: SensorDaemon,
) -> None:
    two_oclock(daemon)
    assert not airbyte.jobs
    for _ in range(20):
        daemon.iterate(SENSOR)
        if is_over(airbyte):
            break
        assert sum(not job.is_finished for job in airbyte.jobs) == AT_ONCE
        airbyte.advance(60)
        daemon.wait_for_interval(SENSOR)

    assert_each_once(airbyte, at_once)
    assert not [run for run in instance.get_runs() if not run.is_success]
    observed = instance.fetch_observations(dg.AssetKey("table_0"), limit=10).records
    (wait,) = (wait for each in observed if (wait := Wait.from_record(each)))
    assert (wait.queue.resource_key, wait.queue.location) == ("airbyte", "test")


def assert_each_once(airbyte: AirbyteSimulator, at_once: list[int]) -> None:
    synced = [job.connection_id for job in airbyte.jobs]
    assert len(set(synced)) == len(synced) == CONNECTIONS
    assert max(at_once) < AT_ONCE


def test_a_daemon_that_dies_at_any_moment_starts_nothing_twice_and_forgets_nothing(
    airbyte: AirbyteSimulator, at_once: list[int], daemon: SensorDaemon
) -> None:
    """Before any of the writes of a tick, of the run that it asks for, or of its end."""
    chance = random.Random(1)
    two_oclock(daemon)
    for number in range(400):
        if number < DEATHS:
            daemon.die_before_write(chance.randrange(1, 6), SENSOR)
        else:
            daemon.iterate(SENSOR)
        if chance.random() < 0.2:
            daemon.set_cursor(None, SENSOR)
        if is_over(airbyte):
            break
        airbyte.advance(chance.choice([0, 60, 120]))
        daemon.wait_for_interval(SENSOR)
        # What a dead daemon has begun may be due a little later still.
        time.sleep(0.1)

    assert_each_once(airbyte, at_once)
