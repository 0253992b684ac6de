"""Definitions of a component from its state: no request is made, and no variable needs a value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets import (
    ConnectionSelector,
    DagsterAirbyteTranslator,
    SyncFunction,
    Table,
    TakenOver,
    build_schedules_from_airbyte,
    clean_name_with_case,
    load_tables,
    sync_schedule,
    without_paused,
)
from dagster_airbyte_sync.builder import definitions_of_tables
from dagster_airbyte_sync.component.schedule_fields import ScheduleFields, refuse_same_names
from dagster_airbyte_sync.component.sensor_fields import SensorFields
from dagster_airbyte_sync.resources import AirbyteSettingsError, BaseAirbyteWorkspace, Connection
from dagster_airbyte_sync.sensors import build_airbyte_polling_sensor


@dataclass(frozen=True)
class Wanted:
    """What a component was asked to define. Without `sync` Dagster only observes the tables."""

    workspace: BaseAirbyteWorkspace
    state: Path
    translator: DagsterAirbyteTranslator
    selector: ConnectionSelector | None
    resource_key: str
    sync: bool
    sync_fn: SyncFunction
    checks: bool
    include_inactive: bool
    freshness: bool
    taken_over: TakenOver

    def tables(self) -> list[Table]:
        """The tables of the component's connections."""
        return self._tables(self.selector, include_inactive=self.include_inactive)

    def tables_to_sync(self, selector: ConnectionSelector | None) -> list[Table]:
        """Those of all that are active, or of those that the selector of a schedule accepts."""
        # As for schedules in Python: who asks for all, or for many, means none that is paused.
        may_be_paused = self.include_inactive and selector is not None
        tables = self._tables(both(self.selector, selector), include_inactive=may_be_paused)
        return without_paused(tables)

    def _tables(
        self, selector: ConnectionSelector | None, *, include_inactive: bool
    ) -> list[Table]:
        return load_tables(
            self.workspace,
            self.translator,
            selector,
            include_inactive=include_inactive,
            freshness_from_airbyte_schedule=self.freshness and self.taken_over,
            snapshot=self.state,
        )


def definitions_of(
    wanted: Wanted, sensor: SensorFields | None, schedules: Sequence[ScheduleFields]
) -> dg.Definitions:
    """Assets, checks, sensor, schedules and the resource."""
    made = [(fields, each) for fields in schedules for each in _schedules(wanted, fields)]
    refuse_same_names(made)
    return definitions_of_tables(
        wanted.tables(),
        wanted.workspace,
        wanted.resource_key,
        sync=wanted.sync,
        checks=wanted.checks,
        sensor=None if sensor is None else _sensor(wanted, sensor),
        schedules=[schedule for _, schedule in made],
        sync_fn=wanted.sync_fn,
        # As those of dagster-airbyte's component, though its builder writes all in lower case.
        clean_fn=clean_name_with_case,
    )


def _sensor(wanted: Wanted, fields: SensorFields) -> dg.SensorDefinition:
    return build_airbyte_polling_sensor(
        workspace=wanted.workspace,
        resource_key=wanted.resource_key,
        dagster_airbyte_translator=wanted.translator,
        connection_selector_fn=wanted.selector,
        name=fields.name,
        minimum_interval_seconds=fields.interval,
        default_sensor_status=dg.DefaultSensorStatus(fields.status.upper()),
        start_from=fields.start_from,
        downstream=fields.downstream,
    )


def _schedules(wanted: Wanted, fields: ScheduleFields) -> Iterator[dg.ScheduleDefinition]:
    if fields.wait and not wanted.sync:
        raise AirbyteSettingsError(
            "schedules.wait: runs that follow their syncs need assets that sync, but this component"
            " has `sync: false`."
        )
    wait = wanted.sync if fields.wait is None else fields.wait
    if fields.from_airbyte:
        yield from _from_airbyte(wanted, fields, wait)
    elif fields.cron is not None:
        name = fields.name or f"{wanted.resource_key}_sync_schedule"
        yield sync_schedule(
            _tables_to_sync(wanted, fields, name),
            name=name,
            cron_schedule=fields.cron,
            execution_timezone=fields.timezone,
            wait=wait,
            default_status=fields.default_status or dg.DefaultScheduleStatus.STOPPED,
            resource_key=wanted.resource_key,
        )


def _from_airbyte(
    wanted: Wanted, fields: ScheduleFields, wait: bool
) -> Sequence[dg.ScheduleDefinition]:
    return build_schedules_from_airbyte(
        wanted.workspace,
        connection_selector_fn=both(wanted.selector, fields.selector),
        dagster_airbyte_translator=wanted.translator,
        resource_key=wanted.resource_key,
        default_status=fields.default_status,
        execution_timezone=fields.timezone,
        wait=wait,
        taken_over=wanted.taken_over,
        snapshot=wanted.state,
    )


def _tables_to_sync(wanted: Wanted, fields: ScheduleFields, name: str) -> list[Table]:
    tables = wanted.tables_to_sync(fields.selector)
    if not tables:
        raise AirbyteSettingsError(
            f"The schedule {name!r} has nothing to sync: none of the component's connections"
            + (
                " is active in Airbyte."
                if fields.selector is None
                else f" is meant by its selector ({fields.selector})."
            )
        )
    return tables


def both(
    first: ConnectionSelector | None, second: ConnectionSelector | None
) -> ConnectionSelector | None:
    """Accepts what both accept."""
    if first is None or second is None:
        return first or second

    def accepts(connection: Connection) -> bool:
        return first(connection) and second(connection)

    return accepts
