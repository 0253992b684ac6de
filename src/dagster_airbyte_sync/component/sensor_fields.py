"""`sensor:`, how Dagster learns of syncs that it did not start."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Literal, cast

import dagster as dg
from pydantic import ConfigDict, Field, field_validator

from dagster_airbyte_sync.component.templates import rendered
from dagster_airbyte_sync.component.trigger_fields import (
    Ago,
    OnFailureFields,
    WhenAllFields,
    resolve_on_failure,
    resolve_when_all,
    selection_of,
)
from dagster_airbyte_sync.resources import AirbyteSettingsError
from dagster_airbyte_sync.sensors import WhenAll


def resolve_start_from(
    context: dg.ResolutionContext, value: str | Ago | None
) -> datetime | timedelta | None:
    """A time with a zone, or how long ago."""
    if isinstance(value, Ago):
        return timedelta(**value.model_dump())
    start = rendered(context, value)
    if start is None or isinstance(start, datetime | timedelta):
        return start
    if isinstance(start, str):
        with suppress(ValueError):
            # Python 3.10 does not read "Z".
            return datetime.fromisoformat(start.strip().replace("Z", "+00:00"))
    raise AirbyteSettingsError(
        f"sensor.start_from is {start!r}: give a time such as '2026-01-31T00:00:00Z', or how long"
        " ago, as in {days: 7}."
    )


def resolve_selection(
    context: dg.ResolutionContext, value: str | Sequence[str] | None
) -> dg.AssetSelection | None:
    """One selection in Dagster's syntax (`group:marts`, `key:"daily_revenue"+`), or several."""
    return selection_of(context, value, "sensor.downstream")


class SensorFields(dg.Model, dg.Resolvable):
    """What the sensor does; see `build_airbyte_polling_sensor`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    interval: int = Field(default=30, description="Seconds between the starts of two ticks.")
    start_from: Annotated[
        datetime | timedelta | None,
        dg.Resolver(
            resolve_start_from,
            model_field_type=str | Ago | None,
            inject_before_resolve=False,
            description=(
                "On the first tick, report syncs that ended since then: a time with a zone, or how"
                " long ago, as in {days: 7}. Default: ten minutes ago."
            ),
        ),
    ] = None
    status: Literal["running", "stopped"] = Field(
        default="running", description="Whether the sensor is on until somebody switches it."
    )
    downstream: Annotated[
        dg.AssetSelection | None,
        dg.Resolver(
            resolve_selection,
            model_field_type=str | list[str] | None,
            inject_before_resolve=False,
            description=(
                "After syncs, run those of these assets that depend on their tables: once for all"
                " that a tick reports."
            ),
        ),
    ] = None
    per_sync: bool = Field(
        default=False, description="Run what is downstream once for each sync instead."
    )
    only_with_rows: bool = Field(
        default=False, description="Run what is downstream only of tables that got rows."
    )
    partition_offset: int = Field(
        default=0,
        description="-1: run the partition before that in which a sync ended, and so on.",
    )
    on_failure: Annotated[
        OnFailureFields | None,
        dg.Resolver(
            resolve_on_failure,
            model_field_type=str | OnFailureFields.model() | None,
            inject_before_resolve=False,
            description="The name of a job that starts for each sync that fails; or more of it.",
        ),
    ] = None
    when_all: Annotated[
        Sequence[WhenAll],
        dg.Resolver(
            resolve_when_all,
            model_field_type=WhenAllFields.model() | list[WhenAllFields.model()],
            inject_before_resolve=False,
            description="What to run once all of several connections have synced.",
        ),
    ] = ()
    name: str | None = Field(default=None, description="Default: resource_key and _sync_sensor.")

    # Not a constraint of the field: Dagster would apply it to the text of a template, too.
    @field_validator("interval")
    @classmethod
    def _check_interval(cls, interval: int) -> int:
        if interval < 1:
            raise AirbyteSettingsError(f"sensor.interval is {interval}; the least is 1 second.")
        return interval


def resolve_sensor(context: dg.ResolutionContext, value: object) -> SensorFields | None:
    """The sensor's settings; None for no sensor."""
    sensor = rendered(context, value) if isinstance(value, str) else value
    if sensor is False or sensor is None:
        return None
    if sensor is True:
        return SensorFields()
    if isinstance(sensor, SensorFields):
        return sensor
    if isinstance(sensor, SensorFields.model()):
        return cast(SensorFields, SensorFields.resolve_from_model(context, sensor))
    raise AirbyteSettingsError(f"sensor is {sensor!r}: give true, false, or its settings.")


ResolvedSensor = Annotated[
    SensorFields | None,
    dg.Resolver(
        resolve_sensor,
        model_field_type=bool | SensorFields.model() | None,
        inject_before_resolve=False,
    ),
]
