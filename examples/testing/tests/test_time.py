from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

import pytest
from in_process import Deployment

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock, SimulatedConnection


@pytest.fixture
def airbyte_simulator_options() -> Mapping[str, object]:
    """An Airbyte of another release, at another time."""
    new_year = datetime(2027, 1, 1, tzinfo=timezone.utc)
    return {"version": "1.8.0", "clock": SimulatedClock(new_year)}


def test_a_sync_that_runs_is_not_reported_before_its_end(
    airbyte_simulator: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte_simulator.start_sync(shop, unattended=True)
    assert not deployment.tick().reported
    airbyte_simulator.advance(timedelta(minutes=1))
    assert deployment.tick().reported
