"""What the failure sensor keeps from tick to tick: where it stopped reading, what it still holds,
and which late connections it has started a run for."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dagster_airbyte_sync.resources import Job, JobFailure, JobStatus, JobType
from dagster_airbyte_sync.resources.json_values import as_datetime, as_int, as_text
from dagster_airbyte_sync.sensors.cursor.cursor import Cursor, UnreadableCursor, read_cursor
from dagster_airbyte_sync.sensors.cursor.packing import (
    NotPacked,
    pack,
    pack_text,
    unpack,
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

_STATUS = {
    ProblemKind.FAILED: JobStatus.FAILED,
    ProblemKind.CANCELLED: JobStatus.CANCELLED,
    ProblemKind.EMPTY: JobStatus.SUCCEEDED,
}


@dataclass(frozen=True)
class FailureCursor:
    """`look_at` is when to look next for late connections (Dagster's clock, epoch seconds), and
    `late` has the marks of those that were late at the last look and have had their run."""

    history: Cursor
    held: Mapping[Pair, Held] = field(default_factory=dict)
    look_at: int | None = None
    late: frozenset[int] = frozenset()

    def to_text(self) -> str:
        fields: dict[str, object] = {
            "v": VERSION,
            "history": json.loads(self.history.to_text()),
            "held": _pack_held(self.held.values()),
            "look_at": self.look_at,
            "late": pack(sorted(self.late)[:_MOST_MARKS]) if self.late else "",
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
            held={each.pair: each for each in _read_held(raw.get("held"))},
            look_at=as_int(raw.get("look_at")),
            late=frozenset(unpack(str(raw["late"])) if "late" in raw else ()),
        )
    except (NotPacked, ValueError, LookupError, RecursionError):
        raise UnreadableCursor("its list of problems is damaged") from None


def _pack_held(held: Iterable[Held]) -> str:
    held = sorted(held, key=lambda each: each.pair)
    packed = ""
    for longest in _REASONS if held else ():
        packed = pack_text(json.dumps([_as_row(each, longest) for each in held]))
        if len(packed) <= _MOST_BYTES:
            break
    return packed


def _as_row(held: Held, longest: int) -> list[object]:
    job = held.job
    return [
        job.connection_id,
        held.kind.value,
        job.id,
        job.created_at and int(job.created_at.timestamp()),
        job.ended_at and int(job.ended_at.timestamp()),
        held.since,
        held.others,
        job.failure.message[:longest] if job.failure and longest else None,
    ]


def _read_held(packed: object) -> Iterable[Held]:
    rows = [] if packed is None else json.loads(unpack_text(str(packed)))
    for row in rows:
        yield _held_of(row)


def _held_of(row: object) -> Held:
    """The job has what matters of it here. Raises ValueError."""
    connection_id, kind, job_id, created, ended, since, others, reason = _parts(row)
    known_id, known_since = as_int(job_id), as_int(since)
    if known_id is None or known_since is None:
        raise ValueError(row)
    kind, message = ProblemKind(str(kind)), as_text(reason)
    job = Job(
        known_id,
        str(connection_id),
        JobType.UNKNOWN,
        _STATUS[kind],
        created_at=as_datetime(created),
        updated_at=as_datetime(ended),
        failure=JobFailure(message) if message else None,
    )
    return Held(kind, job, known_since, as_int(others) or 0)


def _parts(row: object) -> list[object]:
    if not isinstance(row, list) or len(row) != 8:
        raise ValueError(row)
    return row
