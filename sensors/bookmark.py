"""Where the sensor stopped reading Airbyte's job history. A bookmark, never the proof: what has
been told stands in Dagster's event log, so losing it costs time and nothing else."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

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
    """All jobs that ended before `since` are done, and so are those in `done`.

    Times are Airbyte's clock. Nothing older than `begin` is ever told. `held` says since when
    (Dagster's clock, epoch seconds) a job waits for the run that is to report it.
    """

    workspace_id: str
    begin: datetime
    since: datetime
    done: frozenset[int] = frozenset()
    held: dict[int, int] = field(default_factory=dict)

    @property
    def read_from(self) -> datetime:
        return max(self.since - OVERLAP, self.begin)

    def to_cursor(self) -> str:
        """JSON of less than 8 kB. Of too many jobs the oldest are left out: those done are then
        looked up in the event log again, those held begin their wait anew."""
        bookmark = self
        while len(cursor := bookmark._written()) > _MOST_BYTES:
            bookmark = replace(
                bookmark,
                done=frozenset(_without_oldest(bookmark.done)),
                held={job_id: bookmark.held[job_id] for job_id in _without_oldest(bookmark.held)},
            )
        return cursor

    def _written(self) -> str:
        return json.dumps(
            {
                "v": VERSION,
                "workspace": self.workspace_id,
                "begin": self.begin.isoformat(),
                "since": self.since.isoformat(),
                "done": list(_steps(sorted(self.done))),
                "held": {str(job_id): seconds for job_id, seconds in sorted(self.held.items())},
            },
            separators=(",", ":"),
        )


def _without_oldest(ids: Iterable[int]) -> list[int]:
    """The ids without the lowest quarter; nothing of a few."""
    ordered = sorted(ids)
    return ordered[len(ordered) // 4 + 1 :]


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
    )


def _read_held(raw: object) -> dict[int, int]:
    pairs = raw.items() if isinstance(raw, dict) else ()
    read = ((integer(job_id), integer(seconds)) for job_id, seconds in pairs)
    return {
        job_id: seconds for job_id, seconds in read if job_id is not None and seconds is not None
    }


def _steps(ids: Iterable[int]) -> Iterable[int]:
    """Sorted ids as the first one and then the distances: short, as ids lie close together."""
    before = 0
    for job_id in ids:
        yield job_id - before
        before = job_id


def _from_steps(raw: object) -> Iterable[int]:
    total = 0
    for step in raw if isinstance(raw, list) else ():
        total += integer(step) or 0
        yield total


def begin_of(start_from: datetime | timedelta, now: datetime) -> datetime:
    """The time from which on a first tick tells syncs; `now` is Airbyte's clock."""
    begin = now - start_from if isinstance(start_from, timedelta) else start_from
    # Airbyte prints whole seconds: a job that ended within this second must not be missed.
    return begin.astimezone(timezone.utc).replace(microsecond=0)
