"""What every request passes on its way in and out."""

import threading
from collections.abc import Callable, Iterable
from email.utils import format_datetime
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from dagster_airbyte_sync.testing.server.faults import Fault, Faults
from dagster_airbyte_sync.testing.server.recording import (
    Exchange,
    RecordedRequest,
    exchange,
    record,
)
from dagster_airbyte_sync.testing.server.server import Dropped
from dagster_airbyte_sync.testing.server.speaking import OnTheWire, head_of
from dagster_airbyte_sync.testing.server.tokens import Doorkeeper
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.world.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONFIGURATION_ROOT = "/api/v1/"
API_ROOT = "/api/"


class Gateway:
    """Records, delays, breaks and guards requests; one at a time reaches the APIs behind it."""

    def __init__(
        self,
        app: "WSGIApplication",
        world: World,
        doorkeeper: Doorkeeper,
        *,
        latency: float,
        configuration_api: bool,
    ) -> None:
        self.faults = Faults()
        self.requests: list[RecordedRequest] = []
        self.exchanges: list[Exchange] = []
        self.listeners: list[Callable[[RecordedRequest], None]] = []
        self.closing = threading.Event()
        self.latency = latency
        self._app = app
        self._world = world
        self._doorkeeper = doorkeeper
        self._configuration_api = configuration_api
        self._guard = threading.Lock()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        request = Request(environ)
        recorded = record(request)
        fault = self._arrives(recorded)
        response = fault.answer(lambda: self._carry(request)) if fault else self._carry(request)
        if response is None:
            raise Dropped
        self._leaves(recorded, response)
        if fault is not None and fault.delivery is not None:
            head = head_of(response, response.get_wsgi_headers(environ))
            raise OnTheWire(head, response.get_data(), fault.delivery, fault.pause)
        return response(environ, start_response)

    def forget(self) -> None:
        with self._guard:
            self.requests.clear()
            self.exchanges.clear()

    def _arrives(self, request: RecordedRequest) -> Fault | None:
        with self._guard:
            self.requests.append(request)
            self._world.clock.tick()
        for listener in self.listeners:
            listener(request)
        fault = self.faults.take(request)
        self.closing.wait(self.latency + (fault.delay if fault else 0.0))
        return fault

    def _leaves(self, request: RecordedRequest, response: Response) -> None:
        response.headers["Date"] = format_datetime(self._world.clock.now(), usegmt=True)
        with self._guard:
            self.exchanges.append(exchange(request, response))

    def _carry(self, request: Request) -> Response:
        if not f"{request.path}/".startswith(API_ROOT):
            return self._from_ui(request)
        refusal = self._closed(request) or self._doorkeeper.refusal(request)
        if refusal:
            return refusal
        with self._world.lock:
            self._world.progress()
            return Response.from_app(self._app, _rewound(request), buffered=True)

    def _from_ui(self, request: Request) -> Response:
        """A page at every address that is no API's: whoever asks there for data gets HTML."""
        if request.method != "GET":
            return Response("<html><h1>405 Not Allowed</h1></html>", 405, mimetype="text/html")
        return ui_page(request.args.get("jobId"))

    def _closed(self, request: Request) -> Response | None:
        """Airbyte Cloud answers for the Configuration API, but lets nobody in."""
        inside = self._configuration_api or not request.path.startswith(CONFIGURATION_ROOT)
        return None if inside else problems.forbidden().response


def ui_page(job_id: str | None) -> Response:
    """Where a link to a job leads: the simulator has the addresses of Airbyte's UI, not the UI."""
    what = f"job {escape(job_id)}" if job_id else "this page"
    return Response(
        "<!doctype html><title>Airbyte</title>"
        f"<p>This Airbyte is simulated and has no UI. The real one would show {what} here.</p>",
        content_type="text/html; charset=utf-8",
    )


def _rewound(request: Request) -> "WSGIEnvironment":
    """The same request with its body unread."""
    content = request.get_data()
    return {
        **request.environ,
        "wsgi.input": BytesIO(content),
        "CONTENT_LENGTH": str(len(content)),
    }
