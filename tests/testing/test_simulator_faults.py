"""What goes wrong on the way."""

import threading
import time

import pytest
import requests

from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection
from helpers.simulated import Client


def test_a_status_instead_of_an_answer(airbyte: AirbyteSimulator, client: Client) -> None:
    airbyte.add_fault(Fault.status(502), path="/jobs")
    assert [client.get("/jobs").status_code for _ in range(2)] == [502, 200]


def test_a_status_with_a_body_and_headers_of_its_own(
    airbyte: AirbyteSimulator, client: Client
) -> None:
    airbyte.add_fault(Fault.status(503, "down", {"X-Proxy": "yes"}), path="/jobs")
    airbyte.add_fault(Fault.status(500, {"errorId": "x"}), path="/jobs")
    down, broken = client.get("/jobs"), client.get("/jobs")
    assert (down.text, down.headers["X-Proxy"], broken.json()) == ("down", "yes", {"errorId": "x"})


def test_rate_limits_with_and_without_a_hint(airbyte: AirbyteSimulator, client: Client) -> None:
    airbyte.add_fault(Fault.rate_limited(), path="/jobs")
    airbyte.add_fault(Fault.rate_limited(retry_after=7), path="/jobs")
    first, second = client.get("/jobs"), client.get("/jobs")
    assert first.json() == {"message": "You are being rate limited."}
    assert "Retry-After" not in first.headers
    assert (second.status_code, second.headers["Retry-After"]) == (429, "7")


def test_a_page_of_html(airbyte: AirbyteSimulator, client: Client) -> None:
    airbyte.add_fault(Fault.html(), path="/jobs")
    page = client.get("/jobs")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    with pytest.raises(requests.JSONDecodeError):
        page.json()


def test_half_of_an_answer(airbyte: AirbyteSimulator, client: Client) -> None:
    airbyte.add_fault(Fault.half_json(), path="/jobs")
    half, whole = client.get("/jobs"), client.get("/jobs")
    assert half.status_code == 200
    assert whole.text.startswith(half.text)
    with pytest.raises(requests.JSONDecodeError):
        half.json()


def test_a_slow_answer(airbyte: AirbyteSimulator, client: Client) -> None:
    client.token()
    airbyte.add_fault(Fault.slow(0.2))
    start = time.perf_counter()
    assert client.get("/jobs").ok
    assert time.perf_counter() - start >= 0.2


def test_the_simulator_does_not_wait_for_slow_answers_in_the_end() -> None:
    start = time.perf_counter()
    with AirbyteSimulator(auth="none") as airbyte:
        airbyte.add_fault(Fault.slow(60))
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{airbyte.rest_api_base_url}/jobs", timeout=0.2)
    assert time.perf_counter() - start < 5


def test_an_unauthorized_answer(airbyte: AirbyteSimulator, client: Client) -> None:
    airbyte.add_fault(Fault.unauthorized(), path="/jobs")
    assert [client.get("/jobs").status_code for _ in range(2)] == [401, 200]


@pytest.mark.parametrize(("carried_out", "jobs"), [(False, 0), (True, 1)])
def test_a_connection_closed_before_or_after_the_request_is_carried_out(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    client: Client,
    carried_out: bool,
    jobs: int,
) -> None:
    airbyte.add_fault(Fault.drop_after() if carried_out else Fault.drop(), method="post", path="/j")
    with pytest.raises(requests.ConnectionError):
        client.post("/jobs", {"connectionId": shop.connection_id, "jobType": "sync"})
    assert len(airbyte.jobs) == jobs
    assert [request.path for request in airbyte.requests][-1] == "/api/public/v1/jobs"
    assert [exchange.request.path for exchange in airbyte.exchanges] == [
        "/api/public/v1/applications/token"
    ]


def test_a_fault_may_wait_hit_for_ever_and_be_cleared(
    airbyte: AirbyteSimulator, client: Client
) -> None:
    airbyte.add_fault(Fault.status(500), path="/jobs", times=None, after=2)
    assert [client.get("/jobs").status_code for _ in range(5)] == [200, 200, 500, 500, 500]
    assert client.get("/connections").status_code == 200
    airbyte.clear_faults()
    assert client.get("/jobs").status_code == 200


def test_a_fault_may_hit_several_times_and_only_one_method(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client
) -> None:
    airbyte.add_fault(Fault.status(500), path="/jobs", method="POST", times=2)
    body = {"connectionId": shop.connection_id, "jobType": "sync"}
    assert client.get("/jobs").status_code == 200
    assert [client.post("/jobs", body).status_code for _ in range(3)] == [500, 500, 200]


@pytest.mark.parametrize("fault", [Fault.drip_headers(0.001), Fault.drip_body(0.001)])
def test_an_answer_drop_by_drop_is_honest_in_the_end(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, client: Client, fault: Fault
) -> None:
    whole = client.get("/connections")
    airbyte.add_fault(fault, path="/connections")
    start = time.perf_counter()
    dripped = client.get("/connections")
    assert time.perf_counter() - start > 0.1
    assert (dripped.status_code, dripped.json()) == (200, whole.json())


@pytest.mark.parametrize("fault", [Fault.drip_chunk_line(0.01), Fault.endless_continue(0.01)])
def test_an_answer_without_end_ends_with_the_simulator(fault: Fault) -> None:
    def ask(url: str) -> None:
        with pytest.raises(requests.RequestException):
            requests.get(f"{url}/jobs", timeout=30)

    with AirbyteSimulator(auth="none") as airbyte:
        arrived = threading.Event()
        airbyte.on_request(lambda _: arrived.set())
        airbyte.add_fault(fault)
        waiting = threading.Thread(target=ask, args=(airbyte.rest_api_base_url,))
        waiting.start()
        assert arrived.wait(10)
    waiting.join(10)
    assert not waiting.is_alive()


def test_a_wrong_charset_spoils_what_believes_it(airbyte: AirbyteSimulator, client: Client) -> None:
    airbyte.add_connection("Straße")
    airbyte.add_fault(Fault.wrong_charset(), path="/connections")
    answer = client.get("/connections")
    assert answer.headers["Content-Type"] == "application/json; charset=ISO-8859-1"
    assert "StraÃ\x9fe" in answer.text
    assert "Straße" in answer.content.decode()


def test_a_packed_answer_and_one_that_fills_the_memory(
    airbyte: AirbyteSimulator, client: Client
) -> None:
    airbyte.add_fault(Fault.gzipped(), path="/jobs")
    airbyte.add_fault(Fault.gzip_bomb(3), path="/jobs")
    packed, bomb, plain = (client.get("/jobs") for _ in range(3))
    assert packed.headers["Content-Encoding"] == bomb.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content
    assert bomb.json() == plain.json()
    assert int(bomb.headers["Content-Length"]) < 10_000 < 3_000_000 < len(bomb.content)
