"""A Configuration API that is broken, which is no reason to ask the public one."""

from collections.abc import Callable

import pytest

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteUnavailable
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

Connect = Callable[..., AirbyteClient]

LIST = "/api/v1/connections/list"
PUBLIC_LIST = "/api/public/v1/connections"


def paths(airbyte: AirbyteSimulator) -> list[str]:
    return [request.path for request in airbyte.requests]


@pytest.mark.parametrize(
    "fault", [Fault.status(500), Fault.status(503), Fault.half_json(), Fault.drop()], ids=str
)
def test_what_is_broken_fails_visibly(
    airbyte: AirbyteSimulator, connect: Connect, fault: Fault
) -> None:
    airbyte.add_connection("shop")
    airbyte.add_fault(fault, path=LIST, times=None)
    with pytest.raises(AirbyteUnavailable):
        connect(airbyte, request_max_retries=0).catalog()
    assert PUBLIC_LIST not in paths(airbyte)


def test_what_breaks_after_it_refused_fails_visibly(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    airbyte.add_connection("shop")
    airbyte.add_fault(Fault.status(404), path=LIST)
    airbyte.add_fault(Fault.status(503), path=LIST, times=None)
    with pytest.raises(AirbyteUnavailable):
        connect(airbyte, request_max_retries=0).catalog()
    assert PUBLIC_LIST not in paths(airbyte)


def test_a_login_page_before_both_apis_is_no_reason_to_go_on(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    airbyte.add_connection("shop")
    client = connect(airbyte, request_max_retries=0)
    client.check_workspace()
    airbyte.add_fault(Fault.html(), path="/api/", times=None)
    with pytest.raises(AirbyteUnavailable, match="HTML page"):
        client.catalog()
