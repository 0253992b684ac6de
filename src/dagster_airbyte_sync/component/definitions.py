"""Definitions of a component from its state: no request is made, and no variable needs a value."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, cast

import dagster as dg

from dagster_airbyte_sync.assets import (
    AirbyteChecks,
    ConnectionSelector,
    DagsterAirbyteTranslator,
    Places,
    Pool,
    SourceAssets,
    SyncEvent,
    Table,
    TakenOver,
    build_schedules_from_airbyte,
    clean_name_with_case,
    load_tables,
    start_job_of,
    sync_schedule,
    with_sources,
    without_paused,
)
from dagster_airbyte_sync.builder import definitions_of_tables, with_failures
from dagster_airbyte_sync.component.schedule_fields import ScheduleFields, refuse_same_names
from dagster_airbyte_sync.component.sensor_fields import SensorFields
from dagster_airbyte_sync.resources import AirbyteSettingsError, BaseAirbyteWorkspace
from dagster_airbyte_sync.sensors import (
    Shard,
    build_airbyte_polling_sensor,
    build_airbyte_queue_sensor,
    when_all_sensors,
)
from dagster_airbyte_sync.workspace import (
    AirbyteCloudWorkspace,
    AirbyteWorkspace,
    as_syncing_workspace,
)


class Described(Protocol):
    """What definitions are made from: the attributes of an AirbyteWorkspaceComponent."""

    workspace: BaseAirbyteWorkspace
    connection_selector: ConnectionSelector | None
    sync: bool
    pool: Pool | None
    checks: bool | AirbyteChecks
    include_inactive: bool
    freshness: bool
    source_assets: SourceAssets
    sensor: SensorFields | None
    schedules: Sequence[ScheduleFields]
    taken_over: TakenOver | None
    resource_key: str

    @property
    def translator(self) -> DagsterAirbyteTranslator: ...

    def execute(
        self,
        context: dg.AssetExecutionContext,
        airbyte: AirbyteWorkspace | AirbyteCloudWorkspace,
    ) -> Iterable[SyncEvent]: ...


@dataclass(frozen=True)
class ComponentDefinitions:
    """What a component defines; `state` is the file with the snapshot of its workspace."""

    component: Described
    state: Path

    def build(self) -> dg.Definitions:
        """Assets, checks, sensor, schedules and the resource."""
        component = self.component
        made = [(each, schedule) for each in component.schedules for schedule in self._made(each)]
        refuse_same_names(made)
        tables = self._tables(
            component.connection_selector, include_inactive=component.include_inactive
        )
        tables = with_sources(tables, component.source_assets)
        defs = definitions_of_tables(
            tables,
            component.workspace,
            component.resource_key,
            sync=component.sync,
            checks=component.checks,
            sensors=[] if component.sensor is None else self._sensors(component.sensor, tables),
            schedules=[schedule for _, schedule in made],
            sync_fn=self._sync,
            # As in dagster-airbyte's component, though its builder makes all names lower case.
            clean_fn=clean_name_with_case,
        )
        places = [each.places for each in component.schedules if each.places]
        if places:
            defs = dg.Definitions.merge(defs, self._queue(tables, places))
        return self._with_failures(defs, component.sensor)

    @cached_property
    def _translator(self) -> DagsterAirbyteTranslator:
        return self.component.translator

    def _tables(
        self,
        selector: ConnectionSelector | None,
        *,
        include_inactive: bool,
        warns_of_none: bool = True,
    ) -> list[Table]:
        component = self.component
        return load_tables(
            component.workspace,
            self._translator,
            selector,
            include_inactive=include_inactive,
            freshness_from_airbyte_schedule=component.freshness and (component.taken_over or True),
            snapshot=self.state,
            warns_of_none=warns_of_none,
            pool=component.pool,
        )

    def _sync(
        self, workspace: BaseAirbyteWorkspace, context: dg.AssetExecutionContext
    ) -> Iterable[SyncEvent]:
        # Subclasses annotate the two classes that users know; an AirbyteResource works as well.
        airbyte = cast("AirbyteWorkspace | AirbyteCloudWorkspace", as_syncing_workspace(workspace))
        return self.component.execute(context=context, airbyte=airbyte)

    def _sensors(self, fields: SensorFields, tables: Sequence[Table]) -> list[dg.SensorDefinition]:
        shards = Shard.each(fields.shards)
        return [*(self._sensor(fields, each) for each in shards), *self._when_all(fields, tables)]

    def _sensor(self, fields: SensorFields, shard: Shard) -> dg.SensorDefinition:
        return build_airbyte_polling_sensor(
            workspace=self.component.workspace,
            resource_key=self.component.resource_key,
            dagster_airbyte_translator=self._translator,
            connection_selector_fn=self.component.connection_selector,
            name=fields.name,
            minimum_interval_seconds=fields.interval,
            default_sensor_status=dg.DefaultSensorStatus(fields.status.upper()),
            start_from=fields.start_from,
            downstream=fields.downstream,
            per_sync=fields.per_sync,
            only_with_rows=fields.only_with_rows,
            partition_offset=fields.partition_offset,
            storing_share=fields.storing_share,
            shard=shard,
        )

    def _with_failures(self, defs: dg.Definitions, fields: SensorFields | None) -> dg.Definitions:
        if fields is None or fields.on_failure is None:
            return defs
        return with_failures(
            defs,
            self.component.workspace,
            fields.on_failure.as_on_failure(),
            resource_key=self.component.resource_key,
            connection_selector_fn=self.component.connection_selector,
            default_sensor_status=dg.DefaultSensorStatus(fields.status.upper()),
        )

    def _when_all(self, fields: SensorFields, tables: Sequence[Table]) -> list[dg.SensorDefinition]:
        component = self.component
        return when_all_sensors(
            fields.when_all,
            # A connection that is left out here may be another component's.
            tables if component.connection_selector is None else None,
            workspace=component.workspace,
            resource_key=component.resource_key,
            minimum_interval_seconds=fields.interval,
            default_sensor_status=dg.DefaultSensorStatus(fields.status.upper()),
        )

    def _made(self, fields: ScheduleFields) -> Iterator[dg.ScheduleDefinition]:
        component = self.component
        if fields.wait and not component.sync:
            raise AirbyteSettingsError(
                "schedules.wait: runs that follow their syncs need assets that sync, but this"
                " component has `sync: false`."
            )
        wait = component.sync if fields.wait is None else fields.wait
        if fields.from_airbyte:
            yield from build_schedules_from_airbyte(
                component.workspace,
                connection_selector_fn=both(component.connection_selector, fields.selector),
                dagster_airbyte_translator=self._translator,
                resource_key=component.resource_key,
                default_status=fields.default_status,
                execution_timezone=fields.timezone,
                wait=wait,
                taken_over=component.taken_over,
                snapshot=self.state,
                **_arguments(fields.places),
            )
        elif fields.cron is not None:
            name = fields.name or f"{component.resource_key}_sync_schedule"
            yield sync_schedule(
                self._tables_to_sync(fields.selector, name),
                name=name,
                cron_schedule=fields.cron,
                execution_timezone=fields.timezone,
                wait=wait,
                default_status=fields.default_status or dg.DefaultScheduleStatus.STOPPED,
                resource_key=component.resource_key,
                places=fields.places,
            )

    def _queue(self, tables: Sequence[Table], places: Sequence[Places]) -> dg.Definitions:
        """What starts the syncs of schedules with max_running, of whatever connections. A run of
        its job by hand, or once more, waits like the most patient of them."""
        component = self.component
        job = start_job_of(
            tables,
            f"start_{component.resource_key}_syncs",
            component.resource_key,
            places=min(places, key=lambda each: each.count),
        )
        sensor = build_airbyte_queue_sensor(
            workspace=component.workspace, job=job.name, resource_key=component.resource_key
        )
        return dg.Definitions(jobs=[job], sensors=[sensor])

    def _tables_to_sync(self, selector: ConnectionSelector | None, schedule: str) -> list[Table]:
        """Those of all active connections, or of those that the schedule's selector accepts."""
        # As for schedules in Python: "all connections" means none that is paused.
        may_be_paused = self.component.include_inactive and selector is not None
        chosen = both(self.component.connection_selector, selector)
        tables = without_paused(
            self._tables(chosen, include_inactive=may_be_paused, warns_of_none=False)
        )
        if not tables:
            why = (
                "is active in Airbyte" if selector is None else f"matches its selector ({selector})"
            )
            raise AirbyteSettingsError(
                f"The schedule {schedule!r} has nothing to sync: none of the component's"
                f" connections {why}."
            )
        return tables


def _arguments(places: Places | None) -> dict[str, Any]:
    return {"max_running": places.count, "wait_limit": places.limit} if places else {}


def both(
    first: ConnectionSelector | None, second: ConnectionSelector | None
) -> ConnectionSelector | None:
    """Accepts what both accept."""
    if first is None or second is None:
        return first or second
    return lambda connection: first(connection) and second(connection)
