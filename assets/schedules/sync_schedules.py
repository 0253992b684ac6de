"""Dagster schedules of Airbyte syncs: runs that follow them, or runs that only start them."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.queue.places import DEFAULT_WAIT_LIMIT, Places
from dagster_airbyte_sync.assets.start_jobs.runs_at_work import RunAtWork, runs_at_work
from dagster_airbyte_sync.assets.start_jobs.selection import ChosenAssets, chosen_tables
from dagster_airbyte_sync.assets.start_jobs.start_job import start_job_of
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    group_by_connection,
    name_of,
)
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import AirbyteSettingsError, BaseAirbyteWorkspace


def build_airbyte_sync_schedule(
    *,
    workspace: BaseAirbyteWorkspace,
    cron_schedule: str | Sequence[str],
    connection_selector_fn: ConnectionSelector | None = None,
    assets: ChosenAssets | None = None,
    execution_timezone: str | None = None,
    name: str | None = None,
    wait: bool = True,
    default_status: dg.DefaultScheduleStatus = dg.DefaultScheduleStatus.STOPPED,
    resource_key: str = "airbyte",
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    tags: Mapping[str, str] | None = None,
    snapshot: Path | None = None,
    max_running: int | None = None,
    wait_limit: timedelta = DEFAULT_WAIT_LIMIT,
) -> dg.ScheduleDefinition:
    """Build a schedule that syncs the connections given by `connection_selector_fn` or `assets`.

    Without either, it syncs all connections that are active in Airbyte. A connection is skipped if
    a run already waits to sync it, or syncs it now.

    With `wait`, a run materializes the assets and follows the syncs to their end; the assets must
    be able to sync (`build_airbyte_assets_definitions`). Without it, a run only starts the syncs,
    so no run slot is occupied while Airbyte works, and the sensor reports how they ended, with a
    link to the run. See `build_airbyte_start_job` for what such a run does.

    Args:
        workspace: The connections are read from it now. Runs use the resource under `resource_key`.
        cron_schedule: A cron expression of five fields, or several of them. (Airbyte's own have
            seconds as well.)
        connection_selector_fn: Selects connections, for example
            `lambda connection: "nightly" in connection.tags`. Paused ones among them
            are left out, with a line in the log, unless all of them are paused.
        assets: Assets whose connections to sync: definitions, specs, keys, or an AssetSelection,
            which is resolved among the workspace's tables. Airbyte always syncs whole connections.
        execution_timezone: For example "Europe/Berlin". Default: UTC.
        name: The schedule's name. Default: `<resource_key>_sync_schedule`. Its job has the same
            name with `_job` appended.
        wait: Whether a run follows its syncs to their end.
        default_status: Default: stopped.
        resource_key: The key of the workspace among the resources of your definitions.
        dagster_airbyte_translator: The translator that the assets were built with.
        tags: Tags of each run.
        snapshot: A file written by `dagster-airbyte-sync snapshot`, to read instead of Airbyte.
        max_running: Without `wait`: start a sync only while fewer run in Airbyte; see
            `build_airbyte_start_job` and `build_airbyte_queue_sensor`. With `wait`, use `pool=` of
            the assets to limit how many syncs run at once.
        wait_limit: As in `build_airbyte_start_job`.

    Raises:
        AirbyteSettingsError: If there is nothing to sync, or the cron expression or time zone is
            invalid.
        AirbyteError: If Airbyte cannot be asked.
    """
    return sync_schedule(
        chosen_tables(
            workspace, dagster_airbyte_translator, connection_selector_fn, assets, snapshot
        ),
        name=name or f"{resource_key}_sync_schedule",
        cron_schedule=cron_schedule,
        execution_timezone=execution_timezone,
        wait=wait,
        default_status=default_status,
        resource_key=resource_key,
        tags=tags,
        places=Places.of(max_running, wait_limit),
    )


def sync_schedule(
    tables: Sequence[Table],
    *,
    name: str,
    cron_schedule: str | Sequence[str],
    execution_timezone: str | None = None,
    wait: bool = True,
    default_status: dg.DefaultScheduleStatus = dg.DefaultScheduleStatus.STOPPED,
    resource_key: str = "airbyte",
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
    places: Places | None = None,
) -> dg.ScheduleDefinition:
    """A schedule of the connections of these tables, which should be all tables of each.

    Its evaluation asks for a run of those for which no run waits or syncs already. Raises
    AirbyteSettingsError for a cron expression or a time zone that Dagster does not know, and for
    `places` with `wait`.
    """
    _refuse_bad_times(name, cron_schedule, execution_timezone)
    _refuse_waiting_runs(name, wait=wait, places=places)
    job_name = f"{name}_job"
    keys = [table.key for table in tables]

    @dg.schedule(
        name=name,
        job=(
            dg.define_asset_job(job_name, dg.AssetSelection.assets(*keys), tags=tags)
            if wait
            else start_job_of(tables, job_name, resource_key, tags, places)
        ),
        cron_schedule=cron_schedule,
        execution_timezone=execution_timezone,
        default_status=default_status,
        description=description or (_WAITS if wait else _STARTS),
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _request(context, group_by_connection(tables), takes_some=wait)

    return schedule


def _request(
    context: dg.ScheduleEvaluationContext,
    groups: Mapping[str, Sequence[Table]],
    *,
    takes_some: bool,
) -> dg.RunRequest | dg.SkipReason:
    """A run of the connections that have none; unless it `takes_some`, it looks itself which."""
    at_work = _at_work(context, groups)
    skipped = [f"{name_of(groups[each])}: {run}" for each, run in at_work.items()]
    if len(skipped) == len(groups):
        every = "every connection" if len(skipped) > 1 else "the connection"
        return dg.SkipReason(f"Skipped: {every} already has a run. {_cut_short(skipped)}.")
    if not (skipped and takes_some):
        return dg.RunRequest()
    context.log.info("Skipped %s", _cut_short(skipped))
    free = (group for each, group in groups.items() if each not in at_work)
    return dg.RunRequest(asset_selection=[table.key for group in free for table in group])


def _cut_short(parts: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = [f"and {rest} more"] if (rest := len(parts) - _MOST_NAMED) > 0 else []
    return "; ".join([*parts[:_MOST_NAMED], *more])


def _at_work(
    context: dg.ScheduleEvaluationContext, groups: Mapping[str, Sequence[Table]]
) -> Mapping[str, RunAtWork]:
    try:
        instance = context.instance
    except dg.DagsterInvariantViolationError:
        # A unit test needs none.
        return {}
    return runs_at_work(instance, groups, time.time(), context.log)


# A page of Dagster shows so many connections, with their runs, in a few lines.
_MOST_NAMED = 5
_WAITS = "Syncs in Airbyte; each run follows its syncs to their end."
_STARTS = "Starts syncs in Airbyte; the sensor reports how they ended."


def _refuse_waiting_runs(name: str, *, wait: bool, places: Places | None) -> None:
    """Raise AirbyteSettingsError for a `max_running` of runs that follow their syncs."""
    if wait and places:
        raise AirbyteSettingsError(
            f"The schedule {name!r} has max_running, which is for runs that only start syncs: give"
            " it wait=False, too. For runs that follow their syncs, pool= of the assets limits how"
            " many run at once: build_airbyte_assets_definitions(pool='airbyte'), and the pool's"
            " limit in Dagster."
        )


def _refuse_bad_times(
    name: str, cron_schedule: str | Sequence[str], execution_timezone: str | None
) -> None:
    if not is_schedule(cron_schedule):
        raise AirbyteSettingsError(
            f"The schedule {name!r} has an invalid cron expression: {cron_schedule!r}. A cron"
            " expression has five fields (minute, hour, day of month, month, day of week), such as"
            " '0 6 * * *'."
        )
    if not is_schedule(cron_schedule, execution_timezone):
        raise AirbyteSettingsError(
            f"The schedule {name!r} has an unknown time zone: {execution_timezone!r}. Use a name"
            " such as 'Europe/Berlin'."
        )


def is_schedule(cron_schedule: str | Sequence[str], zone: str | None = None) -> bool:
    """Whether Dagster can read the cron expression and knows the time zone."""
    # Dagster's own reader of cron expressions is not public, but a definition uses it.
    try:
        dg.ScheduleDefinition(
            name="trial", job_name="trial", cron_schedule=cron_schedule, execution_timezone=zone
        )
    except dg.DagsterInvalidDefinitionError:
        return False
    return True
