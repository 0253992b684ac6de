"""A destination that cannot be read costs its tables' storage kind, and nothing else."""

from collections.abc import Callable

import pytest

from dagster_airbyte_sync import AirbyteWorkspace, load_airbyte_asset_specs
from dagster_airbyte_sync.resources import AirbyteClient, AirbyteError, AirbyteUnavailable
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

Connect = Callable[..., AirbyteClient]

DESTINATIONS = "/api/public/v1/destinations"
EMPTY = Fault.status(200, body={"data": []})


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.status(403), "answered 403"),
        (Fault.status(404), "answered 404"),
        (Fault.status(400), "answered 400"),
        (Fault.status(500), "answered 500"),
        (Fault.html(), "an HTML page"),
        (Fault.half_json(), "no readable JSON"),
        (Fault.status(200, body={}), "without a destination"),
        (Fault.drop(), "no answer"),
    ],
    ids=lambda each: getattr(each, "name", each),
)
def test_one_destination_that_fails_stops_no_definitions_and_is_named(
    airbyte: AirbyteSimulator,
    connect: Connect,
    fault: Fault,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = airbyte.add_connection("shop", ["orders"], destination=airbyte.add_destination("bad"))
    airbyte.add_fault(EMPTY, path=DESTINATIONS)
    airbyte.add_fault(fault, path=f"{DESTINATIONS}/", times=None)
    catalog = connect(airbyte, request_max_retries=0).catalog()
    assert catalog.destination_of(catalog.connections[shop.connection_id]).type == ""
    (record,) = [each for each in caplog.records if "Destination" in each.getMessage()]
    for part in (shop.destination_id, "'shop'", reason):
        assert part in record.getMessage()


def test_a_destination_that_does_not_answer_in_time_stops_no_definitions(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop")
    airbyte.add_fault(EMPTY, path=DESTINATIONS)
    airbyte.add_fault(Fault.slow(0.4), path=f"{DESTINATIONS}/")
    client = connect(airbyte, request_max_retries=0, request_timeout=0.2)
    assert shop.connection_id in client.catalog().connections


def test_the_other_destinations_keep_their_kinds(airbyte: AirbyteSimulator) -> None:
    good = airbyte.add_destination("good", type="bigquery")
    bad = airbyte.add_destination("bad")
    airbyte.add_connection("shop", ["orders"], destination=good)
    airbyte.add_connection("crm", ["users"], destination=bad)
    airbyte.add_fault(EMPTY, path=DESTINATIONS)
    airbyte.add_fault(Fault.status(500), path=bad.destination_id, times=None)
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), request_retry_delay=0)
    kinds = {s.key.to_user_string(): s.kinds for s in load_airbyte_asset_specs(workspace)}
    assert kinds == {"orders": {"airbyte", "bigquery"}, "users": {"airbyte"}}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_list_of_destinations_that_is_forbidden_stops_no_definitions(
    airbyte: AirbyteSimulator, connect: Connect, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    ids = {airbyte.add_connection(f"c{n}").connection_id for n in range(3)}
    airbyte.add_fault(Fault.status(status), path=DESTINATIONS, times=None)
    assert connect(airbyte).catalog().connections.keys() == ids
    assert f"does not list the destinations (GET {airbyte.url}{DESTINATIONS}" in caplog.text


@pytest.mark.parametrize("fault", [Fault.status(503), Fault.html(), Fault.drop()], ids=str)
def test_a_list_of_destinations_that_is_not_answered_fails_visibly(
    airbyte: AirbyteSimulator, connect: Connect, fault: Fault
) -> None:
    airbyte.add_connection("shop")
    airbyte.add_fault(fault, path=DESTINATIONS, times=None)
    with pytest.raises(AirbyteUnavailable):
        connect(airbyte, request_max_retries=0).catalog()


def test_a_workspace_that_is_forbidden_is_still_one_clear_error(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    airbyte.add_connection("shop")
    airbyte.add_fault(Fault.status(403), path="/api/", times=None)
    with pytest.raises(AirbyteError, match="403"):
        connect(airbyte).catalog()
    airbyte.clear_faults()
    airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)
    airbyte.add_fault(Fault.status(403), path="/api/public/v1/workspaces", times=None)
    with pytest.raises(AirbyteError, match="Check workspace_id"):
        connect(airbyte).catalog()
