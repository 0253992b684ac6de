"""The HTTP server: real sockets on loopback."""

import socket
import threading
from typing import TYPE_CHECKING, TypeAlias

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.server.speaking import OnTheWire

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


_Request: TypeAlias = "socket.socket | tuple[bytes, socket.socket]"


class Dropped(Exception):
    """Raised if a connection is to be closed without an answer."""


class _Handler(WSGIRequestHandler):
    """Keeps connections open between requests, and keeps quiet."""

    server: "_Server"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer one request; Werkzeug's own would then close the connection."""
        try:
            response = Response.from_app(self.server.app, self.make_environ(), buffered=True)
        except Dropped:
            self.close_connection = True
            return
        except OnTheWire as wire:
            self.close_connection = not wire.send(self.wfile.write, self.server.closing)
            return
        self.send_response_only(response.status_code)
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else response.get_data())

    def log(self, type: str, message: str, *args: object) -> None:
        return None


class _Server(ThreadedWSGIServer):
    """Remembers its open connections, so that it can close those that clients keep alive."""

    daemon_threads = False

    def __init__(self, port: int, app: "WSGIApplication") -> None:
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        self.closing = threading.Event()
        super().__init__("127.0.0.1", port, app, handler=_Handler)

    def process_request(self, request: _Request, client_address: object) -> None:
        with self._guard:
            self._connections.add(_socket(request))
        super().process_request(request, client_address)

    def close_request(self, request: _Request) -> None:
        with self._guard:
            self._connections.discard(_socket(request))
        super().close_request(request)

    def server_close(self) -> None:
        """Waits for the threads of all connections, so these are closed first."""
        self.closing.set()
        with self._guard:
            for connection in self._connections:
                _hang_up(connection)
        super().server_close()


class Server:
    """A server in a thread of its own."""

    def __init__(self, port: int, app: "WSGIApplication") -> None:
        self._server = _Server(port, app)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.url = f"http://127.0.0.1:{self._server.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()


def _socket(request: _Request) -> socket.socket:
    """A stream server's requests are sockets; only those of a datagram server are pairs."""
    assert isinstance(request, socket.socket)
    return request


def _hang_up(connection: socket.socket) -> None:
    """Close a connection under the hands of whoever reads from it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The client was faster.
        return
