"""What `history` shows: a table, its totals, or JSON. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from rich.table import Table

from dagster_airbyte_sync.assets.sync.progress import in_units
from dagster_airbyte_sync.cli.health.history.rows import OUTSIDE, HistoryRow, Totals
from dagster_airbyte_sync.cli.health.status.view import (
    REPORTED_CELLS,
    ROOM_FOR_WHY,
    reported_json,
    shortened,
)
from dagster_airbyte_sync.cli.health.status.words import failure_words
from dagster_airbyte_sync.cli.tables import (
    NOTHING,
    WIDE,
    Cell,
    Column,
    counted,
    duration,
    in_seconds,
    iso,
    number,
    table,
)

# From this width on there is room for how long a sync took.
_ROOM_FOR_DURATION = 96
_LONGEST, _LONGEST_WIDE = 70, 140
_UNKNOWN = "unknown"

_STYLES = {"succeeded": "green", "refreshed": "green", "failed": "red", "cancelled": "red"}


def history_table(rows: Sequence[HistoryRow], width: int, *, who: bool = False) -> Table:
    """A row for each sync; what does not fit the width is left out, the reason never.

    With `who` neither is who started it, nor that this is unknown.
    """
    columns = list(_columns(width))
    cells = ([_cells(row, width, who=who)[name] for _, name in columns] for row in rows)
    return table([each for each, _ in columns], cells, width=width)


def _columns(width: int) -> Iterator[tuple[Column, str]]:
    """Each column, and the name of its cell."""
    yield Column("ended (UTC)", no_wrap=True), "ended"
    yield Column("connection"), "connection"
    yield Column("outcome", no_wrap=True), "outcome"
    yield Column("rows", "right", no_wrap=True), "rows"
    if width >= _ROOM_FOR_DURATION:
        yield Column("took", "right", no_wrap=True), "took"
    if width >= WIDE:
        yield Column("size", "right", no_wrap=True), "size"
        yield Column("started by"), "started"
    yield Column("reported", no_wrap=True), "reported"
    if width >= ROOM_FOR_WHY:
        yield Column("why"), "why"


def _cells(row: HistoryRow, width: int, *, who: bool) -> dict[str, str | Cell]:
    job, is_wide = row.job, width >= ROOM_FOR_WHY
    why = shortened(failure_words(job), _LONGEST_WIDE if is_wide else _LONGEST)
    starter = row.started_by or (_UNKNOWN if who else NOTHING)
    below = "" if is_wide else "; ".join(filter(None, [_below(row, width, who=who), why]))
    return {
        "ended": _ended(job.ended_at),
        "connection": Cell(row.connection_name, below=below),
        "outcome": Cell(row.outcome, _STYLES.get(row.outcome, "yellow")),
        "rows": number(job.rows),
        "took": _took(job.duration),
        "size": NOTHING if job.bytes is None else in_units(job.bytes),
        "started": starter,
        "reported": REPORTED_CELLS[row.reported],
        "why": why,
    }


def _below(row: HistoryRow, width: int, *, who: bool) -> str:
    """Who started it, where there is no column for that, and it was asked for."""
    if width >= WIDE or not who:
        return ""
    if row.started_by == OUTSIDE:
        return "started outside of Dagster"
    return f"started by {row.started_by}" if row.started_by else f"started by: {_UNKNOWN}"


def _took(span: timedelta | None) -> str:
    # Airbyte counts whole seconds.
    return "< 1 s" if span is not None and not span else duration(span)


def _ended(at: datetime | None) -> str:
    return at.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M") if at else NOTHING


def totals_lines(shown: int, all_of_them: Totals) -> Iterator[str]:
    """What all syncs of the time come to, also those that are not shown."""
    if shown < all_of_them.jobs:
        yield f"The last {number(shown)} of {number(all_of_them.jobs)} are shown: see --limit."
    outcomes = ", ".join(f"{number(n)} {word}" for word, n in all_of_them.outcomes.items())
    ended = f"{counted(all_of_them.jobs, 'sync')}{f': {outcomes}' if outcomes else ''}"
    moved = [
        "" if all_of_them.rows is None else counted(all_of_them.rows, "row"),
        "" if all_of_them.bytes is None else in_units(all_of_them.bytes),
        f"{_took(all_of_them.duration)} of syncing" if all_of_them.jobs else "",
    ]
    yield "; ".join(filter(None, [ended, ", ".join(filter(None, moved))])) + "."
    if all_of_them.unreported:
        one = all_of_them.unreported == 1
        yield f"{number(all_of_them.unreported)} {'is' if one else 'are'} not reported to Dagster."


def history_json(
    rows: Sequence[HistoryRow],
    all_of_them: Totals,
    since: datetime,
    until: datetime,
    notes: Sequence[str],
    *,
    is_answered: bool = True,
) -> Mapping[str, object]:
    """All that is known, with times in ISO 8601 and spans in seconds."""
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "airbyte_answered": is_answered,
        "notes": list(notes),
        "syncs": [_as_json(row) for row in rows],
        "totals": {
            "syncs": all_of_them.jobs,
            "outcomes": dict(all_of_them.outcomes),
            "rows": all_of_them.rows,
            "bytes": all_of_them.bytes,
            "duration_seconds": all_of_them.duration.total_seconds(),
            "not_reported": all_of_them.unreported,
        },
    }


def _as_json(row: HistoryRow) -> Mapping[str, object]:
    job = row.job
    return {
        "connection_id": job.connection_id,
        "connection_name": row.connection_name,
        "job_id": job.id,
        "type": job.type.value,
        "outcome": row.outcome,
        "reason": failure_words(job) or None,
        "created_at": iso(job.created_at),
        "started_at": iso(job.started_at),
        "ended_at": iso(job.ended_at),
        "duration_seconds": in_seconds(job.duration),
        "attempts": job.attempts,
        "rows": job.rows,
        "bytes": job.bytes,
        "started_by": row.started_by or None,
        "reported": reported_json(row.reported),
    }
