"""A trigger over several connections in Dagster's own daemon, which dies at each of its writes."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.daemon_over import daemon_over
from helpers.dagster_private import SensorDaemon, TickStatus

LOCATION = Path(__file__).parent / "trigger_location.py"
REPORTING = "airbyte_sync_sensor"
TRIGGER = "airbyte_when_all_nightly"
# What a tick that starts a run writes: itself and its state, twice, and the run.
WRITES = 7


@pytest.fixture
def daemon(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    tmp_path: Path,
) -> Iterator[SensorDaemon]:
    """After the first tick of both sensors."""
    airbyte.add_connection("shop", streams=["orders", "users"])
    airbyte.add_connection("crm", streams=["leads"])
    with daemon_over(LOCATION, airbyte, instance, tmp_path) as daemon:
        daemon.iterate()
        yield daemon


def report_syncs(airbyte: AirbyteSimulator, daemon: SensorDaemon, *names: str) -> None:
    """Syncs that the one sensor has reported, while the other did not look."""
    airbyte.advance(60)
    for name in names:
        airbyte.run_sync(airbyte.connection(name))
    daemon.only(REPORTING)
    daemon.wait_for_interval(REPORTING)
    assert "Reported" in str(daemon.iterate(REPORTING).skip_reason)
    daemon.only(TRIGGER)
    daemon.wait_for_interval(TRIGGER)


def settle(daemon: SensorDaemon) -> str:
    """Iterate until the trigger waits again, and for whom."""
    for _ in range(5):
        tick = daemon.iterate(TRIGGER)
        if tick.status is TickStatus.SKIPPED and "aiting for" in str(tick.skip_reason):
            return str(tick.skip_reason)
        daemon.wait_for_interval(TRIGGER)
    raise AssertionError(f"The trigger does not come to rest: {tick}")


def run_keys(instance: dg.DagsterInstance) -> list[str]:
    return [record.dagster_run.tags["dagster/run_key"] for record in instance.get_run_records()]


def test_it_waits_and_starts_one_run(
    airbyte: AirbyteSimulator, daemon: SensorDaemon, instance: dg.DagsterInstance
) -> None:
    report_syncs(airbyte, daemon, "shop")
    assert settle(daemon).endswith("waiting for crm.")
    report_syncs(airbyte, daemon, "crm")

    assert daemon.iterate(TRIGGER).status is TickStatus.SUCCESS

    daemon.wait_for_interval(TRIGGER)
    assert settle(daemon) == "Waiting for the first of 2."
    (record,) = instance.get_run_records()
    run = record.dagster_run
    assert run.asset_selection == {dg.AssetKey("revenue"), dg.AssetKey("funnel")}
    assert run.tags["dagster-airbyte/when_all"] == "nightly"
    assert "dagster/partition" in run.tags


# Before the tick is stored, between its runs and its end, and before its cursor.
@pytest.mark.parametrize("place", [1, 3, WRITES - 1])
def test_killed_before_a_write_of_the_tick_that_starts_a_run(
    airbyte: AirbyteSimulator, daemon: SensorDaemon, instance: dg.DagsterInstance, place: int
) -> None:
    """A member that syncs again before the daemon is back may count for either round."""
    report_syncs(airbyte, daemon, "shop", "crm")

    assert daemon.die_before_write(place, TRIGGER) == place
    report_syncs(airbyte, daemon, "shop")
    settle(daemon)
    assert len(run_keys(instance)) == 1

    report_syncs(airbyte, daemon, "shop", "crm")
    settle(daemon)
    assert len(set(run_keys(instance))) == len(run_keys(instance)) == 2


def test_these_are_all_writes_of_such_a_tick(
    airbyte: AirbyteSimulator, daemon: SensorDaemon
) -> None:
    report_syncs(airbyte, daemon, "shop", "crm")
    assert daemon.die_before_write(1000, TRIGGER) == WRITES
