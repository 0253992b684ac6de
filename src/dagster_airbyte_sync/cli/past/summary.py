"""What `backfill` and `cursor` show. Pure, but for the names of connections, which are given."""

from collections.abc import Callable, Sequence

from rich.table import Table

from dagster_airbyte_sync.cli.past.stored_sensor import Activity
from dagster_airbyte_sync.cli.tables import Column, counted, moment, number, table
from dagster_airbyte_sync.sensors import Bookmark, Outcome

NameOf = Callable[[str], str]

_COLUMNS = (
    Column("connection"),
    Column("syncs", "right"),
    Column("materializations", "right"),
    Column("observations", "right"),
    Column("evaluations", "right"),
)


def outcome_table(outcome: Outcome, name_of: NameOf, width: int) -> Table:
    """A line for each connection that has something to be stored."""
    ids = outcome.connection_ids
    rows = [
        (
            name_of(each),
            number(outcome.jobs[each]),
            number(outcome.materializations[each]),
            number(outcome.observations[each]),
            number(outcome.evaluations[each]),
        )
        for each in sorted(ids, key=name_of)
    ]
    return table(_COLUMNS, rows, width=width)


def outcome_json(outcome: Outcome, automated: int, name_of: NameOf) -> dict[str, object]:
    """The same for programs; `automated` counts the assets whose conditions fire."""
    ids = outcome.connection_ids
    return {
        "connections": [
            {
                "connection_id": each,
                "name": name_of(each),
                "syncs": outcome.jobs[each],
                "materializations": outcome.materializations[each],
                "observations": outcome.observations[each],
                "evaluations": outcome.evaluations[each],
            }
            for each in sorted(ids, key=name_of)
        ],
        "materializations": outcome.materializations.total(),
        "observations": outcome.observations.total(),
        "evaluations": outcome.evaluations.total(),
        "fresh_tables": len(outcome.fresh),
        "automated_assets": automated,
        "left_to_runs": outcome.waiting.total(),
        "unreadable": outcome.unreadable.total(),
    }


def consequences(outcome: Outcome, automated: int) -> str:
    """What happens in Dagster once this is stored."""
    if not (outcome.fresh or outcome.observations):
        return (
            "Only checks are evaluated: nothing becomes fresh, and no automation condition fires."
        )
    if not outcome.fresh:
        return (
            "Nothing becomes fresh: each of these syncs is older than its table's last report, so"
            " it is an observation, and no automation condition fires."
        )
    tables = counted(len(outcome.fresh), "table")
    if not automated:
        return f"{tables} will be materialized. No asset downstream is automated."
    depends = "depends" if automated == 1 else "depend"
    return (
        f"{tables} will be materialized. Automation conditions will fire on"
        f" {counted(automated, 'asset')} that {depends} on them, unless their automation sensor is"
        " off. No run is requested from here."
    )


def left_out(outcome: Outcome) -> list[str]:
    """A line for each kind of sync that is not stored, and why."""
    lines = []
    if waiting := outcome.waiting.total():
        lines.append(f"Left to Dagster runs in progress: {counted(waiting, 'sync')}.")
    if unreadable := outcome.unreadable.total():
        lines.append(
            f"Left out, because their connections' tables are unknown now (see the warnings):"
            f" {counted(unreadable, 'sync')}."
        )
    return lines


def bookmark_lines(
    bookmark: Bookmark, sensor: str, activity: Activity, name_of: NameOf
) -> Sequence[str]:
    """The cursor in words; times of Airbyte's clock."""
    lines = [
        f"{sensor} is {activity.value}.",
        f"History is read up to {moment(bookmark.read_up_to)}. The next tick continues from"
        f" {moment(bookmark.read_from)}, and skips what it knows already.",
        f"It never reports what ended before {moment(bookmark.begin)}.",
    ]
    for each in bookmark.waiting:
        waits = f"has been waiting since {moment(each.since)}" if each.since else "is waiting"
        lines.append(
            f"{name_of(each.connection_id)} {waits} with job {each.job_id}, which ended"
            f" {moment(each.ended_at)}: {each.reason.value}."
        )
    if not bookmark.waiting:
        lines.append("No connection is waiting.")
    if bookmark.waiting_runs:
        names = ", ".join(sorted(map(name_of, bookmark.waiting_runs)))
        lines.append(
            f"Runs that follow {names} have been waiting since {moment(bookmark.runs_since)}, until"
            " history is read to its end."
        )
    return lines


def bookmark_json(
    bookmark: Bookmark, sensor: str, activity: Activity, name_of: NameOf
) -> dict[str, object]:
    return {
        "sensor": sensor,
        "activity": activity.name.lower(),
        "read_up_to": bookmark.read_up_to.isoformat(),
        "read_from": bookmark.read_from.isoformat(),
        "begin": bookmark.begin.isoformat(),
        "waiting": [
            {
                "connection_id": each.connection_id,
                "name": name_of(each.connection_id),
                "job_id": each.job_id,
                "ended_at": each.ended_at.isoformat(),
                "since": each.since.isoformat() if each.since else None,
                "reason": each.reason.name.lower(),
            }
            for each in bookmark.waiting
        ],
        "waiting_runs": [
            {"connection_id": each, "name": name_of(each), "first_job_id": job_id}
            for each, job_id in sorted(bookmark.waiting_runs.items())
        ],
    }
