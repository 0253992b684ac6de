"""Servers that speak no HTTP of their own: what they say is what a test writes."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# Seconds: a client that would wait for ever fails its test, and does not hang in it.
_WITHOUT_END = 6.0

# Says something to a client whose request has come, and asks whether the test is over.
Speak = Callable[[socket.socket, threading.Event], None]


@contextmanager
def speaking(speak: Speak) -> Iterator[str]:
    """The address of a server that reads a request of each client and then speaks."""
    is_over = threading.Event()
    threads: list[threading.Thread] = []

    def serve(client: socket.socket) -> None:
        # A client may hang up.
        with client, suppress(OSError):
            client.recv(65_536)
            speak(client, is_over)

    def accept() -> None:
        while not is_over.is_set():
            with suppress(OSError):
                client, _ = server.accept()
                threads.append(threading.Thread(target=serve, args=(client,)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/api/v1"
        finally:
            is_over.set()
            for thread in (acceptor, *threads):
                thread.join()


def repeating(piece: bytes, every: float, first: bytes = b"") -> Speak:
    """Says the first thing, and then the same again and again, longer than any test waits."""

    def speak(client: socket.socket, is_over: threading.Event) -> None:
        end = time.monotonic() + _WITHOUT_END
        client.sendall(first)
        while not is_over.wait(every) and time.monotonic() < end:
            client.sendall(piece)

    return speak


def saying(*pieces: bytes, wait: float = 0.0) -> Speak:
    """Says these one after the other, and hangs up."""

    def speak(client: socket.socket, is_over: threading.Event) -> None:
        for piece in pieces:
            client.sendall(piece)
            is_over.wait(wait)

    return speak
