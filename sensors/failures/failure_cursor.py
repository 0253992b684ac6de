"""What the failure sensor keeps from tick to tick: where it stopped reading, what it still holds,
and which late connections want no run."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dagster_airbyte_sync.resources import Job, JobFailure, JobStatus, JobType
from dagster_airbyte_sync.resources.json_values import as_datetime, as_int, as_text, object_at
from dagster_airbyte_sync.sensors.cursor.cursor import Cursor, UnreadableCursor, read_cursor
from dagster_airbyte_sync.sensors.cursor.packing import (
    pack_rows,
    pack_text,
    unpack_rows,
    unpack_text,
)
from dagster_airbyte_sync.sensors.failures.held import Held, Pair
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind

VERSION = 1

# Reasons are cut to these lengths, one after the other, until all that is held takes so little.
_REASONS = (500, 100, 0)
_MOST_BYTES = 16_000
# Dagster starts no run twice for those beyond.
_MOST_MARKS = 2_000


@dataclass(frozen=True)
class FailureCursor:
    """`look_at` is when to look next for late connections (Dagster's clock, epoch seconds), and
    `quiet` has the marks of those that are late and want no run, and until when."""

    history: Cursor
    held: Mapping[Pair, Held] = field(default_factory=dict)
    look_at: int | None = None
    quiet: Mapping[int, int] = field(default_factory=dict)

    def to_text(self) -> str:
        fields: dict[str, object] = {
            "v": VERSION,
            "history": json.loads(self.history.to_text()),
            "held": _pack_held(self.held.values()),
            "look_at": self.look_at,
            "quiet": _pack_quiet(self.quiet) if self.quiet else "",
        }
        known = {name: value for name, value in fields.items() if value not in (None, "")}
        return json.dumps(known, separators=(",", ":"))


def read_failure_cursor(text: str, workspace_id: str) -> FailureCursor:
    """The cursor that a text is, which a user may have edited. Raises UnreadableCursor."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableCursor("it is not JSON") from None
    if not isinstance(raw, dict) or raw.get("v") != VERSION or "history" not in raw:
        raise UnreadableCursor("it was written by another version, or by another kind of sensor")
    history = read_cursor(json.dumps(raw["history"]), workspace_id)
    try:
        return FailureCursor(
            history,
            held={each.pair: each for each in map(_held_of, _rows(raw.get("held")))},
            look_at=as_int(raw.get("look_at")),
            quiet=_read_quiet(raw["quiet"]) if "quiet" in raw else {},
        )
    except (ValueError, TypeError, RecursionError):
        raise UnreadableCursor("its list of problems is damaged") from None


def history_read_up_to(text: str | None) -> datetime | None:
    """How far a cursor is, on Airbyte's clock, whosever it is; None for what is no cursor."""
    try:
        raw = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return as_datetime(object_at(raw, "history").get("since"))


def _pack_quiet(quiet: Mapping[int, int]) -> str:
    return pack_rows({mark: (quiet[mark],) for mark in sorted(quiet)[:_MOST_MARKS]})


def _read_quiet(packed: object) -> dict[int, int]:
    return {mark: until for mark, (until,) in unpack_rows(str(packed), 1).items()}


def _rows(packed: object) -> Sequence[Sequence[object]]:
    return [] if packed is None else json.loads(unpack_text(str(packed)))


def _pack_held(held: Collection[Held]) -> str:
    packed = ""
    for longest in _REASONS if held else ():
        rows = [_as_row(each, longest) for each in sorted(held, key=lambda each: each.pair)]
        packed = pack_text(json.dumps(rows))
        if len(packed) <= _MOST_BYTES:
            break
    return packed


def _as_row(held: Held, longest: int) -> Sequence[object]:
    job = held.job
    times = [at and int(at.timestamp()) for at in (job.created_at, job.ended_at)]
    reason = job.failure.message[:longest] if job.failure and longest else None
    return job.connection_id, held.kind.value, job.id, *times, held.since, held.others, reason


def _held_of(row: Sequence[object]) -> Held:
    """The job has what matters of it here. Raises ValueError or TypeError."""
    connection_id, kind, job_id, created, ended, since, others, reason = row
    message = as_text(reason)
    job = Job(
        _number(job_id),
        str(connection_id),
        JobType.UNKNOWN,
        # For a finished job; what went wrong with it is in the kind.
        JobStatus.FAILED,
        created_at=as_datetime(created),
        updated_at=as_datetime(ended),
        failure=JobFailure(message) if message else None,
    )
    return Held(ProblemKind(kind), job, _number(since), _number(others))


def _number(value: object) -> int:
    number = as_int(value)
    if number is None:
        raise ValueError(value)
    return number
