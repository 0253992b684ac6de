"""Everything for one workspace in one call."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import dagster as dg

from dagster_airbyte_sync.assets import (
    AirbyteChecks,
    ConnectionSelector,
    DagsterAirbyteTranslator,
    Pool,
    SourceAssets,
    Table,
    TakenOver,
    build_airbyte_sync_checks,
    load_tables,
    source_specs,
    syncing_assets,
    with_sources,
)
from dagster_airbyte_sync.resources import AirbyteSettingsError, BaseAirbyteWorkspace
from dagster_airbyte_sync.sensors import (
    NamedJob,
    OnFailure,
    RunRequestFn,
    Shard,
    WhenAll,
    build_airbyte_failure_sensor,
    build_airbyte_polling_sensor,
    refuse_bad_count,
    when_all_sensors,
)


def build_airbyte_definitions(
    workspace: BaseAirbyteWorkspace,
    *,
    sync: bool = True,
    checks: bool | AirbyteChecks = True,
    resource_key: str = "airbyte",
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
    retry_policy: dg.RetryPolicy | None = None,
    pool: Pool | None = None,
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
    storing_share: float = 0.5,
    shards: int = 1,
    on_failure: NamedJob | OnFailure | None = None,
    include_inactive: bool = True,
    freshness_from_airbyte_schedule: bool | TakenOver | str = False,
    snapshot: Path | None = None,
    source_assets: SourceAssets = False,
) -> dg.Definitions:
    """Build the assets, checks, sensor and resource of one Airbyte workspace.

    This is all that most projects need. All arguments that are not listed here are those of
    `build_airbyte_polling_sensor`.

    Args:
        workspace: The workspace, or an instance with several.
        sync: Whether materializing the assets starts a sync. With False, Dagster only observes.
        checks: Whether each table has the checks `airbyte_sync` (how its last sync ended) and
            `airbyte_rows` (how many rows it moved); or an AirbyteChecks to choose checks.
        resource_key: The key of the workspace among the resources. For a second workspace in a code
            location, use another key.
        retry_policy: As in `build_airbyte_assets_definitions`.
        pool: As in `build_airbyte_assets_definitions`.
        backfill_policy: As in `build_airbyte_assets_definitions`.
        op_tags: As in `build_airbyte_assets_definitions`.
        sensor_name: The `name` of `build_airbyte_polling_sensor`.
        shards: How many sensors share the connections, if one cannot keep up; see `shard` of
            `build_airbyte_polling_sensor`. The sensors of `when_all` and `on_failure` are not
            divided.
        when_all: What to run once all of several connections have synced. Each has its own sensor.
        on_failure: A job that a second sensor starts for each sync that failed or was cancelled; or
            an OnFailure for everything else that `build_airbyte_failure_sensor` can do.
        include_inactive: Whether connections that are paused in Airbyte have assets.
        freshness_from_airbyte_schedule: Whether each table has a freshness policy made from its
            connection's schedule in Airbyte, or from the one that Dagster has taken over.
        snapshot: A file written by `dagster-airbyte-sync snapshot`, to load definitions from
            instead of Airbyte. The sensor and syncs still use Airbyte itself.
        source_assets: Whether there is an external asset for each stream of a source, upstream of
            the tables that are read from it, with column lineage; see `load_airbyte_asset_specs`.

    Raises:
        AirbyteError: If Airbyte cannot be asked.
        AirbyteSettingsError: For arguments that cannot work.
        DuplicateAssetKey: If two streams would have the same key.
    """
    refuse_bad_count(shards, "shards")
    tables = load_tables(
        workspace,
        dagster_airbyte_translator,
        connection_selector_fn,
        include_inactive=include_inactive,
        freshness_from_airbyte_schedule=freshness_from_airbyte_schedule,
        snapshot=snapshot,
        pool=pool,
    )
    tables = with_sources(tables, source_assets)
    sensors = [
        build_airbyte_polling_sensor(
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
            storing_share=storing_share,
            shard=shard,
        )
        for shard in Shard.each(shards)
    ]
    triggers = when_all_sensors(
        when_all,
        # A connection that is left out here may be another builder's.
        tables if connection_selector_fn is None else None,
        workspace=workspace,
        resource_key=resource_key,
        minimum_interval_seconds=minimum_interval_seconds,
        default_sensor_status=default_sensor_status,
    )
    defs = definitions_of_tables(
        tables,
        workspace,
        resource_key,
        sync=sync,
        checks=checks,
        sensors=[*sensors, *triggers],
        retry_policy=retry_policy,
        backfill_policy=backfill_policy,
        op_tags=op_tags,
    )
    return with_failures(
        defs,
        workspace,
        on_failure,
        resource_key=resource_key,
        connection_selector_fn=connection_selector_fn,
        default_sensor_status=default_sensor_status,
    )


def definitions_of_tables(
    tables: Sequence[Table],
    workspace: BaseAirbyteWorkspace,
    resource_key: str,
    *,
    sync: bool,
    checks: bool | AirbyteChecks,
    sensors: Sequence[dg.SensorDefinition],
    schedules: Sequence[dg.ScheduleDefinition] = (),
    **options: Any,
) -> dg.Definitions:
    """Definitions of tables, for builder and component; `options` are those of `syncing_assets`."""
    specs = [table.spec for table in tables]
    which = AirbyteChecks.of(checks)
    assets = [
        *(syncing_assets(tables, resource_key, **options) if sync else specs),
        *source_specs(tables),
    ]
    # A process' first Definitions keep the variables of their caller, and tables know all columns
    # as Airbyte has them.
    del tables
    return dg.Definitions(
        assets=assets,
        asset_checks=build_airbyte_sync_checks(specs, resource_key, which) if which else [],
        sensors=sensors,
        schedules=schedules,
        resources={resource_key: workspace},
    )


def with_failures(
    defs: dg.Definitions,
    workspace: BaseAirbyteWorkspace,
    on_failure: NamedJob | OnFailure | None,
    **options: Any,
) -> dg.Definitions:
    """The definitions, and if it is asked for, the sensor for what goes wrong, with its job.

    `options` are those that the sensor shares with the one that reports.
    """
    if on_failure is None:
        return defs
    wished = on_failure if isinstance(on_failure, OnFailure) else _of_job(on_failure)
    # By its name: where a sensor brings a job that needs resources, Dagster makes the sensor anew,
    # and warns of what is new in Dagster itself.
    start = getattr(wished.start, "name", wished.start)
    sensor = build_airbyte_failure_sensor(
        workspace=workspace,
        start=start,
        jobs=wished.jobs,
        kinds=wished.kinds,
        late_after=wished.late_after,
        name=wished.name,
        **options,
    )
    jobs = [] if start is wished.start else [cast(dg.JobDefinition, wished.start)]
    return dg.Definitions.merge(defs, dg.Definitions(sensors=[sensor], jobs=jobs))


def _of_job(on_failure: NamedJob) -> OnFailure:
    try:
        return OnFailure(on_failure)
    except AirbyteSettingsError as problem:
        raise AirbyteSettingsError(
            f"on_failure must be a job, or OnFailure(start=..., jobs=[...]) for more: {problem}"
        ) from None
