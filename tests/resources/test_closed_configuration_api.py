"""Where the Configuration API is closed the public one is asked, and that is remembered a while."""

from collections.abc import Callable

import pytest

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteUnavailable
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

Connect = Callable[..., AirbyteClient]

LIST = "/api/v1/connections/list"
PUBLIC_LIST = "/api/public/v1/connections"
DESTINATIONS = "/api/public/v1/destinations"
TOKEN = "/api/public/v1/applications/token"


def paths(airbyte: AirbyteSimulator) -> list[str]:
    return [request.path for request in airbyte.requests if request.path != TOKEN]


@pytest.mark.parametrize("status", [401, 403, 404, 501])
def test_a_closed_configuration_api_is_remembered(
    airbyte: AirbyteSimulator, connect: Connect, status: int
) -> None:
    airbyte.add_connection("shop")
    client = connect(airbyte)
    airbyte.add_fault(Fault.status(status), path="/api/v1/", times=None)
    client.catalog()
    airbyte.forget_requests()
    client.catalog(fresh=True)
    assert paths(airbyte) == [PUBLIC_LIST, DESTINATIONS]


def test_a_closed_configuration_api_is_tried_again_after_ten_minutes(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    now = 1000.0
    airbyte.add_connection("shop")
    client = AirbyteClient(connect(airbyte).settings, clock=lambda: now)
    airbyte.add_fault(Fault.status(403), path="/api/v1/")
    client.catalog()
    now += 599
    client.catalog(fresh=True)
    assert paths(airbyte).count(LIST) == 1
    now += 1
    client.catalog(fresh=True)
    assert paths(airbyte).count(LIST) == 2


def test_a_configuration_api_that_stumbles_is_not_taken_for_closed(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    airbyte.add_connection("shop")
    client = connect(airbyte, request_max_retries=0)
    airbyte.add_fault(Fault.status(502), path=LIST)
    with pytest.raises(AirbyteUnavailable):
        client.catalog()
    client.catalog()
    assert PUBLIC_LIST not in paths(airbyte)
