"""Everything for one workspace in one call."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_airbyte_sync.assets import (
    ConnectionSelector,
    DagsterAirbyteTranslator,
    Table,
    TakenOver,
    build_airbyte_sync_checks,
    load_tables,
    syncing_assets,
)
from dagster_airbyte_sync.resources import BaseAirbyteWorkspace
from dagster_airbyte_sync.sensors import (
    NamedJob,
    RunRequestFn,
    WhenAll,
    build_airbyte_polling_sensor,
    when_all_sensors,
)


def build_airbyte_definitions(
    workspace: BaseAirbyteWorkspace,
    *,
    sync: bool = True,
    checks: bool = True,
    resource_key: str = "airbyte",
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
    retry_policy: dg.RetryPolicy | None = None,
    pool: str | None = None,
    backfill_policy: dg.BackfillPolicy | None = None,
    op_tags: Mapping[str, object] | None = None,
    sensor_name: str | None = None,
    minimum_interval_seconds: int = 30,
    default_sensor_status: dg.DefaultSensorStatus | None = None,
    start_from: datetime | timedelta | None = None,
    downstream: dg.AssetSelection | None = None,
    per_sync: bool = False,
    only_with_rows: bool = False,
    partition_offset: int = 0,
    run_request_fn: RunRequestFn | None = None,
    jobs: Sequence[NamedJob] = (),
    when_all: Sequence[WhenAll] = (),
    hold_limit: timedelta = timedelta(hours=1),
    include_inactive: bool = True,
    freshness_from_airbyte_schedule: bool | TakenOver | str = False,
    snapshot: Path | None = None,
) -> dg.Definitions:
    """Assets, checks, sensor and resource of one Airbyte workspace.

    Args:
        sync: Whether Dagster can start syncs by materializing the assets. False: it only observes.
        checks: Whether each table has a check that shows how its last sync ended.
        when_all: What to run once all of several connections have synced; a sensor for each.
        include_inactive: Whether connections that are paused in Airbyte have assets, too.
        freshness_from_airbyte_schedule: Whether each table has a freshness policy from its
            connection's own schedule in Airbyte, or from the one that Dagster has taken over.
        snapshot: A file to load from in place of Airbyte, as `dagster-airbyte-sync snapshot` wrote
            it. The sensor and syncs ask Airbyte itself.

        retry_policy, pool, backfill_policy, op_tags: What `build_airbyte_assets_definitions` takes.

    All other arguments are those of `build_airbyte_polling_sensor`. Raises AirbyteError if Airbyte
    cannot be asked, AirbyteSettingsError for arguments that cannot work, DuplicateAssetKey if two
    streams would share one key.
    """
    tables = load_tables(
        workspace,
        dagster_airbyte_translator,
        connection_selector_fn,
        include_inactive=include_inactive,
        freshness_from_airbyte_schedule=freshness_from_airbyte_schedule,
        snapshot=snapshot,
    )
    sensor = build_airbyte_polling_sensor(
        workspace=workspace,
        resource_key=resource_key,
        dagster_airbyte_translator=dagster_airbyte_translator,
        connection_selector_fn=connection_selector_fn,
        name=sensor_name,
        minimum_interval_seconds=minimum_interval_seconds,
        default_sensor_status=default_sensor_status,
        start_from=start_from,
        downstream=downstream,
        per_sync=per_sync,
        only_with_rows=only_with_rows,
        partition_offset=partition_offset,
        run_request_fn=run_request_fn,
        jobs=jobs,
        hold_limit=hold_limit,
    )
    return definitions_of_tables(
        tables,
        workspace,
        resource_key,
        sync=sync,
        checks=checks,
        sensor=sensor,
        more_sensors=when_all_sensors(
            when_all,
            # A connection that is left out here may be another builder's.
            tables if connection_selector_fn is None else None,
            workspace=workspace,
            resource_key=resource_key,
            minimum_interval_seconds=minimum_interval_seconds,
            default_sensor_status=default_sensor_status,
        ),
        retry_policy=retry_policy,
        pool=pool,
        backfill_policy=backfill_policy,
        op_tags=op_tags,
    )


def definitions_of_tables(
    tables: Sequence[Table],
    workspace: BaseAirbyteWorkspace,
    resource_key: str,
    *,
    sync: bool,
    checks: bool,
    sensor: dg.SensorDefinition | None,
    more_sensors: Sequence[dg.SensorDefinition] = (),
    schedules: Sequence[dg.ScheduleDefinition] = (),
    **options: Any,
) -> dg.Definitions:
    """Definitions of tables, for builder and component; `options` are those of `syncing_assets`."""
    specs = [table.spec for table in tables]
    return dg.Definitions(
        assets=syncing_assets(tables, resource_key, **options) if sync else specs,
        asset_checks=build_airbyte_sync_checks(specs, resource_key) if checks else [],
        sensors=[*([sensor] if sensor else []), *more_sensors],
        schedules=schedules,
        resources={resource_key: workspace},
    )
