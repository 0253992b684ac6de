"""An answer that comes drop by drop: a timeout of requests never ends it, a time budget does."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteSettings, OutOfTime
from dagster_airbyte_sync.resources.errors import NoAnswer
from dagster_airbyte_sync.resources.http import transport as http_module
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.transport import Call, Http
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault
from helpers.raw_servers import Speak, repeating, saying, speaking

MakeSettings = Callable[..., AirbyteSettings]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
# A timeout for each wait alone never ends these.
ENDLESS: dict[str, Speak] = {
    "status line": repeating(b"1", 0.05, b"HTTP/1.1 200 "),
    "header line": repeating(b"x", 0.05, HEAD + b"X-Slow: "),
    "header lines": repeating(b"X-Slow: 1\r\n", 0.05, HEAD),
    "continue": repeating(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
    "continue, at once": repeating(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0.0),
    "header of continue": repeating(b"X-Slow: 1\r\n", 0.05, b"HTTP/1.1 100 Continue\r\n"),
    "body": repeating(b" ", 0.05, HEAD + b"Content-Length: 10000\r\n\r\n"),
    "body without a length": repeating(b" ", 0.05, HEAD + b"\r\n"),
    "chunk line": repeating(b"x", 0.05, CHUNKED + b"2;"),
    "chunks": repeating(b"1\r\n \r\n", 0.05, CHUNKED),
    "trailer": repeating(b"X-Slow: 1\r\n", 0.01, CHUNKED + b"2\r\n{}\r\n0\r\n"),
    "refusal": repeating(b" ", 0.05, b"HTTP/1.1 500 No\r\nContent-Length: 10000\r\n\r\n"),
}
endless = pytest.mark.parametrize("speak", ENDLESS.values(), ids=ENDLESS)


@endless
def test_it_is_read_no_longer_than_the_budget(speak: Speak, settings: MakeSettings) -> None:
    with speaking(speak) as url:
        http = Http(settings(configuration_api_base_url=url, request_timeout=30))
        begun = time.monotonic()
        with pytest.raises(OutOfTime, match="came too slowly"):
            http.send(Call("GET", f"{url}/health"), TimeBudget(0.6))
        assert 0.5 < time.monotonic() - begun < 3


@endless
def test_without_a_budget_it_is_read_no_longer_than_any_answer_takes(
    speak: Speak, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "_LONGEST_ANSWER", 0.6)
    with speaking(speak) as url:
        made = settings(request_timeout=0.3, request_max_retries=0)
        begun = time.monotonic()
        with pytest.raises(NoAnswer, match="came too slowly") as failed:
            Http(made).send(Call("GET", f"{url}/health"))
        assert 0.5 < time.monotonic() - begun < 3
    assert not failed.value.did_nothing


def test_a_proxy_that_is_slow_to_connect_is_no_way_out(settings: MakeSettings) -> None:
    with speaking(ENDLESS["header lines"]) as proxy:
        made = settings(proxies=(("https", proxy),), request_timeout=30)
        begun = time.monotonic()
        with pytest.raises(OutOfTime):
            Http(made).send(Call("GET", "https://airbyte.test/health"), TimeBudget(0.6))
        assert time.monotonic() - begun < 3


FAULTS = [
    Fault.drip_headers(),
    Fault.drip_body(),
    Fault.drip_chunk_line(),
    Fault.endless_continue(),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_simulator_can_be_as_slow(
    airbyte: AirbyteSimulator, connect: Callable[..., AirbyteClient], fault: Fault
) -> None:
    client = connect(airbyte)
    client.check_workspace()
    airbyte.add_fault(fault, path="/workspaces/", times=None)
    with pytest.raises(OutOfTime, match="came too slowly"):
        client.check_workspace(TimeBudget(0.6))
    airbyte.clear_faults()
    client.check_workspace(TimeBudget(5))


def test_a_server_that_says_nothing_is_not_called_slow(settings: MakeSettings) -> None:
    with speaking(repeating(b"", 5)) as url:
        http = Http(settings(request_timeout=30))
        with pytest.raises(OutOfTime, match=r"no answer within 0\.[56]"):
            http.send(Call("GET", f"{url}/health"), TimeBudget(0.6))


def test_an_answer_that_is_slow_and_in_time_is_read(settings: MakeSettings) -> None:
    head = (b"HTTP/1.1 100 Continue\r\n\r\n", HEAD, b"X-A: 1\r\nContent-Length: 2\r\n\r\n")
    with speaking(saying(*head, b"{", b"}", wait=0.1)) as url:
        http = Http(settings(request_timeout=0.4))
        assert http.send(Call("GET", f"{url}/health"), TimeBudget(5)) == {}


def test_each_thread_has_its_own_deadline_and_none_leaves_a_thread(
    airbyte: AirbyteSimulator, connect: Callable[..., AirbyteClient]
) -> None:
    client = connect(airbyte)
    client.check_workspace()
    airbyte.add_fault(Fault.slow(1.2), path="/workspaces/", times=None)
    before = threading.active_count()

    def ask(budget: float) -> str:
        try:
            client.check_workspace(TimeBudget(budget))
        except OutOfTime:
            return "late"
        return "in time"

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, (0.7, 9, 0.7, 9))) == ["late", "in time", "late", "in time"]
    airbyte.clear_faults()
    # The simulator has a thread for each connection that is kept.
    assert threading.active_count() <= before + 4


def test_a_budget_of_one_request_does_not_shorten_the_next_on_the_same_connection(
    airbyte: AirbyteSimulator, connect: Callable[..., AirbyteClient]
) -> None:
    client = connect(airbyte)
    client.check_workspace(TimeBudget(0.7))
    airbyte.add_fault(Fault.slow(1.2), path="/workspaces/", times=1)
    client.check_workspace()
    assert [request.path.split("/")[4] for request in airbyte.requests[-2:]] == ["workspaces"] * 2


@pytest.mark.parametrize("is_chunked", [False, True], ids=["with a length", "in chunks"])
def test_one_that_is_read_to_its_end_leaves_the_connection_for_the_next(
    settings: Callable[..., AirbyteSettings], is_chunked: bool
) -> None:
    connections = []

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            connections.append(self.client_address)

        def do_GET(self) -> None:
            self.send_response(200)
            if is_chunked:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"2\r\n{}\r\n0\r\n\r\n" if is_chunked else b"{}")

        def log_message(self, *_: object) -> None:
            """Nothing: the test's output is enough."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/api/v1"
        http = Http(settings(configuration_api_base_url=url))
        answers = [http.send(Call("GET", f"{url}/health")) for _ in range(3)]
        server.shutdown()

    assert answers == [{}, {}, {}]
    assert len(connections) == 1
