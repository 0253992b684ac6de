"""What `report` shows: a table, Markdown for a review, or JSON. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from rich.table import Table

from dagster_airbyte_sync.cli.health.report.statistics import ConnectionReport, LeftOut, Spread
from dagster_airbyte_sync.cli.tables import (
    NOTHING,
    Cell,
    Column,
    counted,
    duration,
    in_seconds,
    moment,
    number,
    plain,
    table,
)

# From these widths on there is room for a column: what is left out first comes last.
_ALWAYS, _ROOMY, _WIDE = 0, 110, 150

# Below this rate a connection is red.
_POOR = 0.9


def _columns() -> Iterator[tuple[Column, str, int]]:
    """Each column, the name of its cell, and from which width on it is shown."""
    yield Column("connection"), "connection", _ALWAYS
    yield Column("syncs", "right", no_wrap=True), "syncs", _ALWAYS
    yield Column("success", "right", no_wrap=True), "success", _ALWAYS
    yield Column("p50", "right", no_wrap=True), "p50", _ROOMY
    yield Column("p95", "right", no_wrap=True), "p95", _ALWAYS
    yield Column("rows", "right", no_wrap=True), "rows", _ROOMY
    yield Column("queue p95", "right", no_wrap=True), "queue", _WIDE
    yield Column("late", "right", no_wrap=True), "late", _ALWAYS
    yield Column("late by", "right", no_wrap=True), "latest", _ROOMY
    yield Column("gap", "right", no_wrap=True), "gap", _ALWAYS
    yield Column("unreported", "right", no_wrap=True), "unreported", _WIDE


def report_table(reports: Sequence[ConnectionReport], width: int) -> Table:
    """A row for each connection; what does not fit the width is left out."""
    shown = [(column, name) for column, name, least in _columns() if width >= least]
    rows = ([_cells(each)[name] for _, name in shown] for each in reports)
    return table([column for column, _ in shown], rows, width=width)


def _cells(report: ConnectionReport) -> dict[str, str | Cell]:
    took, queue = report.duration, report.queue
    return {
        "connection": report.connection.name,
        "syncs": number(report.syncs),
        "success": Cell(rate_text(report.success_rate), _style(report.success_rate)),
        "p50": _span(took.p50 if took else None),
        "p95": _span(took.p95 if took else None),
        "rows": number(report.rows),
        "queue": _span(queue.p95 if queue else None),
        "late": Cell(number(report.late), "red" if report.late else ""),
        "latest": _span(report.latest),
        "gap": _span(report.longest_gap),
        "unreported": Cell(number(report.unreported), "yellow" if report.unreported else ""),
    }


def _style(rate: float | None) -> str:
    if rate is None or rate == 1:
        return ""
    return "red" if rate < _POOR else "yellow"


def rate_text(rate: float | None) -> str:
    """In percent; 100 % and 0 % are never rounded to."""
    if rate is None:
        return NOTHING
    if rate in (0, 1):
        return f"{rate:.0%}"
    return f"{min(max(rate, 0.001), 0.999):.1%}"


def _span(value: timedelta | None) -> str:
    # Airbyte counts whole seconds.
    return "< 1 s" if value is not None and not value else duration(value)


def report_lines(
    reports: Sequence[ConnectionReport], left_out: LeftOut, since: datetime, until: datetime
) -> Iterator[str]:
    """What the table is of, what all connections come to, and what `history` has besides."""
    succeeded = sum(each.succeeded for each in reports)
    failed = sum(each.failed for each in reports)
    syncs = sum(each.syncs for each in reports)
    decided = succeeded + failed
    rate = f"{rate_text(succeeded / decided)} succeeded, " if decided else ""
    late = [each.late for each in reports if each.late is not None]
    were_late = counted(sum(map(bool, late)), "connection was", "connections were")
    yield (
        f"{counted(len(reports), 'connection')}, {moment(since)} to {moment(until)}:"
        f" {counted(syncs, 'sync')}, {rate}{number(failed)} failed,"
        f" {number(syncs - decided)} cancelled{f'; {were_late} late' if late else ''}."
    )
    deleted, clears = left_out.deleted_connections, left_out.clears
    parts = [
        f"{counted(deleted, 'sync')} of deleted connections" if deleted else "",
        counted(clears, "clear") if clears else "",
    ]
    if any(parts):
        yield f"Left out: {', '.join(filter(None, parts))}."


def markdown(
    reports: Sequence[ConnectionReport],
    left_out: LeftOut,
    since: datetime,
    until: datetime,
    notes: Sequence[str],
) -> str:
    """The same with all columns, for a review."""
    titles = [column.title for column, _, _ in _columns()]
    names = [name for _, name, _ in _columns()]
    rules = ["---:" if column.justify == "right" else "---" for column, _, _ in _columns()]
    rows = ([_in_markdown(_cells(each)[name]) for name in names] for each in reports)
    lines = ["# Airbyte syncs", "", *report_lines(reports, left_out, since, until), ""]
    lines += [_line(each) for each in (titles, rules, *rows)]
    lines += ["", *(f"- {_LEGEND[title]}" for title in titles if title in _LEGEND)]
    return "\n".join([*lines, *(f"- {note}" for note in notes)])


_LEGEND = {
    "success": "success: of the syncs that succeeded or failed; cancelled ones do not count.",
    "p95": "p50, p95: how long half, and 19 of 20, of those that succeeded took at most.",
    "queue p95": "queue: from a job's creation to its first attempt.",
    "late": "late: how often successes were further apart than today's schedule allows.",
    "gap": "gap: the longest time between two successes, or between one and an end of the period.",
    "unreported": "unreported: syncs that Dagster's event log does not have.",
}


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _in_markdown(cell: str | Cell) -> str:
    """A name in Airbyte must not break the table, nor be read as HTML."""
    text = plain(cell if isinstance(cell, str) else cell.text)
    for letter in "\\|<>[]*_`":
        text = text.replace(letter, f"\\{letter}")
    return text


def report_json(
    reports: Sequence[ConnectionReport],
    left_out: LeftOut,
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
        "left_out": asdict(left_out),
        "connections": [_as_json(each) for each in reports],
    }


def _as_json(report: ConnectionReport) -> Mapping[str, object]:
    return {
        "id": report.connection.id,
        "name": report.connection.name,
        "syncs": report.syncs,
        "succeeded": report.succeeded,
        "failed": report.failed,
        "cancelled": report.cancelled,
        "success_rate": report.success_rate,
        "rows": report.rows,
        "duration_seconds": _spread(report.duration),
        "queue_seconds": _spread(report.queue),
        "late": report.late,
        "late_by_seconds": in_seconds(report.latest),
        "longest_gap_seconds": report.longest_gap.total_seconds(),
        "not_reported": report.unreported,
    }


def _spread(spread: Spread | None) -> Mapping[str, float] | None:
    if spread is None:
        return None
    times = {"p50": spread.p50, "p95": spread.p95, "longest": spread.longest}
    return {name: each.total_seconds() for name, each in times.items()}
