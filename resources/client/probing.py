"""Asks each endpoint that this package reads, once and as it is: what a report on a server needs.

Nothing here changes anything in Airbyte.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

from dagster_airbyte_sync.resources.access.configuration_access import stands_for_closed
from dagster_airbyte_sync.resources.api import (
    attempt_logs,
    configuration_api,
    public_api,
    stream_statuses,
    timeline,
)
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.api.instance import CLOUD, is_instance, read_instance
from dagster_airbyte_sync.resources.api.job_pages import JobQuery
from dagster_airbyte_sync.resources.api.public_api import PublicApi
from dagster_airbyte_sync.resources.errors import (
    AirbyteError,
    AirbyteRequestError,
    AirbyteUnreadable,
)
from dagster_airbyte_sync.resources.http.frames import forgotten_locals
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Call, Http
from dagster_airbyte_sync.resources.json_values import Json, as_int, as_text, object_at, objects_at
from dagster_airbyte_sync.resources.records.catalog import Api
from dagster_airbyte_sync.resources.records.jobs import JobStatus

# The number of rows in an answer; None if it is no such answer.
CountRows = Callable[[object], int | None]

# One status for all that are not over: the public API takes one at a time.
_RUNNING = "running jobs"


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of one of the two APIs; `name` is what it has, such as "connections"."""

    name: str
    api: Api
    call: Call
    count: CountRows


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered in so many seconds, or why it did not, or why it was not asked.

    `rows` is how many rows a list has, and 1 for a single thing.
    """

    name: str
    api: Api
    method: str
    url: str
    seconds: float = 0.0
    rows: int | None = None
    content: Json = field(default_factory=dict, repr=False)
    error: AirbyteError | None = None
    not_asked: str | None = None

    @property
    def is_good(self) -> bool:
        return self.error is None and self.not_asked is None

    @property
    def status(self) -> int | None:
        return self.error.status if isinstance(self.error, AirbyteRequestError) else None

    @property
    def is_closed(self) -> bool:
        """Whether it is one that the public API is asked in place of."""
        return isinstance(self.error, AirbyteRequestError) and stands_for_closed(self.error)

    @property
    def is_silence(self) -> bool:
        """Whether nothing came back over HTTP: no server there, or one that speaks otherwise."""
        error = self.error
        if not isinstance(error, AirbyteRequestError) or isinstance(error, AirbyteUnreadable):
            return False
        return error.status is None

    @property
    def is_without_token(self) -> bool:
        """Whether the request was not sent because the token endpoint gave no token."""
        error = self.error
        return isinstance(error, AirbyteRequestError) and error.url.endswith("/applications/token")


class Prober:
    """Asks the endpoints of one workspace with its credentials, and some without."""

    def __init__(self, settings: AirbyteSettings) -> None:
        self._settings = settings
        with forgotten_locals():
            quick = replace(settings, request_max_retries=min(settings.request_max_retries, 1))
            # A proxy in front of Airbyte wants its user for every request.
            no_token = replace(quick, client_id=None, client_secret=None)
            nobody = replace(no_token, username=None, password=None)
            unknown = replace(nobody, request_headers=(), request_max_retries=0)
        self._http = Http(quick)
        self._no_token = Http(no_token)
        self._nobody = Http(nobody)
        self._stranger = Http(unknown)
        self._configuration = ConfigurationApi(settings)
        self._public = PublicApi(settings)

    @property
    def clock_difference(self) -> timedelta | None:
        """How far Airbyte's clock is ahead of this machine's, to a second; None if unknown."""
        clocks = (http.server_time for http in (self._http, self._nobody, self._no_token))
        known = next(filter(None, clocks), None)
        return None if known is None else known - datetime.now(timezone.utc)

    def instance(self) -> Answer:
        """What a self-managed server reports about itself."""
        call = configuration_api.instance(self._settings.configuration_api_base_url)
        endpoint = Endpoint("instance", "configuration", call, _count_instance)
        return self._ask(endpoint, self._no_token)

    def ui_url(self, instance: Answer | None) -> str:
        """Where links lead, by what the server reports about itself (None: it is Cloud)."""
        if instance is None:
            return CLOUD.ui_url
        settings = self._settings
        address = settings.configuration_api_base_url
        return read_instance(instance.content, address, settings.ui_url).ui_url

    def without_credentials(self) -> Answer:
        """The workspace, asked for without a token or user: whether this server wants any."""
        return self._ask(self._workspace(), self._nobody)

    def all_answers(self, since: datetime) -> list[Answer]:
        """What each endpoint answers; of jobs those that ended since then (Airbyte's clock).

        If one API does not answer at all, or gives no token, the rest is not asked.
        """
        first = self._each([self._workspace()])
        ids = self._ids(first[0])
        # Of an instance without any there is nothing more to ask.
        listings = self._listings(since, ids) if ids else []
        answers = [*first, *self._each(listings, first)]
        return [*answers, *self._each(self._details(answers), answers)]

    def speaks_http(self, address: str) -> bool:
        """Whether an HTTP server answers at an address, whatever it says. No credentials go there.

        That of the public or the Configuration API, with another scheme: no other host.
        """
        call = replace(configuration_api.instance(address), at_once=True)
        answer = self._ask(Endpoint("instance", "configuration", call, _count_any), self._stranger)
        return not answer.is_silence

    def is_configuration_api(self, address: str) -> bool:
        """Whether the Configuration API of a self-managed Airbyte answers at an address."""
        call = configuration_api.instance(address)
        endpoint = Endpoint("instance", "configuration", call, _count_instance)
        return self._ask(endpoint, self._no_token).is_good

    def _workspace(self) -> Endpoint:
        """Of an instance it is the list of them."""
        only, public = self._settings.workspace_id, self._public
        if only is None:
            return Endpoint("workspace", "public", public.workspaces(0), _count_any_workspace)
        return Endpoint("workspace", "public", public.workspace(only), _count_workspace)

    def _ids(self, answer: Answer) -> list[str]:
        """The workspaces to look at; of an instance the first hundred that it lists."""
        only, wanted = self._settings.workspace_id, self._settings.workspace_ids
        if only is not None:
            return [only]
        ids = filter(None, (as_text(row.get("workspaceId")) for row in _rows(answer)))
        return [each for each in ids if wanted is None or each in wanted] or list(wanted or ())

    def _listings(self, since: datetime, ids: Sequence[str]) -> list[Endpoint]:
        public, configuration = self._public, self._configuration
        ours = JobQuery(since, 0, configuration.page_size)
        theirs = JobQuery(since, 0, public.page_size)
        of_public = {
            "workspaces": public.workspaces(0),
            "connections": public.connections(ids, 0),
            "destinations": public.destinations(ids, 0),
            "sources": public.sources(ids, 0),
            "jobs": public.jobs_since(ids, theirs),
            _RUNNING: public.unfinished_jobs(ids, JobStatus.RUNNING),
        }
        of_configuration = {
            # They are listed for one workspace at a time.
            "connections": configuration.connections(ids[0]),
            "jobs": configuration.finished_jobs(ids, ours),
            _RUNNING: configuration.unfinished_jobs(ids, [JobStatus.RUNNING]),
        }
        return [
            *(Endpoint(name, "public", call, _rows_in("data")) for name, call in of_public.items()),
            *(
                Endpoint(
                    name,
                    "configuration",
                    call,
                    _rows_in("jobs" if name == _RUNNING else name),
                )
                for name, call in of_configuration.items()
            ),
        ]

    def _details(self, answers: Iterable[Answer]) -> list[Endpoint]:
        """Of one connection and one job, if the lists have any."""
        answers = list(answers)
        connection_id, job_id = _first_ids(answers)
        of_connection = [] if connection_id is None else self._of_connection(connection_id)
        ids = self._ids(answers[0])
        return [*of_connection, *([] if job_id is None else self._of_job(job_id, ids))]

    def _of_connection(self, connection_id: str) -> list[Endpoint]:
        newest = timeline.newest_event(self._settings, connection_id)
        call = self._public.connection(connection_id)
        return [
            Endpoint("one connection", "public", call, _count_any),
            Endpoint("timeline", "configuration", newest, _rows_in("events")),
        ]

    def _of_job(self, job_id: int, ids: Sequence[str]) -> list[Endpoint]:
        statuses = [
            Endpoint(
                "stream statuses",
                "configuration",
                stream_statuses.statuses_of(self._settings, each, job_id, 0),
                _rows_in("streamStatuses"),
            )
            # Any will do to know whether it is open.
            for each in ids[:1]
        ]
        log = attempt_logs.log_of(self._settings, job_id, 0)
        call = self._configuration.job(job_id)
        return [
            Endpoint("one job", "public", self._public.job(job_id), _count_job_publicly),
            Endpoint("one job", "configuration", call, _count_job),
            *statuses,
            Endpoint("attempt log", "configuration", log, _count_log),
        ]

    def _each(self, endpoints: Iterable[Endpoint], before: Sequence[Answer] = ()) -> list[Answer]:
        answers = list(before)
        for endpoint in endpoints:
            reason = _why_not(endpoint, answers)
            answers.append(
                _not_asked(endpoint, reason) if reason else self._ask(endpoint, self._http)
            )
        return answers[len(before) :]

    def _ask(self, endpoint: Endpoint, http: Http) -> Answer:
        call, began = endpoint.call, time.monotonic()
        asked = Answer(endpoint.name, endpoint.api, call.method, call.url)
        try:
            content = http.send(call)
        except AirbyteError as error:
            return replace(asked, error=error, seconds=time.monotonic() - began)
        rows, seconds = endpoint.count(content), time.monotonic() - began
        if rows is None:
            reason = f"an answer without {endpoint.name}"
            unreadable = AirbyteUnreadable(call.method, call.url, reason)
            return replace(asked, error=unreadable, seconds=seconds)
        return replace(asked, rows=rows, content=object_at(content), seconds=seconds)


def other_scheme(address: str) -> str:
    """The address with https:// in place of http://, or the other way."""
    parts = urlsplit(address)
    return parts._replace(scheme="http" if parts.scheme == "https" else "https").geturl()


def has_path(address: str) -> bool:
    """Whether an address has more than a host and a port."""
    return urlsplit(address).path not in ("", "/")


def _why_not(endpoint: Endpoint, answers: Iterable[Answer]) -> str | None:
    for each in answers:
        if each.is_without_token:
            return "there is no token"
        if each.api == endpoint.api and each.is_silence:
            return "nothing answers there"
    return None


def _not_asked(endpoint: Endpoint, reason: str) -> Answer:
    call = endpoint.call
    return Answer(endpoint.name, endpoint.api, call.method, call.url, not_asked=reason)


def _first_ids(answers: Iterable[Answer]) -> tuple[str | None, int | None]:
    """The ids of a connection and a job in the lists, whichever API has them.

    The Configuration API's first, whose jobs are over: one that waits has no attempt yet.
    """
    lists = sorted((each for each in answers if each.name != _RUNNING), key=lambda each: each.api)
    rows = [row for each in lists for row in _rows(each)]
    connections = (as_text(row.get("connectionId")) for row in rows)
    jobs = (as_int(row.get("jobId")) or as_int(object_at(row, "job").get("id")) for row in rows)
    return next(filter(None, connections), None), next(filter(None, jobs), None)


def _rows(answer: Answer) -> list[Json]:
    names = ("data", "connections", "jobs")
    return [row for name in names for row in objects_at(answer.content, name)]


def _rows_in(name: str) -> CountRows:
    def count(content: object) -> int | None:
        rows = object_at(content).get(name)
        return len(rows) if isinstance(rows, list) else None

    return count


def _count_any(content: object) -> int | None:
    return 1


def _count_instance(content: object) -> int | None:
    return 1 if is_instance(object_at(content)) else None


def _count_workspace(content: object) -> int | None:
    return 1 if as_text(object_at(content).get("workspaceId")) else None


def _count_any_workspace(content: object) -> int | None:
    return _rows_in("data")(content)


def _count_job(content: object) -> int | None:
    return None if configuration_api.read_job(content) is None else 1


def _count_log(content: object) -> int | None:
    return None if attempt_logs.read_end(content) is None else 1


def _count_job_publicly(content: object) -> int | None:
    return None if public_api.read_job(content) is None else 1
