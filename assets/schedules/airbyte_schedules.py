"""Dagster schedules that fire when Airbyte's own would."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.queue.places import DEFAULT_WAIT_LIMIT, Places
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
    catalog_for_definitions,
)
from dagster_airbyte_sync.resources.schedules.cron_fields import NoCron
from dagster_airbyte_sync.resources.schedules.schedule_times import crons_of, schedule_text
from dagster_airbyte_sync.resources.schedules.schedule_words import schedule_words
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
    max_running: int | None = None,
    wait_limit: timedelta = DEFAULT_WAIT_LIMIT,
) -> Sequence[dg.ScheduleDefinition]:
    """One schedule for each selected connection that Airbyte syncs by a schedule of its own.

    With `wait` a run of it materializes the connection's tables, which must be assets that sync
    (`build_airbyte_assets_definitions`); without, it only starts the sync, and the sensor reports
    how it went (see `build_airbyte_start_job`). Each run has `tags`, and one with the connection's
    id. Manual and inactive connections have none. A sync that takes longer than its interval is
    only late in Airbyte; here the next run is skipped as long as a run follows that sync. For a
    sync that was started in Airbyte, a run with `wait` does what the workspace's `on_active_sync`
    says, which is to fail unless that is "attach" or "wait", and one without `wait` skips it.

    Both this schedule and Airbyte's own would sync twice, so `default_status` is "stopped" where
    Airbyte has a schedule, and "running" where Dagster took it over: first `take_over_schedules`,
    then give here as `taken_over` what that call printed (or returned), because Airbyte itself does
    not know the schedules any more.

    Times are those of Airbyte, in the time zone of its cron. Basic intervals have none in Airbyte,
    where they count from the last scheduled sync; here they fire at round times in
    `execution_timezone` (default: UTC), and only those that divide an hour, a day or a week. When
    the clocks change, Dagster's rules hold for times that are skipped or come twice.

    With a `snapshot` file the schedules are those that Airbyte had when it was written.
    `max_running` and `wait_limit` are those of `build_airbyte_sync_schedule`.

    A name is `resource_key`, so that two workspaces fit into one code location, "_schedule_", the
    connection's name, and the first part of its id, as another connection may have that name; the
    job's is the same and "_job". Dagster knows by its name whether somebody switched a schedule on
    or off: after its connection was renamed it is as `default_status` says.

    Raises AirbyteSettingsError that names all connections whose schedule cron cannot say, and for a
    time zone that is not known.
    """
    _refuse_unknown_zone(execution_timezone)
    catalog = catalog_for_definitions(workspace, snapshot)
    tables = selected_tables(catalog, dagster_airbyte_translator, connection_selector_fn)
    groups = group_by_connection(tables)
    places = Places.of(max_running, wait_limit)
    known = as_taken_over(taken_over)
    scheduled = [known.before(catalog.connections[connection_id]) for connection_id in groups]
    scheduled = [each for each in scheduled if each.is_active and each.schedule.kind != "manual"]
    refuse_what_cron_cannot_say(scheduled)
    names = schedule_names(scheduled, resource_key)
    return [
        sync_schedule(
            groups[each.id],
            name=names[each.id],
            cron_schedule=_crons(each),
            execution_timezone=_zone(each) or execution_timezone or "UTC",
            wait=wait,
            default_status=default_status or _status(catalog.connections[each.id]),
            resource_key=resource_key,
            tags={**(tags or {}), keys.CONNECTION_ID: each.id, keys.CONNECTION_NAME: each.name},
            places=places,
            description=f"When Airbyte would sync {each.name!r}: {schedule_words(each.schedule)}.",
        )
        for each in scheduled
    ]


def schedule_names(connections: Sequence[Connection], resource_key: str) -> dict[str, str]:
    """A name for the schedule of each connection, by its id, which no other connection changes."""
    short = {each.id: _name(each, _FIRST_OF_ID) for each in connections}
    uses = Counter(short.values())
    names = {
        each.id: short[each.id] if uses[short[each.id]] == 1 else _name(each)
        for each in connections
    }
    return {id_: f"{resource_key}_schedule_{name}" for id_, name in names.items()}


def _name(connection: Connection, length: int | None = None) -> str:
    readable = clean_name(connection.name)[:_LONGEST_NAME].strip("_")
    return "_".join(filter(None, (readable, clean_name(connection.id)[:length])))


# So much of an id, a UUID, is enough among connections of one name.
_FIRST_OF_ID = 8
# A name in Airbyte may be as long as one likes.
_LONGEST_NAME = 60


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
