"""When somebody is killed: at a random moment of something that is going on, seen from Airbyte."""

import threading

from dagster_airbyte_sync.testing import AirbyteSimulator, RecordedRequest


class Moments:
    """What the deployment is doing right now, as its requests report."""

    def __init__(self, airbyte: AirbyteSimulator) -> None:
        self._tick = threading.Event()
        self._following = threading.Event()
        self._reporting = threading.Event()
        airbyte.on_request(self._note)

    def wait_for_tick(self, seconds: float) -> bool:
        """Wait until the sensor reads the job history."""
        return _next(self._tick, seconds)

    def wait_for_following(self, seconds: float) -> bool:
        """Wait until a run starts a sync or looks how one is getting on."""
        return _next(self._following, seconds)

    def wait_for_reporting(self, seconds: float) -> bool:
        """Wait until a run reads the totals of its sync, right before it reports it."""
        return _next(self._reporting, seconds)

    def _note(self, request: RecordedRequest) -> None:
        if request.path.endswith("/jobs/list_for_workspaces"):
            self._tick.set()
        elif "/public/v1/jobs" in request.path:
            self._following.set()
        elif request.path.endswith("/jobs/get_without_logs"):
            self._reporting.set()


def _next(event: threading.Event, seconds: float) -> bool:
    event.clear()
    return event.wait(seconds)
