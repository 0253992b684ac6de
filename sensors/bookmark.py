"""Where the sensor stopped reading Airbyte's job history. A bookmark, never the proof: what has
been told stands in Dagster's event log, so losing it repeats nothing."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.resources.reading import integer, text, when

VERSION = 1

# Airbyte takes a job's end time before it commits, on several machines, so a job can appear with
# an end older than jobs already read. History is read again this far back at each tick.
OVERLAP = timedelta(minutes=5)

_MOST_BYTES = 7_500


class UnreadableBookmark(Exception):
    """Raised if a cursor is not a bookmark of this workspace; the text says why."""


@dataclass(frozen=True)
class Bookmark:
    """History is read up to `since`. All times are Airbyte's clock.

    Of what ended in the last minutes before, `done` names the jobs that are done; what ended
    earlier is done unless it waits. `held` names the jobs that wait, with the time (Dagster's
    clock, epoch seconds) since when; the first of them ended at `held_from`. Nothing older than
    `begin` is ever told.
    """

    workspace_id: str
    begin: datetime
    since: datetime
    done: frozenset[int] = frozenset()
    held: Mapping[int, int] = field(default_factory=dict)
    held_from: datetime | None = None

    @property
    def read_from(self) -> datetime:
        back = self.since - OVERLAP
        return max(min(back, self.held_from or back), self.begin)

    def knows(self, job: Job) -> bool:
        """Whether the job is done."""
        if job.id in self.done or job.id in self.held:
            return job.id in self.done
        return job.ended_at is not None and job.ended_at < self.since - OVERLAP

    def to_cursor(self) -> str:
        """JSON of less than 8 kB. Of too many done jobs the oldest are left out, and looked up in
        the event log again."""
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
            "done": list(_steps(self.done)),
        }
        if self.held:
            times = sorted(set(self.held.values()))
            fields["held"] = [
                [at, *_steps(job_id for job_id, since in self.held.items() if since == at)]
                for at in times
            ]
        if self.held_from is not None:
            fields["held_from"] = self.held_from.isoformat()
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
    )


def _read_held(raw: object) -> dict[int, int]:
    groups = (group for group in _list(raw) if isinstance(group, list) and group)
    return {job_id: integer(at) or 0 for at, *ids in groups for job_id in _from_steps(ids)}


def _steps(ids: Iterable[int]) -> Iterable[int]:
    """Ids in order, the first one and then the distances: short, as ids lie close together."""
    before = 0
    for job_id in sorted(ids):
        yield job_id - before
        before = job_id


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
