"""The timeline of a connection (Configuration API, since 1.0): who started which job.

Airbyte writes a STARTED event only for what somebody asked for, some seconds after the job's
creation (airbyte-platform, `ConnectionTimelineEventHelper`), and sometimes twice; and one for each
job's end. A failure to write one is only logged there. What is older than 1.0 has none, and 2.0 and
later remove them after 18 months.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Call
from dagster_airbyte_sync.resources.json_values import (
    Json,
    as_int,
    as_text,
    object_at,
    objects_at,
)
from dagster_airbyte_sync.resources.records.job_starter import JobStarter, StarterKind
from dagster_airbyte_sync.resources.records.jobs import Job, JobType

# How its kinds of events begin, by the type of a job, and how they end.
_KINDS = {JobType.SYNC: "SYNC", JobType.REFRESH: "REFRESH", JobType.CLEAR: "CLEAR"}
_STARTED, _ENDED = "_STARTED", ("_SUCCEEDED", "_INCOMPLETE", "_FAILED", "_CANCELLED")

# Airbyte's servers may differ by so much in their clocks. An event that is older is of a job that
# had the number before: a restored Airbyte gives numbers again.
_CLOCKS = timedelta(minutes=1)
# Up to 2.1.0 the event is written once the job runs.
_WRITTEN_WITHIN = timedelta(minutes=10)
# More than can be started of one connection in that time.
_ROWS = 100
# After this time (since the job began to run, or ended) an event that is not there will not come.
_SETTLED_AFTER = timedelta(seconds=10)

# In an Airbyte without accounts every event has this user.
_DEFAULT_USER = "00000000-0000-0000-0000-000000000000"
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Timeline:
    """What the timeline has of a connection's jobs about some time, by their numbers: who started
    which, and of which it has the end."""

    starters: Mapping[int, JobStarter] = field(default_factory=dict)
    ended: frozenset[int] = frozenset()


def events_around(settings: AirbyteSettings, job: Job) -> Call:
    """What the job's connection started and ended while the job ran: one small page."""
    narrower: dict[str, object] = {}
    if job.type in _KINDS:
        narrower["eventTypes"] = [f"{_KINDS[job.type]}{end}" for end in (_STARTED, *_ENDED)]
    if job.created_at is not None:
        narrower["createdAtStart"] = (job.created_at - _CLOCKS).isoformat()
    if (until := job.ended_at or job.started_at) is not None:
        narrower["createdAtEnd"] = (until + _WRITTEN_WITHIN).isoformat()
    return _events(settings, job.connection_id, _ROWS, narrower)


def newest_event(settings: AirbyteSettings, connection_id: str) -> Call:
    """The last of all that happened to a connection: enough to see whether Airbyte says it."""
    return _events(settings, connection_id, 1, {})


def _events(settings: AirbyteSettings, connection_id: str, rows: int, more: Json) -> Call:
    page = {"pageSize": rows, "rowOffset": 0}
    body = {"connectionId": connection_id, "pagination": page, **more}
    url = f"{settings.configuration_api_base_url}/connections/events/list"
    return Call("POST", url, body=body, at_once=True)


def read_timeline(answer: object) -> Timeline | None:
    """What the events say; None if the answer has no list of them.

    Of a start that was written twice, the event that names a person counts.
    """
    if not isinstance(object_at(answer).get("events"), list):
        return None
    starters: dict[int, JobStarter] = {}
    ended: set[int] = set()
    for event in objects_at(answer, "events"):
        job_id = as_int(object_at(event, "summary").get("jobId"))
        kind = as_text(event.get("eventType")) or ""
        if job_id is None:
            continue
        if kind.endswith(_ENDED):
            ended.add(job_id)
        known = starters.get(job_id)
        is_better = known is None or known.kind is not StarterKind.PERSON
        if kind.endswith(_STARTED) and is_better:
            starters[job_id] = _read_user(object_at(event, "user"))
    return Timeline(starters, frozenset(ended))


def _read_user(user: Json) -> JobStarter:
    name, email = _short(user.get("name")), _short(user.get("email"))
    is_nobody = as_text(user.get("id")) == _DEFAULT_USER or (name is None and email is None)
    if is_nobody:
        return JobStarter(StarterKind.SOMEBODY)
    return JobStarter(StarterKind.PERSON, name, email)


def _short(value: object) -> str | None:
    """A name on one line: users give themselves any."""
    words = " ".join((as_text(value) or "").split())
    return "".join(filter(str.isprintable, words))[:_LONGEST_NAME] or None


def starter_in(timeline: Timeline, job: Job, now: datetime) -> JobStarter | None:
    """Who started the job: nobody, if there is no event of that; None if nobody knows.

    `now` is Airbyte's clock: at first it is too early to say. And of a job whose end is not there,
    either, the start may have been there.
    """
    if job.id in timeline.starters:
        return timeline.starters[job.id]
    if not _is_settled(job.started_at or job.ended_at, now):
        return None
    if _is_settled(job.ended_at, now) and job.id not in timeline.ended:
        return None
    # Schedules start syncs only.
    is_sync = job.type is JobType.SYNC
    return JobStarter(StarterKind.SCHEDULE if is_sync else StarterKind.AIRBYTE)


def _is_settled(since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since >= _SETTLED_AFTER
