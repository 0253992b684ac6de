"""Dagster schedules that fire when Airbyte's own would."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.schedules.sync_schedules import is_schedule, sync_schedule
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.names import clean_name
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    group_by_connection,
    selected_tables,
)
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import (
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    Connection,
    load_catalog,
)
from dagster_airbyte_sync.resources.schedules.cron_fields import NoCron
from dagster_airbyte_sync.resources.schedules.schedule_times import crons_of, schedule_text
from dagster_airbyte_sync.resources.schedules.taken_over import TakenOver, as_taken_over


def build_schedules_from_airbyte(
    workspace: BaseAirbyteWorkspace,
    *,
    connection_selector_fn: ConnectionSelector | None = None,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    resource_key: str = "airbyte",
    default_status: dg.DefaultScheduleStatus | None = None,
    execution_timezone: str | None = None,
    wait: bool = True,
    tags: Mapping[str, str] | None = None,
    taken_over: TakenOver | str | None = None,
    snapshot: Path | None = None,
) -> Sequence[dg.ScheduleDefinition]:
    """One schedule for each selected connection that Airbyte syncs by a schedule of its own.

    With `wait` a run of it materializes the connection's tables, which must be assets that sync
    (`build_airbyte_assets_definitions`); without, it only starts the sync, and the sensor reports
    how it went (see `build_airbyte_start_job`). Each run has `tags`, and one with the connection's
    id. Manual and inactive connections have none. A sync that takes longer than its interval is
    only late in Airbyte; here the next run with `wait` does what the workspace's `on_active_sync`
    says, which is to fail unless that is "attach" or "wait", and without `wait` skips it.

    Both this schedule and Airbyte's own would sync twice, so `default_status` is "stopped" where
    Airbyte has a schedule, and "running" where Dagster took it over: first `take_over_schedules`,
    then give here as `taken_over` what that call printed (or returned), because Airbyte itself does
    not know the schedules any more.

    Times are those of Airbyte, in the time zone of its cron. Basic intervals have none in Airbyte,
    where they count from the last scheduled sync; here they fire at round times in
    `execution_timezone` (default: UTC), and only those that divide an hour, a day or a week. When
    the clocks change, Dagster's rules hold for times that are skipped or come twice.

    With a `snapshot` file the schedules are those that Airbyte had when it was written.

    A name is `resource_key`, so that two workspaces fit into one code location, "_schedule_" and
    the connection's id: Dagster knows by its name whether a schedule is on, and so a connection
    may be renamed. Raises AirbyteSettingsError that names all connections whose schedule cron
    cannot say, and for a time zone that is not known.
    """
    _refuse_unknown_zone(execution_timezone)
    catalog = load_catalog(workspace, snapshot)
    tables = selected_tables(catalog, dagster_airbyte_translator, connection_selector_fn)
    groups = group_by_connection(tables)
    known = as_taken_over(taken_over)
    scheduled = [known.before(catalog.connections[connection_id]) for connection_id in groups]
    scheduled = [each for each in scheduled if each.is_active and each.schedule.kind != "manual"]
    refuse_what_cron_cannot_say(scheduled)
    return [
        sync_schedule(
            groups[each.id],
            name=f"{resource_key}_schedule_{clean_name(each.id)}",
            cron_schedule=_crons(each),
            execution_timezone=_zone(each) or execution_timezone or "UTC",
            wait=wait,
            default_status=default_status or _status(catalog.connections[each.id]),
            resource_key=resource_key,
            tags={**(tags or {}), keys.CONNECTION_ID: each.id},
            description=f"When Airbyte would sync {each.name!r}: {schedule_text(each.schedule)}.",
        )
        for each in scheduled
    ]


def _refuse_unknown_zone(zone: str | None) -> None:
    if not _is_zone(zone):
        raise AirbyteSettingsError(
            f"execution_timezone is {zone!r}, which is no known time zone: use a name such as"
            " 'Europe/Berlin'."
        )


def _crons(connection: Connection) -> str | Sequence[str]:
    crons = crons_of(connection.schedule)
    return crons[0] if len(crons) == 1 else list(crons)


def _status(in_airbyte: Connection) -> dg.DefaultScheduleStatus:
    """What starts by itself is what nobody else starts."""
    is_taken = in_airbyte.schedule.kind == "manual"
    status = dg.DefaultScheduleStatus
    return status.RUNNING if is_taken else status.STOPPED


def _zone(connection: Connection) -> str | None:
    schedule = connection.schedule
    return (schedule.cron_timezone or "UTC") if schedule.kind == "cron" else None


def refuse_what_cron_cannot_say(connections: Iterable[Connection]) -> None:
    """Raise AirbyteSettingsError that names every one of them whose schedule cron cannot say."""
    reasons = [reason for each in connections if (reason := why_no_cron(each))]
    if reasons:
        raise AirbyteSettingsError(
            f"Dagster has no schedule that fires as Airbyte does for {'; for '.join(reasons)}."
            " Change the schedule in Airbyte, or leave the connection out with"
            " connection_selector_fn."
        )


def why_no_cron(connection: Connection) -> str | None:
    """Which connection it is, and why cron cannot say its schedule; None if it can."""
    named = (
        f"connection {connection.name!r} ({connection.id}), {schedule_text(connection.schedule)}"
    )
    try:
        crons_of(connection.schedule)
    except NoCron as reason:
        return f"{named}: {reason}"
    return None if _is_zone(_zone(connection)) else f"{named}: Dagster knows no such time zone"


def _is_zone(zone: str | None) -> bool:
    return is_schedule("@daily", zone)
