"""Dagster's own daemon code, in this process, killed where it hurts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.tables.keys import JOB_ID, int_in
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection
from helpers.daemon_over import daemon_over
from helpers.dagster_private import SensorDaemon, TickStatus
from helpers.deployment import version_of

STREAMS = ["orders", "users", "items"]
LOCATION = Path(__file__).parent / "location.py"


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=STREAMS)


@pytest.fixture
def daemon(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    tmp_path: Path,
) -> Iterator[SensorDaemon]:
    with daemon_over(LOCATION, airbyte, instance, tmp_path) as daemon:
        yield daemon


def reported(instance: dg.DagsterInstance, name: str) -> list[int | None]:
    page = instance.fetch_materializations(dg.AssetKey(name), limit=1000)
    return [
        int_in(record.asset_materialization.metadata, JOB_ID)
        for record in reversed(page.records)
        if record.asset_materialization
    ]


def runs(instance: dg.DagsterInstance) -> list[str]:
    return [record.dagster_run.tags["dagster/run_key"] for record in instance.get_run_records()]


def test_a_sync_becomes_events_a_check_and_a_run(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    daemon: SensorDaemon,
    instance: dg.DagsterInstance,
) -> None:
    daemon.iterate()
    job = airbyte.run_sync(shop)

    daemon.wait_for_interval()
    tick = daemon.iterate()

    assert tick.status is TickStatus.SUCCESS
    assert {name: reported(instance, name) for name in STREAMS} == {
        n: [job.job_id] for n in STREAMS
    }
    assert runs(instance) == [f"airbyte:{airbyte.workspace_id}:{version_of(job)}"]


def test_a_report_names_its_code_location_and_sensor(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    daemon: SensorDaemon,
    instance: dg.DagsterInstance,
) -> None:
    """By which another sensor in another code location is distinguished from it."""
    daemon.iterate()
    airbyte.run_sync(shop)
    daemon.wait_for_interval()
    daemon.iterate()

    entry = instance.get_latest_materialization_event(dg.AssetKey("orders"))
    made = entry and entry.asset_materialization
    assert made is not None
    named = str(made.metadata["dagster-airbyte/reported_by"].value)
    location, _, sensor = named.partition(":")
    assert sensor == "airbyte_sync_sensor"
    # All repositories that Dagster makes of definitions have that name.
    assert location not in ("", "__repository__")


def test_an_idle_tick_shows_what_was_read_and_how_far(daemon: SensorDaemon) -> None:
    tick = daemon.iterate()

    assert tick.status is TickStatus.SKIPPED
    assert (tick.skip_reason or "").startswith("Nothing new. Read up to")


@pytest.mark.parametrize("stored", range(6))
def test_killed_after_any_event_of_a_tick(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    daemon: SensorDaemon,
    instance: dg.DagsterInstance,
    stored: int,
) -> None:
    job = airbyte.run_sync(shop)

    daemon.die_after(stored)
    daemon.settle()

    assert {name: reported(instance, name) for name in STREAMS} == {
        n: [job.job_id] for n in STREAMS
    }
    assert runs(instance) == [f"airbyte:{airbyte.workspace_id}:{version_of(job)}"]


def test_killed_after_all_events_and_before_the_cursor(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    daemon: SensorDaemon,
    instance: dg.DagsterInstance,
) -> None:
    older = airbyte.run_sync(shop)
    airbyte.advance(timedelta(seconds=60))
    newer = airbyte.run_sync(shop)

    daemon.die_before_cursor()
    daemon.settle()

    jobs = [older.job_id, newer.job_id]
    assert {name: reported(instance, name) for name in STREAMS} == dict.fromkeys(STREAMS, jobs)
    assert runs(instance) == [f"airbyte:{airbyte.workspace_id}:{version_of(newer)}"]


def test_an_airbyte_that_is_down_is_a_failed_tick_and_then_forgotten(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    daemon: SensorDaemon,
    instance: dg.DagsterInstance,
) -> None:
    daemon.iterate()
    job = airbyte.run_sync(shop)
    airbyte.add_fault(Fault.drop(), times=None)
    daemon.wait_for_interval()

    tick = daemon.iterate()

    assert tick.status is TickStatus.FAILURE
    assert "is Airbyte running" in str(tick.error)
    assert tick.error is not None
    assert (tick.error.cause, tick.error.context) == (None, None)
    assert len(tick.error.to_string().splitlines()) < 25
    airbyte.clear_faults()
    daemon.settle()
    assert reported(instance, "orders") == [job.job_id]
