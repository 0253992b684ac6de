import pytest
from in_process import Deployment

from dagster_airbyte_sync import AirbyteError
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection

FAILURES = "airbyte_failure_sensor"


def test_somebody_is_told_of_a_sync_that_fails(
    airbyte_simulator: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte_simulator.fail(airbyte_simulator.start_sync(shop), reason="no route to host")

    (request,) = deployment.tick(FAILURES).requested

    assert deployment.run(request).output_for_node("send_alert") == "shop: no route to host"


def test_an_airbyte_that_is_down_is_an_error_and_loses_nothing(
    airbyte_simulator: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte_simulator.run_sync(shop)
    airbyte_simulator.add_fault(Fault.status(503), times=None)
    with pytest.raises(AirbyteError):
        deployment.tick()

    airbyte_simulator.clear_faults()
    assert deployment.tick().reported
