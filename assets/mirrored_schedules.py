"""Dagster schedules that fire when Airbyte's own would."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets import metadata as keys
from dagster_airbyte_sync.assets.cron_fields import NoCron
from dagster_airbyte_sync.assets.definitions import group_by_connection, op_names
from dagster_airbyte_sync.assets.tables import ConnectionSelector, Table, selected_tables
from dagster_airbyte_sync.assets.taken_schedules import TakenOver
from dagster_airbyte_sync.assets.timing import crons_of, in_words
from dagster_airbyte_sync.assets.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import (
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    Connection,
    load_catalog,
)


def build_schedules_from_airbyte(
    workspace: BaseAirbyteWorkspace,
    *,
    connection_selector_fn: ConnectionSelector | None = None,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    resource_key: str = "airbyte",
    default_status: dg.DefaultScheduleStatus = dg.DefaultScheduleStatus.STOPPED,
    execution_timezone: str | None = None,
    taken_over: TakenOver | None = None,
    snapshot: Path | None = None,
) -> Sequence[dg.ScheduleDefinition]:
    """One schedule for each selected connection that Airbyte syncs by a schedule of its own.

    A run of it materializes the connection's tables, which must be assets that sync
    (`build_airbyte_assets_definitions`). Manual and inactive connections have none.

    Both this schedule and Airbyte's own would sync twice, so the schedules are stopped until they
    are started: first `take_over_schedules`, then start them, and from then on give here as
    `taken_over` what that call printed, because Airbyte itself does not know the schedules any
    more.

    Times are those of Airbyte, in the time zone of its cron. Basic intervals have none in Airbyte,
    where they count from the last scheduled sync; here they fire at round times in
    `execution_timezone` (default: UTC), and only those that divide an hour, a day or a week. When
    the clocks change, Dagster's rules hold for times that are skipped or come twice.

    With a `snapshot` file the schedules are those that Airbyte had when it was written.

    `resource_key` begins the names, so that two workspaces fit into one code location. Raises
    AirbyteSettingsError that names all connections whose schedule cron cannot say.
    """
    catalog = load_catalog(workspace, snapshot)
    tables = selected_tables(catalog, dagster_airbyte_translator, connection_selector_fn)
    groups = group_by_connection(tables)
    names = op_names(groups, f"{resource_key}_schedule")
    known = taken_over or TakenOver()
    scheduled = [known.before(catalog.connections[connection_id]) for connection_id in groups]
    scheduled = [each for each in scheduled if each.is_active and each.schedule.kind != "manual"]
    refuse_what_cron_cannot_say(scheduled)
    return [
        _schedule(names[each.id], each, groups[each.id], default_status, execution_timezone)
        for each in scheduled
    ]


def _schedule(
    name: str,
    connection: Connection,
    tables: Sequence[Table],
    default_status: dg.DefaultScheduleStatus,
    execution_timezone: str | None,
) -> dg.ScheduleDefinition:
    schedule = connection.schedule
    crons = crons_of(schedule)
    return dg.ScheduleDefinition(
        name=name,
        target=dg.AssetSelection.assets(*(table.key for table in tables)),
        cron_schedule=crons[0] if len(crons) == 1 else list(crons),
        execution_timezone=_zone(connection) or execution_timezone or "UTC",
        default_status=default_status,
        description=f"When Airbyte would sync {connection.name!r}: {in_words(schedule)}.",
        tags={keys.CONNECTION_ID: connection.id},
    )


def _zone(connection: Connection) -> str | None:
    schedule = connection.schedule
    return (schedule.cron_timezone or "UTC") if schedule.kind == "cron" else None


def refuse_what_cron_cannot_say(connections: Iterable[Connection]) -> None:
    """Raise AirbyteSettingsError that names every one of them whose schedule cron cannot say."""
    reasons = [reason for each in connections if (reason := _why_not(each))]
    if reasons:
        raise AirbyteSettingsError(
            f"Dagster has no schedule that fires as Airbyte does for {'; for '.join(reasons)}."
            " Change the schedule in Airbyte, or leave the connection out with"
            " connection_selector_fn."
        )


def _why_not(connection: Connection) -> str | None:
    named = f"connection {connection.name!r} ({connection.id}), {in_words(connection.schedule)}"
    try:
        crons_of(connection.schedule)
    except NoCron as reason:
        return f"{named}: {reason}"
    return None if _is_zone(_zone(connection)) else f"{named}: Dagster knows no such time zone"


def _is_zone(zone: str | None) -> bool:
    try:
        dg.ScheduleDefinition(
            name="probe", job_name="probe", cron_schedule="@daily", execution_timezone=zone
        )
    except dg.DagsterInvalidDefinitionError:
        return False
    return True
