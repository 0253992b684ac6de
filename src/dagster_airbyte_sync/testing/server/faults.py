"""What can go wrong between a client and Airbyte."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.server import speaking as wire
from dagster_airbyte_sync.testing.server.recording import RecordedRequest
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.payload import JsonObject

Carry = Callable[[], Response]
"""Has the request carried out, and returns the honest answer."""

_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>"


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with a request. Use one of the methods, or build your own.

    Args:
        name: Its name, for messages.
        answer: Returns what to send. If it returns None, the connection is closed instead.
        delay: How long to wait before it, in real seconds.
        delivery: How the answer goes over the wire, in pieces. Default: as usual.
        pause: How long to wait after each piece, in real seconds.
    """

    name: str
    answer: Callable[[Carry], Response | None] = field(repr=False)
    delay: float = 0.0
    delivery: wire.Delivery | None = field(default=None, repr=False)
    pause: float = 0.0

    @staticmethod
    def status(
        code: int,
        body: JsonObject | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "Fault":
        """Refuse with this HTTP status; the request is not carried out."""
        return Fault(f"status({code})", lambda _: _refusal(code, body, headers))

    @staticmethod
    def rate_limited(retry_after: int | None = None) -> "Fault":
        """Answer 429. Airbyte itself sends no Retry-After; a gateway in front of it may."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        body = {"message": "You are being rate limited."}
        return Fault("rate_limited", lambda _: _refusal(429, body, headers))

    @staticmethod
    def unauthorized() -> "Fault":
        """Answer 401, as if the token had just expired."""
        return Fault("unauthorized", lambda _: problems.unauthorized())

    @staticmethod
    def html() -> "Fault":
        """Answer 200 with a sign-in page."""
        return Fault("html", lambda _: Response(_PAGE, 200, mimetype="text/html"))

    @staticmethod
    def blocked(code: int = 403) -> "Fault":
        """Answer with the page of a gateway or reverse proxy that blocks an address."""
        page = f"<html><head><title>{code}</title></head><body><h1>{code}</h1>nginx</body></html>"
        return Fault(f"blocked({code})", lambda _: Response(page, code, mimetype="text/html"))

    @staticmethod
    def half_json() -> "Fault":
        """Carry out the request and answer with its status, but only half of the body."""
        return Fault("half_json", lambda carry: _halved(carry()))

    @staticmethod
    def slow(seconds: float) -> "Fault":
        """Answer correctly, but only after this many real seconds."""
        return Fault(f"slow({seconds})", lambda carry: carry(), delay=seconds)

    @staticmethod
    def drop() -> "Fault":
        """Close the connection without an answer; the request is not carried out."""
        return Fault("drop", lambda _: None)

    @staticmethod
    def drop_after() -> "Fault":
        """Carry out the request, then close the connection, so that the client does not know."""
        return Fault("drop_after", lambda carry: _forget(carry()))

    @staticmethod
    def gateway_timeout() -> "Fault":
        """Carry out the request, but answer 504, as a gateway that has waited long enough."""

        def lost(carry: Carry) -> Response:
            carry()
            return Response("upstream request timeout", 504, mimetype="text/plain")

        return Fault("gateway_timeout", lost)

    @staticmethod
    def long_lists(rows: int) -> "Fault":
        """Answer 504 to each request for a list that would have more rows than this."""
        return Fault(
            f"long_lists({rows})",
            lambda carry: _lost_if(lambda listed: len(listed) > rows, carry(), 504),
        )

    @staticmethod
    def slow_lists(seconds: float) -> "Fault":
        """Answer correctly, but only after this many real seconds for each row of a list."""

        def slow(carry: Carry) -> Response:
            response = carry()
            time.sleep(seconds * len(_listed(response)))
            return response

        return Fault(f"slow_lists({seconds})", slow)

    @staticmethod
    def broken_jobs(*job_ids: int) -> "Fault":
        """Answer 500 to each request for a list that would have one of these jobs."""

        def is_lost(rows: Sequence[object]) -> bool:
            return not set(job_ids).isdisjoint(map(_job_id, rows))

        return Fault(f"broken_jobs{job_ids}", lambda carry: _lost_if(is_lost, carry(), 500))

    @staticmethod
    def drip_headers(every: float = 0.1) -> "Fault":
        """Answer correctly, but with one byte of status line and headers every so many seconds.

        A client whose timeout only limits each single wait then waits long.
        """
        return Fault("drip_headers", _honest, delivery=wire.dripped_head, pause=every)

    @staticmethod
    def drip_body(every: float = 0.1) -> "Fault":
        """Answer correctly, but with one byte of the body every so many real seconds."""
        return Fault("drip_body", _honest, delivery=wire.dripped_body, pause=every)

    @staticmethod
    def drip_chunk_line(every: float = 0.1) -> "Fault":
        """Carry out the request and answer in chunks, the first line of which never ends."""
        return Fault("drip_chunk_line", _honest, delivery=wire.endless_chunk_line, pause=every)

    @staticmethod
    def endless_continue(every: float = 0.01) -> "Fault":
        """Carry out the request and send `100 Continue` endlessly."""
        return Fault("endless_continue", _honest, delivery=wire.endless_continue, pause=every)

    @staticmethod
    def wrong_charset(charset: str = "ISO-8859-1") -> "Fault":
        """Answer correctly in UTF-8, as JSON is, but with a content type that says otherwise."""
        return Fault("wrong_charset", lambda carry: _mislabelled(carry(), charset))

    @staticmethod
    def gzipped() -> "Fault":
        """Answer correctly, compressed with gzip."""
        return Fault("gzipped", lambda carry: _packed(carry(), 0))

    @staticmethod
    def gzip_bomb(megabytes: int = 1024) -> "Fault":
        """Answer correctly, then with so many megabytes of white space, compressed with gzip."""
        return Fault(f"gzip_bomb({megabytes})", lambda carry: _packed(carry(), megabytes))


@dataclass
class ArmedFault:
    """A fault that waits for its requests."""

    fault: Fault
    path: str | None
    method: str | None
    times: int | None
    after: int

    def takes(self, request: RecordedRequest) -> bool:
        """Whether this request goes wrong; each call that matches counts."""
        if not self._matches(request):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times = None if self.times is None else self.times - 1
        return True

    @property
    def is_spent(self) -> bool:
        return self.times is not None and self.times <= 0

    def _matches(self, request: RecordedRequest) -> bool:
        wanted = self.method is None or self.method.upper() == request.method
        return wanted and (self.path is None or self.path in request.path)


class Faults:
    """The armed faults, in the order in which they were added."""

    def __init__(self) -> None:
        self._armed: list[ArmedFault] = []
        self._lock = threading.Lock()

    def add(self, fault: ArmedFault) -> None:
        with self._lock:
            self._armed.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def take(self, request: RecordedRequest) -> Fault | None:
        with self._lock:
            taken = next((armed for armed in self._armed if armed.takes(request)), None)
            self._armed = [armed for armed in self._armed if not armed.is_spent]
            return taken.fault if taken else None


def _refusal(
    code: int, body: JsonObject | str | None, headers: Mapping[str, str] | None
) -> Response:
    if isinstance(body, str):
        return Response(body, code, headers, mimetype="text/plain")
    content = {"message": f"Simulated {code}"} if body is None else body
    return Response(json.dumps(content), code, headers, mimetype="application/json")


def _halved(response: Response) -> Response:
    content = response.get_data()
    return Response(content[: len(content) // 2], response.status_code, mimetype="application/json")


def _lost_if(
    is_lost: Callable[[Sequence[object]], bool], response: Response, code: int
) -> Response:
    return _refusal(code, None, None) if is_lost(_listed(response)) else response


def _listed(response: Response) -> Sequence[object]:
    """The rows, if the answer is a list of either API."""
    answer = _fields(json.loads(response.get_data() or "null"))
    rows = answer.get("jobs", answer.get("data"))
    return rows if isinstance(rows, list) else ()


def _job_id(row: object) -> object:
    """As either API has it in a list."""
    fields = _fields(row)
    return _fields(fields.get("job")).get("id", fields.get("jobId"))


def _fields(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _honest(carry: Carry) -> Response:
    return carry()


def _mislabelled(response: Response, charset: str) -> Response:
    content = json.dumps(json.loads(response.get_data()), ensure_ascii=False)
    label = f"application/json; charset={charset}"
    return Response(content.encode(), response.status_code, content_type=label)


def _packed(response: Response, megabytes: int) -> Response:
    response.set_data(wire.packed(response.get_data(), megabytes))
    response.headers["Content-Encoding"] = "gzip"
    return response


def _forget(_: Response) -> None:
    return None
