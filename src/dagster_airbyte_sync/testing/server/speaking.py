"""How an answer goes over the wire where that is no honest way."""

import gzip
import threading
from collections.abc import Callable, Iterable, Iterator

from werkzeug.wrappers import Response

Delivery = Callable[[bytes, bytes], Iterable[bytes]]
"""What is sent, piece by piece, for an answer's head and body."""

_MEGABYTE = 1_048_576


class OnTheWire(Exception):
    """Raised if an answer is to be sent in pieces, `pause` real seconds after each."""

    def __init__(self, head: bytes, body: bytes, delivery: Delivery, pause: float) -> None:
        super().__init__()
        self._pieces = delivery(head, body)
        self._pause = pause

    def send(self, write: Callable[[bytes], object], closing: threading.Event) -> bool:
        """Whether all was sent before the client hung up or the simulator stopped."""
        for piece in self._pieces:
            try:
                write(piece)
            except OSError:
                return False
            if closing.wait(self._pause):
                return False
        return True


def head_of(response: Response, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def dripped_head(head: bytes, body: bytes) -> Iterator[bytes]:
    yield from _each(head)
    yield body


def dripped_body(head: bytes, body: bytes) -> Iterator[bytes]:
    yield head
    yield from _each(body)


def endless_chunk_line(head: bytes, body: bytes) -> Iterator[bytes]:
    """What follows the size of a chunk, after a semicolon, means nothing to a client."""
    kept = (line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length"))
    yield b"\r\n".join(kept).replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    yield b"%x;" % len(body)
    while True:
        yield b"x"


def endless_continue(head: bytes, body: bytes) -> Iterator[bytes]:
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n"


def _each(content: bytes) -> Iterator[bytes]:
    return (content[place : place + 1] for place in range(len(content)))


def packed(content: bytes, megabytes: int = 0) -> bytes:
    """The content in gzip, followed by so many megabytes of white space."""
    return gzip.compress(content) + gzip.compress(b" " * _MEGABYTE) * megabytes
