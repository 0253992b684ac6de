"""Where the sensor stopped reading Airbyte's job history. A place, never the proof: what was
reported stands in Dagster's event log, so losing it repeats nothing and loses nothing."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from itertools import chain

from dagster_airbyte_sync.resources import INSTANCE, Job
from dagster_airbyte_sync.resources.json_values import as_datetime, as_int, as_text, object_at
from dagster_airbyte_sync.sensors.cursor.pace import UNMEASURED, Pace, pace_of
from dagster_airbyte_sync.sensors.cursor.packing import (
    NotPacked,
    pack,
    pack_text,
    unpack,
    unpack_text,
)
from dagster_airbyte_sync.sensors.cursor.pending import (
    UNKNOWN,
    JobKey,
    Pending,
    Reason,
    end_of,
    job_key,
    pending_of,
)
from dagster_airbyte_sync.sensors.cursor.waiting_runs import WaitingRuns, waiting_runs_of
from dagster_airbyte_sync.sensors.cursor.workspaces_read import WorkspacesRead, workspaces_read_of

VERSION = 4

# Airbyte takes a job's end time before it commits, on several machines, so a job can appear with
# an end older than jobs already read. History is read again this far back for as long.
OVERLAP = timedelta(minutes=5)

# Of what is not pending. Where Dagster's storage is MySQL, a cursor has room for 64 kB.
_MOST_BYTES = 7_500
# Of the names of done jobs, also where a thousand workspaces take all the room.
_LEAST_BYTES = 2_500


class UnreadableCursor(Exception):
    """Raised if a text is no cursor of this workspace; the text says why."""


@dataclass(frozen=True)
class Cursor:
    """History is read up to `since`. All times are Airbyte's clock.

    What ended before `floor` is done, and of what ended later the jobs that `done` names. The floor
    follows `since` at a distance that shrinks while nothing new comes: `reached` is Airbyte's time
    as `since` last moved. `pending` has, by connection id, the job from which on only what `done`
    names is done, whatever the floor says: mostly the first that is still to be reported.

    Jobs that ended before `begin` are never reported. A sensor that had no cursor began at
    `resumed_at`: what had ended before its `start_from` by then is reported only if it is newer
    than its connection's last report, or, if there is none, ended from `unreported_from` on. `skew`
    is how many seconds Airbyte's clock was ahead of Dagster's. `runs` are those that follow what is
    reported already, and wait. How the connections stand was last looked at at `looked_at`
    (Dagster's clock, epoch seconds), and `place` is where among the tables that look ended to say
    again what runs have left. `pace` is how fast Dagster stores what is reported. `workspaces` says
    of an instance which are read up to here.
    """

    workspace_id: str
    begin: datetime
    since: datetime
    floor: datetime
    done: frozenset[JobKey] = frozenset()
    pending: Mapping[str, Pending] = field(default_factory=dict)
    reached: datetime | None = None
    resumed_at: datetime | None = None
    unreported_from: datetime | None = None
    skew: int | None = None
    runs: WaitingRuns | None = None
    looked_at: int | None = None
    pace: Pace = UNMEASURED
    place: int = 0
    workspaces: WorkspacesRead | None = None

    @property
    def read_from(self) -> datetime:
        ends = [each.ended_at for each in self.pending.values() if not each.is_parked]
        return max(min([self.floor, *ends]), self.begin)

    @cached_property
    def parked(self) -> frozenset[str]:
        """The connections whose tables could not be known: history is not read for their sake."""
        return frozenset(key for key, each in self.pending.items() if each.is_parked)

    def is_pending(self, job: Job) -> bool:
        """Whether the job is the one with which its connection waits, or ended after that."""
        first = self.pending.get(job.connection_id)
        return first is not None and end_of(job) >= first.ended_at

    def knows(self, job: Job) -> bool:
        """Whether the job is done."""
        if job_key(job) in self.done:
            return True
        is_past = job.ended_at is not None and job.ended_at < self.floor
        return is_past and not self.is_pending(job)

    def brought_back(self, connection_ids: Iterable[str], now: int) -> "Cursor":
        """With parked connections waiting like any other, so that they are read again."""
        back = {each: self.pending[each].brought_back(now) for each in connection_ids}
        return replace(self, pending={**self.pending, **back})

    def to_text(self) -> str:
        """JSON in which `done`, `runs` and `workspaces` share 7.5 kB: of too many done jobs those
        that were created first are left out, and looked up in the event log again."""
        done = self.done
        runs = pack_text(_json(self.runs.as_row())) if self.runs else ""
        workspaces = pack_text(_json(self.workspaces.as_row())) if self.workspaces else ""
        room = max(_MOST_BYTES - len(runs) - len(workspaces), _LEAST_BYTES)
        while len(packed := _pack_done(done)) > room:
            by_creation = sorted(done, key=lambda job: (job[1], job[0]))
            done = frozenset(by_creation[len(by_creation) // 8 + 1 :])
        fields: dict[str, object] = {
            "v": VERSION,
            "workspace": self.workspace_id,
            "begin": self.begin.isoformat(),
            "since": self.since.isoformat(),
            "floor": self.floor.isoformat(),
            "reached": self.reached and self.reached.isoformat(),
            "resumed": self.resumed_at and self.resumed_at.isoformat(),
            "unreported": self.unreported_from and self.unreported_from.isoformat(),
            "skew": self.skew,
            "done": packed,
            "pending": _pack_pending(self.pending),
            "runs": runs,
            "looked": self.looked_at,
            "pace": self.pace.as_row(),
            "place": self.place or None,
            "workspaces": workspaces,
        }
        known = {name: value for name, value in fields.items() if value not in (None, "", [])}
        return _json(known)


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
    if not isinstance(raw, dict) or raw.get("v") not in (1, 2, 3, VERSION):
        raise UnreadableCursor("it was written by another version")
    if as_text(raw.get("workspace")) != workspace_id:
        raise UnreadableCursor("it belongs to another Airbyte workspace")
    begin, since = as_datetime(raw.get("begin")), as_datetime(raw.get("since"))
    if begin is None or since is None:
        raise UnreadableCursor("it has no readable times")
    floor = as_datetime(raw.get("floor")) or since - OVERLAP
    return Cursor(
        workspace_id,
        begin=begin,
        since=since,
        # Versions 1 to 3 did not say on which connection a job waits: history is read again from
        # the first of them, and the event log knows what was reported.
        floor=min(floor, as_datetime(raw.get("held_from")) or floor),
        # Versions 1 and 2 named jobs by their number alone.
        done=frozenset(_read_done(raw.get("done"))) if raw["v"] > 2 else frozenset(),
        pending={**dict(_read_pending(raw.get("pending"))), **dict(_read_apart(raw.get("apart")))},
        reached=as_datetime(raw.get("reached")),
        resumed_at=as_datetime(raw.get("resumed")),
        unreported_from=as_datetime(raw.get("unreported")),
        skew=as_int(raw.get("skew")),
        runs=_read_runs(raw.get("runs")),
        looked_at=as_int(raw.get("looked")),
        pace=pace_of(raw.get("pace")),
        place=as_int(raw.get("place")) or 0,
        workspaces=_read_workspaces(raw.get("workspaces")),
    )


def workspace_of(text: str | None) -> str | None:
    """The workspace that a cursor is of, readable or not in all else; None if that is unknown, or
    it is of several."""
    try:
        raw = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    name = as_text(raw.get("workspace")) if isinstance(raw, dict) else None
    return None if name is None or name.startswith(INSTANCE) else name


def _read_apart(raw: object) -> Iterable[tuple[str, Pending]]:
    """The connections that version 3 had parked: a job's number and its end."""
    for connection_id, place in object_at(raw).items():
        number, end, *_ = [*place, None, None] if isinstance(place, list) else [None, None]
        job_id, ended_at = as_int(number), as_datetime(end)
        if job_id is None or ended_at is None:
            raise UnreadableCursor("it has no place for a connection that could not be read")
        yield connection_id, Pending((job_id, UNKNOWN), ended_at, 0, Reason.UNREADABLE)


def _pack_done(done: Collection[JobKey]) -> str:
    # Numbers first, then times: neighbours are then alike.
    return pack(chain.from_iterable(zip(*sorted(done), strict=True))) if done else ""


def _read_done(packed: object) -> Iterable[JobKey]:
    try:
        numbers = [] if packed is None else unpack(str(packed))
    except NotPacked:
        raise UnreadableCursor("its list of done jobs is damaged") from None
    if len(numbers) % 2:
        raise UnreadableCursor("its list of done jobs is damaged")
    half = len(numbers) // 2
    return zip(numbers[:half], numbers[half:], strict=True)


def _pack_pending(pending: Mapping[str, Pending]) -> str:
    rows = {connection_id: pending[connection_id].as_row() for connection_id in sorted(pending)}
    return pack_text(_json(rows)) if rows else ""


def _read_pending(packed: object) -> Iterable[tuple[str, Pending]]:
    try:
        rows = {} if packed is None else json.loads(unpack_text(str(packed)))
    except (ValueError, RecursionError):
        raise UnreadableCursor("its list of pending jobs is damaged") from None
    for connection_id, row in object_at(rows).items():
        first = pending_of(row)
        if first is None:
            raise UnreadableCursor("its list of pending jobs is damaged")
        yield connection_id, first


def _read_runs(packed: object) -> WaitingRuns | None:
    try:
        return None if packed is None else waiting_runs_of(json.loads(unpack_text(str(packed))))
    except (ValueError, RecursionError):
        raise UnreadableCursor("its list of waiting runs is damaged") from None


def _read_workspaces(packed: object) -> WorkspacesRead | None:
    try:
        # It was not packed at first.
        row = json.loads(unpack_text(packed)) if isinstance(packed, str) else packed
    except (ValueError, RecursionError):
        raise UnreadableCursor("its list of workspaces is damaged") from None
    return workspaces_read_of(row)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def begin_of(start_from: datetime | timedelta, now: datetime) -> datetime:
    """The time from which on a first tick reports syncs; `now` is Airbyte's clock."""
    begin = now - start_from if isinstance(start_from, timedelta) else start_from
    # Airbyte prints whole seconds: a job that ended within this second must not be missed.
    return begin.astimezone(timezone.utc).replace(microsecond=0)
