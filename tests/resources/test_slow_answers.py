"""An answer that comes drop by drop: a timeout of requests never ends it, a time budget does."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dagster_airbyte_sync.resources import AirbyteSettings, OutOfTime
from dagster_airbyte_sync.resources.budget import TimeBudget
from dagster_airbyte_sync.resources.http import Call, Http

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n"


@pytest.fixture
def dripping() -> Iterator[str]:
    """The address of a server that sends a byte of its answer every tenth of a second."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        is_over = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(10_000)
                connection.sendall(HEAD)
                while not is_over.wait(0.1):
                    connection.sendall(b" ")

        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/api/v1"
        is_over.set()
        thread.join()


def test_it_is_read_no_longer_than_the_budget(
    dripping: str, settings: Callable[..., AirbyteSettings]
) -> None:
    http = Http(settings(configuration_api_base_url=dripping, request_timeout=30))
    begun = time.monotonic()
    with pytest.raises(OutOfTime, match="came too slowly"):
        http.send(Call("GET", f"{dripping}/health"), TimeBudget(1.5))
    assert time.monotonic() - begun < 10


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
