"""What lies between a client and a server: TLS, and an HTTP proxy. Real sockets on loopback."""

import base64
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import takewhile
from urllib.parse import urlsplit

Address = tuple[str, int]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True


@contextmanager
def _serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[Address]:
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield "127.0.0.1", server.server_address[1]
        server.shutdown()
        thread.join()


def address_of(url: str) -> Address:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


@contextmanager
def tls_front(server: Address, context: ssl.SSLContext) -> Iterator[Address]:
    """An address that speaks TLS and passes on to a server that does not."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # A client that does not trust the certificate hangs up.
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as inside,
                socket.create_connection(server) as outside,
            ):
                _pump(inside, outside)

    with _serving(Handler) as address:
        yield address


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Pass on what either says, until one has said all."""
    while True:
        for ready in _readable(one, other):
            said = ready.recv(65536)
            if not said:
                return
            (other if ready is one else one).sendall(said)


def _readable(*sockets: socket.socket) -> list[socket.socket]:
    # What TLS has decrypted already is no news to select.
    waiting = [one for one in sockets if isinstance(one, ssl.SSLSocket) and one.pending()]
    ready: list[socket.socket] = [*waiting] or select.select(sockets, [], [])[0]
    return ready


@dataclass
class Proxy:
    """A running HTTP proxy: its address, and what it was asked for, in order."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def http_proxy(
    hosts: Mapping[str, Address] | None = None, user: tuple[str, str] | None = None
) -> Iterator[Proxy]:
    """A proxy for http (absolute addresses) and https (CONNECT).

    `hosts` says where the ones of these names are; `user` is the name and password it wants.
    """
    proxy = Proxy("")
    wanted = f"Basic {base64.b64encode(':'.join(user).encode()).decode()}" if user else None

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while line := self.rfile.readline().decode("latin-1").strip():
                method, target, _ = line.split(" ")
                head = list(iter(lambda: self.rfile.readline().decode("latin-1").strip(), ""))
                proxy.asked.append(f"{method} {target}")
                if wanted and f"Proxy-Authorization: {wanted}" not in head:
                    self._say("407 Proxy Authentication Required")
                    return
                if method == "CONNECT":
                    self._tunnel(target)
                    return
                if not self._forward(method, target, head):
                    return

        def _say(self, status: str) -> None:
            self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

        def _tunnel(self, target: str) -> None:
            name, port = target.split(":")
            with suppress(OSError), _dial(hosts, name, int(port)) as outside:
                self._say("200 Connection established")
                _pump(self.connection, outside)

        def _forward(self, method: str, target: str, head: list[str]) -> bool:
            """Whether there was an answer to pass on."""
            parts = urlsplit(target)
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            headers = dict(line.split(": ", 1) for line in head)
            body = self.rfile.read(int(headers.get("Content-Length", 0)))
            kept = [line for line in head if not line.startswith(("Proxy-", "Connection"))]
            said = "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""])
            with _dial(hosts, parts.hostname or "", parts.port or 80) as outside:
                outside.sendall(said.encode("latin-1") + body)
                answer = _answer(outside)
            self.wfile.write(answer)
            return bool(answer)

    with _serving(Handler) as (host, port):
        proxy.url = f"http://{host}:{port}"
        yield proxy


def _dial(hosts: Mapping[str, Address] | None, name: str, port: int) -> socket.socket:
    return socket.create_connection((hosts or {}).get(name, (name, port)))


def _answer(server: socket.socket) -> bytes:
    """One answer with a Content-Length, as the simulator's all have; nothing if it hangs up."""
    with server.makefile("rb") as said:
        head = list(takewhile(b"\r\n".__ne__, iter(said.readline, b"")))
        lengths = [line for line in head if line.lower().startswith(b"content-length:")]
        if not lengths:
            return b""
        body = said.read(int(lengths[0].split(b":")[1]))
    return b"".join(head) + b"\r\n" + body
