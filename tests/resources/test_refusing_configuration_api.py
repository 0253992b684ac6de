"""A Configuration API that refuses: closed, at another address, or only for a moment."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from dagster_airbyte_sync import AirbyteWorkspace, load_airbyte_asset_specs
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteForbidden,
    AirbyteSettings,
    AirbyteSettingsError,
    TimeBudget,
)
from dagster_airbyte_sync.resources.access.server import likely_addresses
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

Connect = Callable[..., AirbyteClient]

LIST = "/api/v1/connections/list"
INSTANCE = "/api/v1/instance_configuration"
PUBLIC_LIST = "/api/public/v1/connections"
LOGIN = Fault.status(302, headers={"Location": "https://login.example.com/?next=x"})
CLOSED = {
    "400": Fault.status(400, body={"message": "not supported"}),
    "401": Fault.status(401),
    "403": Fault.status(403),
    "404": Fault.status(404, body="Object not found."),
    "405": Fault.status(405),
    "501": Fault.status(501),
    "a redirect to a login": LOGIN,
    "a login page": Fault.html(),
}
closed_by = pytest.mark.parametrize("fault", CLOSED.values(), ids=CLOSED.keys())


def paths(airbyte: AirbyteSimulator) -> list[str]:
    return [request.path for request in airbyte.requests if "token" not in request.path]


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


# Closed


@closed_by
def test_what_is_closed_is_replaced_by_the_public_api_and_said_once(
    airbyte: AirbyteSimulator, connect: Connect, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    shop = airbyte.add_connection("shop")
    airbyte.run_sync(shop)
    airbyte.add_fault(fault, path="/api/v1/", times=None)
    client = connect(airbyte)
    for _ in range(2):
        catalog = client.catalog(fresh=True)
        assert catalog.connections.keys() == {shop.connection_id}
        assert catalog.read_from == "public"
        assert len(list(client.finished_jobs(airbyte.now.replace(year=2000)))) == 1
    (said,) = warnings_of(caplog)
    status = {"status(302)": "302", "html": "200"}.get(fault.name, fault.name[7:10])
    for part in (airbyte.configuration_api_base_url, airbyte.rest_api_base_url, status,
                 "columns", "by stream", "before Airbyte 1.7, the namespaces"):  # fmt: skip
        assert part in said


def test_a_configuration_api_that_is_open_again_is_said_once_too(
    airbyte: AirbyteSimulator, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1000.0
    airbyte.add_connection("shop")
    client = AirbyteClient(connect(airbyte).settings, clock=lambda: now)
    airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)
    client.catalog()
    now += 601
    client.catalog(fresh=True)
    airbyte.clear_faults()
    now += 601
    for _ in range(2):
        assert client.catalog(fresh=True).read_from == "configuration"
    first, second = warnings_of(caplog)
    assert "is closed" in first
    assert "answers again" in second


def test_history_that_may_not_be_listed_is_said_once_though_connections_may(
    airbyte: AirbyteSimulator, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1000.0
    airbyte.add_connection("shop")
    client = AirbyteClient(connect(airbyte).settings, clock=lambda: now)
    airbyte.add_fault(Fault.status(403), path="/list_for_workspaces", times=None)
    for _ in range(3):
        client.catalog(fresh=True)
        list(client.finished_jobs(airbyte.now))
        now += 601
    assert len(warnings_of(caplog)) == 1


def test_who_may_not_list_jobs_keeps_the_columns(
    airbyte: AirbyteSimulator, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    shop = airbyte.add_connection("shop")
    job = airbyte.run_sync(shop)
    client = connect(airbyte)
    airbyte.add_fault(Fault.status(403), path="/list_for_workspaces", times=None)
    assert len(list(client.finished_jobs(airbyte.now.replace(year=2000)))) == 1
    catalog = client.catalog(fresh=True)
    assert catalog.read_from == "configuration"
    assert all(each.json_schema for each in catalog.connections[shop.connection_id].all_streams)
    assert client.job(job.job_id).streams
    assert paths(airbyte).count("/api/v1/jobs/list_for_workspaces") == 1
    list(client.finished_jobs(airbyte.now))
    assert paths(airbyte).count("/api/v1/jobs/list_for_workspaces") == 1
    assert len(warnings_of(caplog)) == 1


def test_an_api_that_closes_and_opens_as_a_whole_is_said_once_each(
    airbyte: AirbyteSimulator, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1000.0
    airbyte.add_connection("shop")
    client = AirbyteClient(connect(airbyte).settings, clock=lambda: now)

    def ask_both() -> None:
        list(client.finished_jobs(airbyte.now, TimeBudget(40)))
        client.catalog(TimeBudget(40), fresh=True)

    ask_both()
    airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)
    with pytest.raises(AirbyteForbidden):
        list(client.finished_jobs(airbyte.now))
    with pytest.raises(AirbyteForbidden):
        client.catalog(fresh=True)
    now += 121
    ask_both()
    airbyte.clear_faults()
    now += 601
    ask_both()
    first, second = warnings_of(caplog)
    assert "is closed" in first
    assert "answers again" in second


@pytest.mark.parametrize(("fault", "tries"), [(Fault.status(403), 1), (Fault.html(), 2)], ids=str)
def test_a_closed_configuration_api_costs_few_requests(
    airbyte: AirbyteSimulator, connect: Connect, fault: Fault, tries: int
) -> None:
    airbyte.add_connection("shop")
    airbyte.add_fault(fault, path="/api/v1/", times=None)
    client = connect(airbyte)
    client.catalog()
    workspace = f"/api/public/v1/workspaces/{airbyte.workspace_id}"
    destinations = "/api/public/v1/destinations"
    once = [LIST] * tries
    refused = [*once, workspace, INSTANCE, *once, *once]
    assert paths(airbyte) == [*refused, PUBLIC_LIST, destinations]


# Wrong


@pytest.mark.parametrize(
    "path", ["", "/", "/api", "/api/v2", "/api/public", "/v1", "/ui", "/api/v1/connections"]
)
@pytest.mark.parametrize("auth", ["oauth", "none"])
def test_a_wrong_address_is_an_error_that_names_the_right_one(path: str, auth: str) -> None:
    with AirbyteSimulator(auth="none" if auth == "none" else "oauth") as airbyte:
        airbyte.add_connection("shop")
        wrong = f"{airbyte.url}{path}"
        given: dict[str, Any] = {
            **airbyte.workspace_config(),
            "configuration_api_base_url": wrong,
        }
        workspace = AirbyteWorkspace(**given, request_retry_delay=0)
        with pytest.raises(AirbyteSettingsError) as error:
            load_airbyte_asset_specs(workspace)
        assert f"configuration_api_base_url is {wrong.rstrip('/')}, but" in str(error.value)
        assert f"One answers at {airbyte.configuration_api_base_url}: set it" in str(error.value)
        assert {each.status for each in airbyte.exchanges} <= {200, 404, 405}


def test_a_wrong_address_fails_a_tick_too_and_each_time(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    airbyte.add_connection("shop")
    client = connect(airbyte, configuration_api_base_url=f"{airbyte.url}/api")
    for _ in range(2):
        with pytest.raises(AirbyteSettingsError, match="One answers at"):
            list(client.finished_jobs(airbyte.now, TimeBudget(40)))


def test_a_path_in_front_is_found_by_that_of_the_public_api() -> None:
    assert likely_addresses("https://a.test/api/v1", "https://a.test/air/api/public/v1") == [
        "https://a.test/air/api/v1"
    ]


@pytest.mark.parametrize(
    ("configuration", "rest"),
    [
        ("https://a.test/api/v1", "https://a.test/api/public/v1"),
        ("https://a.test/air/api/v1", "https://a.test/air/api/public/v1"),
        ("https://a.test/api/v1", "https://other.test/air/api/public/v1"),
    ],
)
def test_an_address_that_looks_right_is_not_doubted(configuration: str, rest: str) -> None:
    assert likely_addresses(configuration, rest) == []


@pytest.mark.parametrize("path", ["", "/api", "/api/v2", "/ui/x", "/air/api", "/api/v1/jobs"])
def test_no_other_host_is_ever_tried_and_few_addresses(path: str) -> None:
    found = likely_addresses(f"https://a.test{path}", "https://other.test/x/api/public/v1")
    assert 0 < len(found) <= 4
    assert all(address.startswith("https://a.test/") for address in found)


def test_an_address_that_once_worked_is_not_doubted(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    now = 1000.0
    airbyte.add_connection("shop")
    client = AirbyteClient(connect(airbyte).settings, clock=lambda: now)
    client.catalog()
    airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)
    with pytest.raises(AirbyteForbidden):
        client.catalog(TimeBudget(40), fresh=True)
    now += 121
    assert client.catalog(TimeBudget(40), fresh=True).read_from == "public"
    assert INSTANCE not in paths(airbyte)


# For a moment


@closed_by
def test_a_moments_refusal_changes_no_definitions(
    airbyte: AirbyteSimulator, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    airbyte.add_connection("shop", ["orders"])
    usual: dict[str, Any] = {**airbyte.workspace_config(), "request_retry_delay": 0.001}
    before = load_airbyte_asset_specs(AirbyteWorkspace(**usual, catalog_ttl=1))
    airbyte.add_fault(fault, path="/api/v1/", times=3)
    after = load_airbyte_asset_specs(AirbyteWorkspace(**usual, catalog_ttl=2))
    changing = "dagster-airbyte/catalog_read_at"
    assert [
        (spec.key, {k: v for k, v in spec.metadata.items() if k != changing}) for spec in after
    ] == [(spec.key, {k: v for k, v in spec.metadata.items() if k != changing}) for spec in before]
    assert warnings_of(caplog) == []


def test_definitions_wait_a_few_seconds_in_all(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop")
    waits: list[float] = []
    client = AirbyteClient(AirbyteSettings(**airbyte.workspace_config()), sleep=waits.append)
    airbyte.add_fault(Fault.status(404), path=LIST, times=None)
    assert client.catalog().read_from == "public"
    assert waits == [1, 2]
    client.catalog(fresh=True)
    assert waits == [1, 2]


def test_a_tick_does_not_wait(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop")
    waits: list[float] = []
    client = AirbyteClient(AirbyteSettings(**airbyte.workspace_config()), sleep=waits.append)
    airbyte.add_fault(Fault.status(404), path=LIST, times=None)
    client.catalog(TimeBudget(40))
    assert waits == []
    assert paths(airbyte).count(LIST) == 1


def test_a_wrong_workspace_is_not_waited_for(airbyte: AirbyteSimulator) -> None:
    waits: list[float] = []
    given: dict[str, Any] = {
        **airbyte.workspace_config(),
        "workspace_id": "00000000-0000-0000-0000-000000000000",
    }
    with pytest.raises(AirbyteSettingsError, match="Check workspace_id"):
        AirbyteClient(AirbyteSettings(**given), sleep=waits.append).catalog()
    assert waits == []
