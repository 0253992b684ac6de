"""What `take-over` and `put-back` would change, as tables and as JSON. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table

from dagster_airbyte_sync.assets import PutBackResult, PutBackStep, TakeOverPlan
from dagster_airbyte_sync.cli.tables import Cell, Column, table
from dagster_airbyte_sync.resources import Connection, SyncSchedule
from dagster_airbyte_sync.resources.schedules.cron_fields import NoCron
from dagster_airbyte_sync.resources.schedules.schedule_times import crons_of, schedule_text
from dagster_airbyte_sync.resources.schedules.schedule_words import schedule_words

_TAKE_OVER = (
    Column("connection"),
    Column("schedule in Airbyte"),
    Column("what Dagster will run"),
    Column("id", no_wrap=True, only_wide=True),
)
_PUT_BACK = (
    Column("connection"),
    Column("in Airbyte now"),
    Column("afterwards"),
    Column("id", no_wrap=True, only_wide=True),
)

_STAYS = Cell("nothing: it is paused, and keeps its schedule", "dim")


def take_over_table(plan: TakeOverPlan, width: int) -> Table:
    """A row for each connection that has a schedule."""
    return table(_TAKE_OVER, _take_over_rows(plan), width=width)


def _take_over_rows(plan: TakeOverPlan) -> Iterator[Sequence[str | Cell]]:
    for each in plan.connections:
        yield each.name, schedule_words(each.schedule), _will_run(each, plan.reasons), each.id
    for each in plan.paused:
        yield each.name, schedule_words(each.schedule), _STAYS, each.id


def _will_run(connection: Connection, reasons: Mapping[str, str]) -> str | Cell:
    reason = reasons.get(connection.id)
    if reason is not None:
        return Cell(f"cannot be: {reason}", "red")
    runs = in_dagster(connection.schedule)
    return runs if connection.is_active else f"{runs}, once it is no longer paused"


def in_dagster(schedule: SyncSchedule) -> str:
    """The schedule as Dagster runs it: "0 12 * * * Europe/Berlin"; "" if cron cannot say it."""
    try:
        crons = " and ".join(crons_of(schedule))
    except NoCron:
        return ""
    return f"{crons} {schedule.cron_timezone or 'UTC'}"


def put_back_table(steps: Sequence[PutBackStep], width: int) -> Table:
    """A row for each schedule that was taken over."""
    return table(_PUT_BACK, map(_put_back_row, steps), width=width)


def _put_back_row(step: PutBackStep) -> Sequence[str | Cell]:
    taken, now = step.taken, step.now
    here = "gone" if now is None else schedule_words(now)
    return taken.connection_name, here, _afterwards(step), taken.connection_id


def _afterwards(step: PutBackStep) -> str | Cell:
    had = schedule_words(step.taken.schedule)
    if step.result is PutBackResult.RESTORED:
        return had
    return Cell(
        {
            PutBackResult.ALREADY_THERE: "as it is: it has its schedule already",
            PutBackResult.CHANGED_MEANWHILE: f"as it is: set meanwhile (it had {had})",
            PutBackResult.GONE: "it is no longer in Airbyte",
        }[step.result],
        "dim",
    )


def take_over_json(plan: TakeOverPlan, *, changed: bool) -> Mapping[str, object]:
    """What would be, or was, changed."""
    return {
        "changed": changed,
        "workspace_id": plan.workspaces[0] if len(plan.workspaces) == 1 else None,
        "connections": [
            {
                "id": each.id,
                "name": each.name,
                "schedule_in_airbyte": schedule_text(each.schedule),
                "schedule_in_dagster": in_dagster(each.schedule),
                "reason_against": plan.reasons.get(each.id),
            }
            for each in plan.connections
        ],
        "paused": [{"id": each.id, "name": each.name} for each in plan.paused],
    }


def put_back_json(steps: Sequence[PutBackStep], *, changed: bool) -> Mapping[str, object]:
    """What would be, or was, changed."""
    return {
        "changed": changed,
        "connections": [
            {
                "id": each.taken.connection_id,
                "name": each.taken.connection_name,
                "schedule": schedule_text(each.taken.schedule),
                "result": each.result.value,
            }
            for each in steps
        ],
    }
