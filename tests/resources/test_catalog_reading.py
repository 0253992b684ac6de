"""The catalog: all of it, in few requests, however Airbyte pages, and not more often than asked."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteSettings,
    AirbyteSettingsError,
    AirbyteUnavailable,
    Destination,
    StreamId,
    SyncSchedule,
)
from dagster_airbyte_sync.resources.client.shared_clients import client_for
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedStream

Connect = Callable[..., AirbyteClient]

LIST = "/api/v1/connections/list"
PUBLIC_LIST = "/api/public/v1/connections"
DESTINATIONS = "/api/public/v1/destinations"
TOKEN = "/api/public/v1/applications/token"


@pytest.fixture
def closed() -> Iterator[AirbyteSimulator]:
    """An Airbyte whose Configuration API is closed."""
    with AirbyteSimulator(configuration_api=False) as airbyte:
        yield airbyte


def paths(airbyte: AirbyteSimulator) -> list[str]:
    return [request.path for request in airbyte.requests if request.path != TOKEN]


def fill(airbyte: AirbyteSimulator, count: int) -> set[str]:
    return {airbyte.add_connection(f"c{n}").connection_id for n in range(count)}


# What is in it


def test_a_connection_is_read_with_all_that_matters(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    schema = {"properties": {"id": {"type": "integer"}}}
    warehouse = airbyte.add_destination(
        "warehouse", type="postgres", configuration={"database": "dw", "schema": "public"}
    )
    shop = airbyte.add_connection(
        "shop",
        streams=[
            SimulatedStream("users", namespace="audit", json_schema={**schema}),
            SimulatedStream("draft", selected=False),
        ],
        destination=warehouse,
        prefix="shop_",
        namespace_definition="custom_format",
        namespace_format="raw_${SOURCE_NAMESPACE}",
        schedule={"cron": "0 0 * * * ?", "timezone": "Europe/Vienna"},
        tags=["sales"],
    )
    catalog = connect(airbyte).catalog()
    read = catalog.connections[shop.connection_id]
    assert (read.name, read.stream_prefix, read.tags) == ("shop", "shop_", ("sales",))
    assert (read.namespace_definition, read.namespace_format) == (
        "custom_format",
        "raw_${SOURCE_NAMESPACE}",
    )
    assert read.schedule == SyncSchedule("cron", "0 0 * * * ?", "Europe/Vienna")
    assert [stream.id for stream in read.selected_streams] == [StreamId("users", "audit")]
    assert read.selected_streams[0].json_schema == schema
    assert catalog.destination_of(read) == Destination(
        warehouse.destination_id, "warehouse", "postgres", "dw", "public"
    )


def test_both_apis_agree_but_for_schemas(connect: Connect) -> None:
    with AirbyteSimulator() as airbyte:
        shop = airbyte.add_connection(
            "shop",
            streams=["orders", SimulatedStream("users", namespace="audit")],
            prefix="p_",
            namespace_definition="destination",
            schedule={"cron": "0 0 * * * ?", "timezone": "UTC"},
            tags=["a", "b"],
        )
        whole = connect(airbyte).catalog().connections[shop.connection_id]
        airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)
        public = connect(airbyte).catalog().connections[shop.connection_id]
    for field in ("name", "destination_id", "source_id", "status", "stream_prefix", "tags",
                  "namespace_definition", "namespace_format", "schedule"):  # fmt: skip
        assert getattr(public, field) == getattr(whole, field)
    assert [s.id for s in public.all_streams] == [s.id for s in whole.selected_streams]


# How many requests it takes


def test_250_connections_take_one_request_and_their_destination_another(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    ids = fill(airbyte, 250)
    assert connect(airbyte).catalog().connections.keys() == ids
    assert paths(airbyte) == [LIST, DESTINATIONS]


@pytest.mark.parametrize("seed", range(4))
def test_250_connections_are_complete_although_public_pages_overlap_and_skip(
    connect: Connect, seed: int
) -> None:
    with AirbyteSimulator(configuration_api=False, seed=seed) as airbyte:
        ids = fill(airbyte, 250)
        assert connect(airbyte).catalog().connections.keys() == ids
        assert paths(airbyte).count(LIST) == 3


def test_a_public_list_that_fits_on_a_page_is_read_once(
    closed: AirbyteSimulator, connect: Connect
) -> None:
    fill(closed, 99)
    connect(closed).catalog()
    assert paths(closed).count(PUBLIC_LIST) == 1


def test_a_public_page_never_asks_for_more_than_airbyte_allows(
    closed: AirbyteSimulator, connect: Connect
) -> None:
    fill(closed, 1)
    connect(closed, max_items_per_page=500).catalog()
    limits = {request.query["limit"][0] for request in closed.requests if request.query}
    assert limits == {"100"}


def test_destinations_beyond_the_first_page_are_found(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    for n in range(230):
        airbyte.add_connection(f"c{n}", destination=airbyte.add_destination(f"d{n}"))
    catalog = connect(airbyte).catalog()
    assert len(catalog.destinations) == 230
    assert all(catalog.destination_of(c).type == "postgres" for c in catalog.connections.values())


def test_a_destination_that_the_list_leaves_out_is_asked_for_by_itself(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop", destination=airbyte.add_destination(type="bigquery"))
    airbyte.add_fault(Fault.status(200, body={"data": []}), path=DESTINATIONS)
    catalog = connect(airbyte).catalog()
    assert catalog.destinations[shop.destination_id].type == "bigquery"
    assert paths(airbyte) == [LIST, DESTINATIONS, f"{DESTINATIONS}/{shop.destination_id}"]


@pytest.mark.parametrize("status", [403, 404])
def test_a_destination_that_nobody_may_see_costs_its_type_only(
    airbyte: AirbyteSimulator, connect: Connect, status: int
) -> None:
    shop = airbyte.add_connection("shop")
    airbyte.add_fault(Fault.status(200, body={"data": []}), path=DESTINATIONS)
    airbyte.add_fault(Fault.status(status), path=f"{DESTINATIONS}/")
    catalog = connect(airbyte).catalog()
    assert catalog.destination_of(catalog.connections[shop.connection_id]).type == ""


def test_destinations_of_an_empty_workspace_are_not_asked_for(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    assert connect(airbyte).catalog().connections == {}
    assert DESTINATIONS not in paths(airbyte)


# A wrong workspace


@pytest.mark.parametrize("admin", [True, False])
@pytest.mark.parametrize("open_api", [True, False])
@pytest.mark.parametrize(
    "workspace_id", ["00000000-0000-0000-0000-000000000000", "not-a-workspace"]
)
def test_a_wrong_workspace_is_one_clear_error(
    connect: Connect, admin: bool, open_api: bool, workspace_id: str
) -> None:
    with AirbyteSimulator(admin=admin, configuration_api=open_api) as airbyte:
        fill(airbyte, 1)
        for _ in range(2):
            with pytest.raises(AirbyteSettingsError, match="Check workspace_id") as refused:
                connect(airbyte, workspace_id=workspace_id).catalog()
            assert repr(workspace_id) in str(refused.value)


def test_a_wrong_workspace_stays_wrong_for_a_client_that_found_it_out(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    client = connect(airbyte, workspace_id="00000000-0000-0000-0000-000000000000")
    for _ in range(2):
        with pytest.raises(AirbyteSettingsError, match="Check workspace_id"):
            client.catalog()


# How long it is kept


def test_a_catalog_is_kept(airbyte: AirbyteSimulator, connect: Connect) -> None:
    client = connect(airbyte)
    first = client.catalog()
    fill(airbyte, 1)
    assert client.catalog() is first


def test_a_fresh_catalog_is_read_at_once_and_kept(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    client = connect(airbyte)
    client.catalog()
    ids = fill(airbyte, 1)
    fresh = client.catalog(fresh=True)
    assert fresh.connections.keys() == ids
    assert client.catalog() is fresh


def test_a_catalog_outlives_the_resource_object_that_read_it(airbyte: AirbyteSimulator) -> None:
    fill(airbyte, 1)

    def tick() -> int:
        config = airbyte.workspace_config()
        with AirbyteWorkspace(**config).resolved() as workspace:
            workspace.fetch_catalog()
        return len(airbyte.requests)

    assert tick() == tick() == 5


def test_a_catalog_is_read_again_when_it_is_too_old(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    now = 1000.0
    client = AirbyteClient(connect(airbyte, catalog_ttl=300).settings, clock=lambda: now)
    client.catalog()
    ids = fill(airbyte, 1)
    now += 299
    assert client.catalog().connections.keys() == set()
    now += 1
    assert client.catalog().connections.keys() == ids


def test_with_no_time_to_live_a_catalog_is_always_read(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    client = connect(airbyte, catalog_ttl=0)
    client.catalog()
    ids = fill(airbyte, 1)
    assert client.catalog().connections.keys() == ids


def test_a_catalog_that_could_not_be_read_is_not_kept(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    ids = fill(airbyte, 1)
    client = connect(airbyte, request_max_retries=0)
    airbyte.add_fault(Fault.status(503), path=DESTINATIONS)
    with pytest.raises(AirbyteUnavailable):
        client.catalog()
    assert client.catalog().connections.keys() == ids


def test_many_threads_read_it_once(airbyte: AirbyteSimulator, connect: Connect) -> None:
    fill(airbyte, 3)
    client, together = connect(airbyte), threading.Barrier(12)
    airbyte.add_fault(Fault.slow(0.1), path=LIST)

    def read() -> object:
        together.wait(timeout=10)
        return client.catalog()

    with ThreadPoolExecutor(12) as pool:
        found = [done.result(timeout=30) for done in [pool.submit(read) for _ in range(12)]]
    assert all(catalog is found[0] for catalog in found)
    assert paths(airbyte) == [LIST, DESTINATIONS]


def test_settings_that_are_equal_share_one_client(airbyte: AirbyteSimulator) -> None:
    def settings() -> AirbyteSettings:
        return AirbyteSettings(
            airbyte.rest_api_base_url, airbyte.configuration_api_base_url, airbyte.workspace_id
        )

    assert client_for(settings()) is client_for(settings())
