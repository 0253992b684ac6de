"""Ends an answer at a given moment, however slowly it comes: status, headers, chunks and body.

A timeout of requests is for each wait alone, so a server that sends a byte now and then never trips
it. Here each wait is cut to the time left, where http.client reads from the socket: so it holds for
all that it reads, also for rows of `100 Continue` and a proxy's answer to CONNECT.
"""

import http.client
import io
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, PoolManager


class Deadline:
    """The moment at which an answer must have ended. `has_begun`: some of it has come."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self.has_begun = False

    @property
    def left(self) -> float:
        """Seconds; negative afterwards."""
        return self._end - self._clock()

    @property
    def is_over(self) -> bool:
        return self.left <= 0


_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def answered_by(deadline: Deadline) -> Iterator[None]:
    """Requests of this thread through a TimedAdapter are answered by the deadline, or time out."""
    before = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(before)


class _ReadUntil(io.RawIOBase):
    """Reads from a socket until the deadline; then it times out."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:
        left, usual = self._deadline.left, self._sock.gettimeout()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left if usual is None else min(left, usual))
        length = self._raw.readinto(buffer)
        # The connection may serve another request.
        self._sock.settimeout(usual)
        if length:
            self._deadline.has_begun = True
        return length

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        deadline = _deadline.get()
        if deadline is not None:
            self.fp = io.BufferedReader(_ReadUntil(self.fp.detach(), sock, deadline))


class TimedAdapter(HTTPAdapter):
    """An HTTPAdapter, also for proxies, whose connections keep to `answered_by`."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _time(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        _time(manager)
        return manager


def _time(manager: PoolManager) -> None:
    # Each kind of proxy has pools of its own.
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _timed(pool) for scheme, pool in pools.items()}


@cache
def _timed(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    connection = pool.ConnectionCls
    if getattr(connection, "response_class", None) is _TimedResponse:
        return pool
    timed = type(connection.__name__, (connection,), {"response_class": _TimedResponse})
    return type(pool.__name__, (pool,), {"ConnectionCls": timed})
