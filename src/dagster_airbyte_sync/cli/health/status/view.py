"""What `status` shows: a table, sentences under it, or JSON. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich.table import Table

from dagster_airbyte_sync.cli.health.reported import Reported
from dagster_airbyte_sync.cli.health.status.rows import State, StatusRow
from dagster_airbyte_sync.cli.health.status.words import connection_word
from dagster_airbyte_sync.cli.tables import (
    NOTHING,
    WIDE,
    Cell,
    Column,
    counted,
    in_seconds,
    iso,
    moment,
    number,
    roughly,
    table,
)
from dagster_airbyte_sync.resources.schedules.schedule_words import schedule_words

# From this width on there is room for when the next sync is due.
_ROOM_FOR_NEXT = 96
# And from this one, for reasons beside their connections in place of below them.
ROOM_FOR_WHY = 150
# So much of a reason is shown, in letters: JSON has all of it.
_LONGEST, _LONGEST_WIDE = 90, 140

_STYLES = {
    State.FAILED: "red",
    State.PARTIAL: "red",
    State.CANCELLED: "red",
    State.LATE: "red",
    State.WARNED: "yellow",
    State.RUNNING: "cyan",
    State.GOOD: "green",
}

# What the column "reported" says, and how.
REPORTED_CELLS = {
    Reported.YES: Cell("yes"),
    Reported.NO: Cell("no", "yellow"),
    Reported.PARTLY: Cell("partly", "yellow"),
    Reported.NOT_DUE: Cell(NOTHING),
    Reported.UNKNOWN: Cell("unknown", "dim"),
}


def reported_json(reported: Reported) -> str | None:
    """Null is for what is not known."""
    return None if reported is Reported.UNKNOWN else reported.value


def status_table(rows: Sequence[StatusRow], now: datetime, width: int) -> Table:
    """A row for each connection; what does not fit the width is left out, the reason never."""
    columns = list(_columns(width))
    cells = (_cells(row, now, width) for row in rows)
    return table([each for each, _ in columns], _picked(cells, columns), width=width)


def _columns(width: int) -> Iterator[tuple[Column, str]]:
    """Each column, and the name of its cell."""
    yield Column("state", no_wrap=True), "state"
    yield Column("connection"), "connection"
    yield Column("last sync", "right", no_wrap=True), "last"
    yield Column("rows", "right", no_wrap=True), "rows"
    if width >= _ROOM_FOR_NEXT:
        yield Column("next", "right", no_wrap=True), "next"
    if width >= WIDE:
        yield Column("schedule"), "schedule"
    yield Column("reported", no_wrap=True), "reported"
    if width >= ROOM_FOR_WHY:
        yield Column("why"), "why"


def _picked(
    rows: Iterator[Mapping[str, str | Cell]], columns: Sequence[tuple[Column, str]]
) -> Iterator[Sequence[str | Cell]]:
    for row in rows:
        yield [row[name] for _, name in columns]


def _cells(row: StatusRow, now: datetime, width: int) -> dict[str, str | Cell]:
    is_wide = width >= ROOM_FOR_WHY
    why = "; ".join(filter(None, [*row.remarks, row.reason]))
    why = shortened(why, _LONGEST_WIDE if is_wide else _LONGEST)
    last = row.last
    return {
        "state": Cell(_word(row), _style(row)),
        "connection": Cell(row.connection.name, below="" if is_wide else why),
        "last": _ago(last.ended_at if last else None, now),
        "rows": number(last.rows if last else None),
        "next": _next(row, now),
        "schedule": schedule_words(row.connection.schedule),
        "reported": REPORTED_CELLS[row.reported],
        "why": why,
    }


def _style(row: StatusRow) -> str:
    # What was good the last time that Airbyte answered may not be so now.
    is_stale = row.state is State.GOOD and not row.is_current
    return "dim" if is_stale else _STYLES.get(row.state, "dim")


def _word(row: StatusRow) -> str:
    is_paused = row.state is State.PAUSED
    return connection_word(row.connection) if is_paused else row.state.value


def shortened(text: str, longest: int) -> str:
    """The beginning of a text."""
    return text if len(text) <= longest else f"{text[: longest - 3].rstrip()}..."


def _ago(at: datetime | None, now: datetime) -> str:
    return NOTHING if at is None else f"{roughly(now - at)} ago"


def _next(row: StatusRow, now: datetime) -> str:
    if row.next_at is None:
        return NOTHING
    return f"in {roughly(row.next_at - now)}" if row.next_at > now else "due"


def summary(rows: Sequence[StatusRow]) -> str:
    """ "12 connections: 2 failed, 1 late, 9 good." """
    counts = Counter(row.state for row in rows)
    parts = [_counted(state, counts[state]) for state in State if counts[state]]
    return f"{counted(len(rows), 'connection')}{': ' if parts else ''}{', '.join(parts)}."


def _counted(state: State, count: int) -> str:
    # The other words are no nouns.
    if state is State.WARNED:
        return counted(count, state.value)
    return f"{number(count)} {state.value}"


def status_json(
    rows: Sequence[StatusRow], now: datetime, notes: Sequence[str], *, is_answered: bool = True
) -> Mapping[str, object]:
    """All that is known, with times in ISO 8601 and spans in seconds."""
    return {
        "at": now.isoformat(),
        "airbyte_answered": is_answered,
        "notes": list(notes),
        "connections": [_as_json(row) for row in rows],
    }


def _as_json(row: StatusRow) -> Mapping[str, object]:
    last, late = row.last, row.late
    return {
        "id": row.connection.id,
        "name": row.connection.name,
        "state": row.state.value,
        "reason": row.reason or None,
        "failing_since": iso(row.since),
        "last_known_from": last and ("dagster" if row.is_as_reported else "airbyte"),
        "last_job_id": last and last.id,
        "last_outcome": last and last.status.value,
        "last_type": last and last.type.value,
        "last_ended_at": iso(last.ended_at if last else None),
        "rows": last and last.rows,
        "bytes": last and last.bytes,
        "running_job_id": row.running and row.running.id,
        "schedule": schedule_words(row.connection.schedule),
        "next_at": iso(row.next_at),
        "late_by_seconds": in_seconds(late.by if late else None),
        "reported": reported_json(row.reported),
    }


def heading(now: datetime) -> str:
    """Above a table that is shown again and again."""
    return f"At {moment(now)}. Ctrl-C ends this."
