"""Where the sensor stopped reading Airbyte's job history. A place, never the proof: what was
reported stands in Dagster's event log, so losing it repeats nothing and loses nothing."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from itertools import chain

from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.resources.json_values import Json, as_datetime, as_int, as_text, object_at
from dagster_airbyte_sync.sensors.cursor import earlier_versions as earlier_cursors
from dagster_airbyte_sync.sensors.cursor.packing import NotPacked, pack, unpack

VERSION = 3

# Airbyte takes a job's end time before it commits, on several machines, so a job can appear with
# an end older than jobs already read. History is read again this far back for as long.
OVERLAP = timedelta(minutes=5)

_MOST_BYTES = 7_500

# More connections that cannot be read than this wait in `held`, which costs a few bytes for each.
MOST_APART = 40

# A job's number, and when it was created (epoch seconds): a restored Airbyte gives numbers again.
DoneJob = tuple[int, int]
# Cursors of earlier versions have the number alone.
UNKNOWN = earlier_cursors.UNKNOWN


class UnreadableCursor(Exception):
    """Raised if a text is no cursor of this workspace; the text says why."""


@dataclass(frozen=True)
class Place:
    """A job, as a place in the history of its connection."""

    job_id: int
    ended_at: datetime


@dataclass(frozen=True)
class Cursor:
    """History is read up to `since`. All times are Airbyte's clock.

    What ended before `floor` is done unless it waits; of what ended later, `done` names the jobs
    that are done. The floor follows `since` at a distance that shrinks while nothing new comes:
    `reached` is Airbyte's time as `since` last moved. `held` names the first waiting job of each
    connection, with the time (Dagster's clock, epoch seconds) since when; the connection's later
    jobs wait with it. The first of all ended at `held_from`. Those in `graced` wait for a run that
    is over to be so for a while. Nothing older than `begin` is ever reported, and of what is older
    than the sensor's `start_from` as things stood at `resumed_at`, only what is newer than the last
    report of its connection then.

    `apart` has, by connection id, where to read on once a connection can be read that cannot be
    now. None of its jobs from there on is done. History is not read again for its sake till then.
    `skew` is how many seconds Airbyte's clock was ahead of Dagster's.
    """

    workspace_id: str
    begin: datetime
    since: datetime
    floor: datetime
    done: frozenset[DoneJob] = frozenset()
    held: Mapping[DoneJob, int] = field(default_factory=dict)
    held_from: datetime | None = None
    graced: frozenset[int] = frozenset()
    apart: Mapping[str, Place] = field(default_factory=dict)
    reached: datetime | None = None
    resumed_at: datetime | None = None
    skew: int | None = None

    @property
    def read_from(self) -> datetime:
        return max(min(self.floor, self.held_from or self.floor), self.begin)

    def knows(self, job: Job, *, is_behind: bool = False) -> bool:
        """Whether the job is done; `is_behind` one of its connection that waits, it may not be."""
        if self.is_done(job) or self.held_since(job) is not None or is_behind:
            return self.is_done(job)
        return job.ended_at is not None and job.ended_at < self.floor

    def held_since(self, job: Job) -> int | None:
        """Since when the job waits as the first of its connection, or None."""
        return self.held.get(done_job(job), self.held.get((job.id, UNKNOWN)))

    def is_done(self, job: Job) -> bool:
        """Whether the job is named as done; a number alone stands for nothing yet to come."""
        if done_job(job) in self.done:
            return True
        is_past = job.ended_at is not None and job.ended_at <= self.since
        return is_past and (job.id, UNKNOWN) in self.done

    def brought_back(self, connection_ids: Iterable[str], now: int) -> "Cursor":
        """With connections that were apart waiting like any other, so that they are read again."""
        apart = dict(self.apart)
        back = [apart.pop(connection_id) for connection_id in connection_ids]
        ends = [place.ended_at for place in back]
        if self.held_from is not None:
            ends.append(self.held_from)
        held = {**self.held, **{(place.job_id, UNKNOWN): now for place in back}}
        return replace(self, held=held, held_from=min(ends, default=None), apart=apart)

    def to_text(self) -> str:
        """JSON that `done` does not make longer than 8 kB: of too many done jobs those that were
        created first are left out, and looked up in the event log again."""
        shorter = self
        while len(text := shorter._written()) > _MOST_BYTES and shorter.done:
            by_creation = sorted(shorter.done, key=lambda job: (job[1], job[0]))
            kept = by_creation[len(by_creation) // 8 + 1 :]
            shorter = replace(shorter, done=frozenset(kept))
        return text

    def _written(self) -> str:
        done = sorted(self.done)
        held = sorted((*job, at) for job, at in self.held.items())
        fields: dict[str, object] = {
            "v": VERSION,
            "workspace": self.workspace_id,
            "begin": self.begin.isoformat(),
            "since": self.since.isoformat(),
            "floor": self.floor.isoformat(),
            "reached": _written_time(self.reached),
            "resumed": _written_time(self.resumed_at),
            "skew": self.skew,
            # Numbers first, then times: neighbours are then alike.
            "done": pack(chain.from_iterable(zip(*done, strict=True))) if done else None,
            "held": pack(chain.from_iterable(zip(*held, strict=True))) if held else None,
            "held_from": _written_time(self.held_from),
            "graced": sorted(self.graced),
            "apart": {
                connection_id: [place.job_id, place.ended_at.isoformat()]
                for connection_id, place in sorted(self.apart.items())
            },
        }
        known = {name: value for name, value in fields.items() if value not in (None, [], {})}
        return json.dumps(known, separators=(",", ":"))


def done_job(job: Job) -> DoneJob:
    return (job.id, UNKNOWN if job.created_at is None else int(job.created_at.timestamp()))


def names_of(jobs: Iterable[Job]) -> set[DoneJob]:
    """All by which a cursor may name the jobs: those of earlier versions have the number alone."""
    return {name for job in jobs for name in (done_job(job), (job.id, UNKNOWN))}


def first_cursor(workspace_id: str, begin: datetime, resumed_at: datetime | None = None) -> Cursor:
    """A cursor where nothing is done; `resumed_at` is Airbyte's time now."""
    return Cursor(
        workspace_id,
        begin=begin,
        since=begin,
        floor=begin,
        reached=resumed_at,
        resumed_at=resumed_at,
    )


def read_cursor(text: str, workspace_id: str) -> Cursor:
    """The cursor that a text is, which a user may have edited. Raises UnreadableCursor."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableCursor("it is not JSON") from None
    if not isinstance(raw, dict) or raw.get("v") not in (*earlier_cursors.VERSIONS, VERSION):
        raise UnreadableCursor("it was written by another version")
    if as_text(raw.get("workspace")) != workspace_id:
        raise UnreadableCursor("it belongs to another Airbyte workspace")
    begin, since = as_datetime(raw.get("begin")), as_datetime(raw.get("since"))
    if begin is None or since is None:
        raise UnreadableCursor("it has no readable times")
    is_current = raw["v"] == VERSION
    return Cursor(
        workspace_id,
        begin=begin,
        since=since,
        floor=as_datetime(raw.get("floor")) or since - OVERLAP,
        done=frozenset(_read_done(raw) if is_current else earlier_cursors.done(raw)),
        held=dict(_read_held(raw) if is_current else earlier_cursors.held(raw)),
        held_from=as_datetime(raw.get("held_from")),
        graced=frozenset(filter(None, map(as_int, _list(raw.get("graced"))))),
        apart=dict(_read_apart(raw.get("apart"))),
        reached=as_datetime(raw.get("reached")),
        resumed_at=as_datetime(raw.get("resumed")),
        skew=as_int(raw.get("skew")),
    )


def _read_done(raw: Json) -> Iterable[DoneJob]:
    numbers, created = _read_columns(raw.get("done"), 2)
    return zip(numbers, created, strict=True)


def _read_held(raw: Json) -> Iterable[tuple[DoneJob, int]]:
    numbers, created, since = _read_columns(raw.get("held"), 3)
    return zip(zip(numbers, created, strict=True), since, strict=True)


def _read_columns(packed: object, count: int) -> list[list[int]]:
    """So many lists of one length, packed one behind the other."""
    try:
        numbers = [] if packed is None else unpack(str(packed))
    except NotPacked:
        raise UnreadableCursor("its lists of jobs are damaged") from None
    length, rest = divmod(len(numbers), count)
    if rest:
        raise UnreadableCursor("its lists of jobs are damaged")
    return [numbers[place * length : (place + 1) * length] for place in range(count)]


def _read_apart(raw: object) -> Iterable[tuple[str, Place]]:
    for connection_id, place in object_at(raw).items():
        first, second = [*_list(place), None, None][:2]
        job_id, ended_at = as_int(first), as_datetime(second)
        if job_id is None or ended_at is None:
            raise UnreadableCursor("it has no place for a connection that could not be read")
        yield connection_id, Place(job_id, ended_at)


def _list(raw: object) -> list[object]:
    return raw if isinstance(raw, list) else []


def _written_time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def begin_of(start_from: datetime | timedelta, now: datetime) -> datetime:
    """The time from which on a first tick reports syncs; `now` is Airbyte's clock."""
    begin = now - start_from if isinstance(start_from, timedelta) else start_from
    # Airbyte prints whole seconds: a job that ended within this second must not be missed.
    return begin.astimezone(timezone.utc).replace(microsecond=0)
