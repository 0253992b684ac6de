"""Where the sensor stopped reading Airbyte's job history. A bookmark, never the proof: what has
been told stands in Dagster's event log, so losing it repeats nothing."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from itertools import chain

from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.resources.reading import integer, object_at, text, when

VERSION = 2

# Airbyte takes a job's end time before it commits, on several machines, so a job can appear with
# an end older than jobs already read. History is read again this far back at each tick.
OVERLAP = timedelta(minutes=5)

_MOST_BYTES = 7_500

# More connections that cannot be read than this wait in `held`, which costs a few bytes for each.
MOST_APART = 40


class UnreadableBookmark(Exception):
    """Raised if a cursor is not a bookmark of this workspace; the text says why."""


@dataclass(frozen=True)
class Place:
    """A job, as a place in the history of its connection."""

    job_id: int
    ended_at: datetime


@dataclass(frozen=True)
class Bookmark:
    """History is read up to `since`. All times are Airbyte's clock.

    Of what ended in the last minutes before, `done` names the jobs that are done; what ended
    earlier is done unless it waits. `held` names the first waiting job of each connection, with the
    time (Dagster's clock, epoch seconds) since when; the connection's later jobs wait with it. The
    first of all ended at `held_from`. Nothing older than `begin` is ever told.

    `apart` has, by connection id, where to read on once a connection can be read that cannot be
    now. None of its jobs from there on is done. History is not read again for its sake till then.
    """

    workspace_id: str
    begin: datetime
    since: datetime
    done: frozenset[int] = frozenset()
    held: Mapping[int, int] = field(default_factory=dict)
    held_from: datetime | None = None
    apart: Mapping[str, Place] = field(default_factory=dict)

    @property
    def read_from(self) -> datetime:
        back = self.since - OVERLAP
        return max(min(back, self.held_from or back), self.begin)

    def knows(self, job: Job, *, is_behind: bool = False) -> bool:
        """Whether the job is done; `is_behind` one of its connection that waits, it may not be."""
        if job.id in self.done or job.id in self.held or is_behind:
            return job.id in self.done
        return job.ended_at is not None and job.ended_at < self.since - OVERLAP

    def brought_back(self, connection_ids: Iterable[str], now: int) -> "Bookmark":
        """With connections that were apart waiting like any other, so that they are read again."""
        apart = dict(self.apart)
        back = [apart.pop(connection_id) for connection_id in connection_ids]
        ends = [place.ended_at for place in back]
        if self.held_from is not None:
            ends.append(self.held_from)
        held = {**self.held, **{place.job_id: now for place in back}}
        return replace(self, held=held, held_from=min(ends, default=None), apart=apart)

    def to_cursor(self) -> str:
        """JSON that `done` does not make longer than 8 kB: of too many done jobs the oldest are
        left out, and looked up in the event log again."""
        bookmark = self
        while len(cursor := bookmark._written()) > _MOST_BYTES and bookmark.done:
            kept = sorted(bookmark.done)[len(bookmark.done) // 4 + 1 :]
            bookmark = replace(bookmark, done=frozenset(kept))
        return cursor

    def _written(self) -> str:
        fields = {
            "v": VERSION,
            "workspace": self.workspace_id,
            "begin": self.begin.isoformat(),
            "since": self.since.isoformat(),
            "done": list(_steps(sorted(self.done))),
        }
        if self.held:
            held = sorted(self.held.items())
            ids, times = _steps(job_id for job_id, _ in held), _steps(at for _, at in held)
            fields["held"] = list(chain.from_iterable(zip(ids, times, strict=True)))
        if self.held_from is not None:
            fields["held_from"] = self.held_from.isoformat()
        if self.apart:
            fields["apart"] = {
                connection_id: [place.job_id, place.ended_at.isoformat()]
                for connection_id, place in sorted(self.apart.items())
            }
        return json.dumps(fields, separators=(",", ":"))


def first_bookmark(workspace_id: str, begin: datetime) -> Bookmark:
    return Bookmark(workspace_id, begin=begin, since=begin)


def read_bookmark(cursor: str, workspace_id: str) -> Bookmark:
    """The bookmark in a cursor, which a user may have edited. Raises UnreadableBookmark."""
    try:
        raw = json.loads(cursor)
    except (ValueError, RecursionError):
        raise UnreadableBookmark("it is not JSON") from None
    if not isinstance(raw, dict) or raw.get("v") != VERSION:
        raise UnreadableBookmark("it was written by another version")
    if text(raw.get("workspace")) != workspace_id:
        raise UnreadableBookmark("it belongs to another Airbyte workspace")
    begin, since = when(raw.get("begin")), when(raw.get("since"))
    if begin is None or since is None:
        raise UnreadableBookmark("it has no readable times")
    return Bookmark(
        workspace_id,
        begin=begin,
        since=since,
        done=frozenset(_from_steps(raw.get("done"))),
        held=_read_held(raw.get("held")),
        held_from=when(raw.get("held_from")),
        apart=dict(_read_apart(raw.get("apart"))),
    )


def _read_held(raw: object) -> dict[int, int]:
    flat = _list(raw)
    return dict(zip(_from_steps(flat[::2]), _from_steps(flat[1::2]), strict=False))


def _read_apart(raw: object) -> Iterable[tuple[str, Place]]:
    for connection_id, place in object_at(raw).items():
        first, second = [*_list(place), None, None][:2]
        job_id, ended_at = integer(first), when(second)
        if job_id is None or ended_at is None:
            raise UnreadableBookmark("it has no place for a connection that could not be read")
        yield connection_id, Place(job_id, ended_at)


def _steps(numbers: Iterable[int]) -> Iterable[int]:
    """The first number and then the distances: short, as ids and times lie close together."""
    before = 0
    for number in numbers:
        yield number - before
        before = number


def _from_steps(raw: object) -> Iterable[int]:
    total = 0
    for step in _list(raw):
        total += integer(step) or 0
        yield total


def _list(raw: object) -> list[object]:
    return raw if isinstance(raw, list) else []


def begin_of(start_from: datetime | timedelta, now: datetime) -> datetime:
    """The time from which on a first tick tells syncs; `now` is Airbyte's clock."""
    begin = now - start_from if isinstance(start_from, timedelta) else start_from
    # Airbyte prints whole seconds: a job that ended within this second must not be missed.
    return begin.astimezone(timezone.utc).replace(microsecond=0)
