"""The part of the Configuration API that knows more of a job than its counts."""

from collections.abc import Callable, Iterable

from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.configuration_api.detail_records import (
    event_read,
    stream_statuses,
)
from dagster_airbyte_sync.testing.configuration_api.job_records import attempt_read
from dagster_airbyte_sync.testing.configuration_api.log_records import log_read
from dagster_airbyte_sync.testing.configuration_api.lookup import Lookup
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.parameters import Body
from dagster_airbyte_sync.testing.wire.payload import JsonObject
from dagster_airbyte_sync.testing.wire.problems import answer
from dagster_airbyte_sync.testing.world.timeline import TimelineEvent
from dagster_airbyte_sync.testing.world.world import World

_STATUS_FILTERS = (
    "connectionId",
    "jobId",
    "attemptNumber",
    "streamName",
    "streamNamespace",
    "jobType",
)


class ConfigurationDetails:
    """Lists stream statuses and timelines, and gives out the logs of attempts."""

    def __init__(self, world: World, find: Lookup, *, stable: bool) -> None:
        self._world = world
        self._find = find
        self._stable = stable

    def endpoints(self) -> dict[str, Callable[[Body], Response]]:
        return {
            "/connections/events/list": self.list_events,
            "/connections/events/list_for_job": self.list_events_for_job,
            "/stream_statuses/list": self.list_stream_statuses,
            "/attempt/get_for_job": self.get_attempt,
        }

    def list_events(self, body: Body) -> Response:
        """Newest first, twenty at a time."""
        connection = self._find.connection(body)
        start, end = body.time("createdAtStart"), body.time("createdAtEnd")
        kinds = body.texts("eventTypes")
        found = [
            event
            for event in self._events()
            if event.connection_id == connection.connection_id
            and (not kinds or event.type in kinds)
            and (start is None or start <= event.created_at)
            and (end is None or event.created_at <= end)
        ]
        page = body.part("pagination")
        size, offset = page.number("pageSize", 20), page.number("rowOffset", 0)
        return self._event_list(found[offset : offset + size])

    def list_events_for_job(self, body: Body) -> Response:
        """Since 2.0."""
        if not self._world.version.since(2, 0):
            return problems.no_such_page()
        job = self._find.job(body)
        return self._event_list(event for event in self._events() if event.job_id == job.job_id)

    def list_stream_statuses(self, body: Body) -> Response:
        """Needs a page, whose offset must be a whole number of pages; there is no order.

        So a row may be on two pages, and another on none.
        """
        self._find.workspace(body)
        page = body.part("pagination")
        size, offset = page.number("pageSize"), page.number("rowOffset")
        if size < 1 or offset % size:
            raise problems.configuration_error(400, "Bad pagination", self._world.version)
        found = sorted(self._statuses(body), key=lambda row: str(row["id"]))
        if not self._stable:
            found = self._world.chance.sample(found, len(found))
        return answer({"streamStatuses": found[offset : offset + size]})

    def get_attempt(self, body: Body) -> Response:
        """An attempt, numbered from 0, with all of its log."""
        job = self._find.job(body, "jobId").as_committed(self._world.clock.now())
        number = body.number("attemptNumber")
        if not 0 <= number < len(job.attempts):
            raise self._find.refusal("attempt")
        attempt, version = job.attempts[number], self._world.version
        return answer({"attempt": attempt_read(attempt, version), **log_read(attempt, version)})

    def _statuses(self, body: Body) -> Iterable[JsonObject]:
        wanted = {name: body.value(name) for name in _STATUS_FILTERS if body.has(name)}
        now = self._world.clock.now()
        for job in self._world.jobs.values():
            here = self._world.connection_of(job).workspace_id
            for row in stream_statuses(job.as_committed(now), here):
                if all(row.get(name) == value for name, value in wanted.items()):
                    yield row

    def _events(self) -> list[TimelineEvent]:
        """What has been written by now."""
        now = self._world.clock.now()
        written = (event for event in self._world.events if event.created_at <= now)
        return sorted(written, key=lambda event: event.created_at, reverse=True)

    def _event_list(self, events: Iterable[TimelineEvent]) -> Response:
        return answer({"events": [event_read(event) for event in events]})
