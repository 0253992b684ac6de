"""The server's own life."""

import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest
import requests
from werkzeug.routing import Rule

import dagster_airbyte_sync.testing as testing
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    RecordedRequest,
    SimulatedClock,
    SimulatedConnection,
    SimulatorError,
)
from helpers.simulated import Client


def test_it_listens_only_inside_the_with_statement() -> None:
    with AirbyteSimulator(auth="none") as airbyte:
        url = airbyte.rest_api_base_url
        assert url.startswith("http://127.0.0.1:")
        assert requests.get(f"{url}/workspaces", timeout=5).ok
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/workspaces", timeout=5)
    with pytest.raises(SimulatorError, match="with statement"):
        assert airbyte.url


def test_each_answers_for_itself_though_their_routes_are_compiled_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Tests start one each, and to compile the routes takes longer than most of them."""
    AirbyteSimulator()
    monkeypatch.setattr(Rule, "compile", lambda rule: pytest.fail(f"compiled again: {rule}"))

    with AirbyteSimulator(auth="none") as one, AirbyteSimulator(auth="none") as other:
        one.add_connection("shop")
        other.add_connection("crm")

        assert [names_of_connections(each) for each in (one, other)] == [["shop"], ["crm"]]


def names_of_connections(airbyte: AirbyteSimulator) -> list[str]:
    answered = requests.get(f"{airbyte.rest_api_base_url}/connections", timeout=5).json()
    return [each["name"] for each in answered["data"]]


def test_what_it_holds_survives_a_restart() -> None:
    airbyte = AirbyteSimulator(auth="none")
    airbyte.add_connection("shop")
    for _ in range(2):
        with airbyte:
            url = f"{airbyte.rest_api_base_url}/connections"
            assert len(requests.get(url, timeout=5).json()["data"]) == 1
    with airbyte, pytest.raises(SimulatorError, match="started already"):
        airbyte.start()


def test_connections_are_kept_alive_and_closed_with_the_server() -> None:
    threads = threading.active_count()
    with requests.Session() as session, AirbyteSimulator(auth="none") as airbyte:
        for _ in range(5):
            answer = session.get(f"{airbyte.rest_api_base_url}/jobs", timeout=5)
            assert answer.raw.version == 11
            assert "Connection" not in answer.headers
        started = threading.active_count() - threads
        airbyte.stop()
        assert started == 2
        assert threading.active_count() == threads


def test_a_port_may_be_chosen() -> None:
    with AirbyteSimulator() as first:
        port = int(first.url.rpartition(":")[2])
    with AirbyteSimulator(port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}"


def test_the_date_of_an_answer_is_the_simulated_one(client: Client) -> None:
    client.airbyte.advance(timedelta(days=40))
    answer = client.get("/jobs")
    assert parsedate_to_datetime(answer.headers["Date"]) == client.airbyte.now


def test_a_hundred_requests_take_no_time(airbyte: AirbyteSimulator) -> None:
    """Nagle's algorithm would make it 40 ms each."""
    with requests.Session() as session:
        start = time.perf_counter()
        for _ in range(100):
            session.get(f"{airbyte.rest_api_base_url}/health", timeout=5)
        assert time.perf_counter() - start < 2


def test_latency_is_real_time() -> None:
    with AirbyteSimulator(auth="none", latency=0.1) as airbyte:
        start = time.perf_counter()
        requests.get(f"{airbyte.rest_api_base_url}/jobs", timeout=5)
        assert time.perf_counter() - start >= 0.1


def test_requests_and_answers_are_recorded(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    client.get("/jobs?status=failed&workspaceIds=&limit=5")
    body = {"connectionId": shop.connection_id, "jobType": "sync"}
    client.post("/jobs", body)
    token, listing, start = airbyte.requests
    assert (token.method, token.path) == ("POST", "/api/public/v1/applications/token")
    assert listing.query == {"status": ["failed"], "workspaceIds": [""], "limit": ["5"]}
    assert listing.headers["Authorization"].startswith("Bearer ")
    assert (listing.body, start.body) == (None, body)
    assert [exchange.request for exchange in airbyte.exchanges] == airbyte.requests
    assert [exchange.status for exchange in airbyte.exchanges] == [200, 200, 200]
    airbyte.forget_requests()
    assert (airbyte.requests, airbyte.exchanges) == ([], [])


def test_who_listens_to_requests_may_change_things_between_two_pages(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    client.token()

    def meanwhile(request: RecordedRequest) -> None:
        airbyte.run_sync(shop)

    airbyte.on_request(meanwhile)
    assert [len(client.jobs()) for _ in range(3)] == [1, 2, 3]


def test_many_clients_at_once(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    """One of them may start a sync, the others are reported that it runs."""
    client, codes = Client(airbyte), list[int]()
    body = {"connectionId": shop.connection_id, "jobType": "sync"}
    client.token()
    clients = [
        threading.Thread(target=lambda: codes.append(client.post("/jobs", body).status_code))
        for _ in range(20)
    ]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    assert sorted(codes) == [200] + [409] * 19


def test_settings_for_a_workspace(airbyte: AirbyteSimulator) -> None:
    assert airbyte.workspace_config() == {
        "rest_api_base_url": f"{airbyte.url}/api/public/v1",
        "configuration_api_base_url": f"{airbyte.url}/api/v1",
        "workspace_id": airbyte.workspace_id,
        "client_id": airbyte.client_id,
        "client_secret": airbyte.client_secret,
    }


def test_the_clock_starts_at_the_same_moment_on_every_day() -> None:
    assert AirbyteSimulator().now == datetime(2026, 1, 15, 12, tzinfo=timezone.utc)


def test_a_clock_only_goes_forward_and_knows_its_zone(airbyte: AirbyteSimulator) -> None:
    with pytest.raises(SimulatorError, match="cannot go back"):
        airbyte.advance(-1)
    with pytest.raises(SimulatorError, match="no time zone"):
        SimulatedClock(airbyte.now.replace(tzinfo=None))


def test_public_names_are_all_there() -> None:
    assert testing.__all__ == sorted(testing.__all__)
    assert all(hasattr(testing, name) for name in testing.__all__)


def test_without_flask_the_import_says_what_to_install() -> None:
    program = "import sys; sys.modules['flask'] = None; import dagster_airbyte_sync.testing"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "ImportError: " in done.stderr
    assert "pip install 'dagster-airbyte-sync[testing]'" in done.stderr


def test_the_simulator_needs_nothing_else_of_this_package() -> None:
    """What it imitates must not be what it is tested with."""
    program = (
        "import sys; import dagster_airbyte_sync; before = set(sys.modules);"
        "import dagster_airbyte_sync.testing;"
        "print([n for n in set(sys.modules) - before if n.startswith(('dagster_airbyte_sync',"
        " 'dagster')) and not n.startswith('dagster_airbyte_sync.testing')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_link_to_a_job_leads_to_a_page_that_needs_no_token() -> None:
    with AirbyteSimulator() as airbyte:
        answer = requests.get(f"{airbyte.url}/workspaces/w/connections/c/timeline?jobId=9")

    assert answer.status_code == 200
    assert "job 9" in answer.text
