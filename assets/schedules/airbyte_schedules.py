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
    """Build one schedule for each selected connection that has a schedule in Airbyte.

    Use it to let Dagster start syncs at the times that are set in Airbyte. Manual and inactive
    connections have no schedule.

    With `wait`, a run materializes the connection's tables, whose assets must be able to sync
    (`build_airbyte_assets_definitions`). Without it, a run only starts the sync, and the sensor
    reports how it ended (see `build_airbyte_start_job`).

    Airbyte and Dagster would both start each sync, so a schedule is stopped by default while
    Airbyte has it, and running where Dagster has taken it over. First call `take_over_schedules`,
    then pass what it printed (or returned) as `taken_over`, because Airbyte no longer knows these
    schedules.

    If a sync takes longer than its interval, Airbyte starts the next one late; here the next run is
    skipped while a run follows that sync. If the sync was started in Airbyte, a run with `wait`
    does what the workspace's `on_active_sync` says (fails, unless that is "attach" or "wait"), and
    a run without `wait` skips the connection.

    Times are Airbyte's, in the time zone of its cron expression. Basic intervals have no times in
    Airbyte, where they count from the last scheduled sync; here they fire at round times in
    `execution_timezone`, and must divide an hour, a day or a week. When clocks change, Dagster's
    rules apply to times that are skipped or occur twice.

    Args:
        workspace: The connections are read from it now. Runs use the resource under `resource_key`.
        connection_selector_fn: Selects the connections. Default: all.
        dagster_airbyte_translator: The translator that the assets were built with.
        resource_key: The key of the workspace among the resources. Schedules are named
            `<resource_key>_schedule_<connection's name>_<first part of its id>`, because
            connections can share a name and a code location can have several workspaces; each job
            has the same name with `_job` appended. Dagster remembers by name whether a schedule was
            switched on or off: if you rename its connection, it is as `default_status` says again.
        default_status: Default: running for schedules that were taken over, stopped for all others.
        execution_timezone: The time zone of basic intervals. Default: UTC.
        wait: Whether a run follows its sync to the end.
        tags: Tags of each run, beside the connection's id and name.
        taken_over: The schedules that Dagster has taken over.
        snapshot: A file written by `dagster-airbyte-sync snapshot`. The schedules are then those
            that Airbyte had when it was written.
        max_running: As in `build_airbyte_sync_schedule`.
        wait_limit: As in `build_airbyte_sync_schedule`.

    Raises:
        AirbyteSettingsError: If a schedule cannot be written as cron (the error names all such
            connections), or the time zone is unknown.
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
            f"execution_timezone is {zone!r}, which is not a known time zone: use a name such as"
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
