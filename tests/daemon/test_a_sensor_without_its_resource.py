"""A sensor whose workspace is not among the resources says so, where Dagster has a KeyError."""

from pathlib import Path

import dagster as dg
import pytest

from helpers.dagster_private import TickStatus, sensor_daemon

LOCATION = Path(__file__).parent / "without_resource_location.py"


@pytest.mark.filterwarnings("ignore:.*`owners`")
def test_each_sensor_says_what_to_give_the_definitions(instance: dg.DagsterInstance) -> None:
    with sensor_daemon(instance, LOCATION, {}) as daemon:
        daemon.iterate("airbyte_sync_sensor")
        for name in ("sync_sensor", "failure_sensor", "when_all_nightly"):
            (tick,) = daemon.ticks(f"airbyte_{name}")
            assert tick.status is TickStatus.FAILURE
            assert tick.error is not None
            assert tick.error.message.startswith(
                "KeyError: 'airbyte' is not a resource of this code location, and the sensor needs"
                " it to ask Airbyte: give Definitions(resources={'airbyte': workspace}), or"
            )
