"""`sensor:`, how Dagster learns of syncs that it did not start."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, cast

import dagster as dg
from pydantic import ConfigDict, Field, field_validator, model_validator

from dagster_airbyte_sync.component.templates import rendered
from dagster_airbyte_sync.resources import AirbyteSettingsError
from dagster_airbyte_sync.sensors import OnFailure


class Ago(dg.Model):
    """A length of time, as the sum of its parts."""

    weeks: float = 0
    days: float = 0
    hours: float = 0
    minutes: float = 0


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
    selection = rendered(context, value)
    if selection is None or isinstance(selection, dg.AssetSelection):
        return selection
    parts: list[Any] = selection if isinstance(selection, list) else [selection]
    try:
        return reduce(or_, map(dg.AssetSelection.from_string, parts))
    except (dg.DagsterError, TypeError) as error:
        raise AirbyteSettingsError(
            f"sensor.downstream is {selection!r}, which selects no assets: {error}"
        ) from None


def resolve_late_after(
    context: dg.ResolutionContext, value: str | bool | Ago | None
) -> timedelta | bool | None:
    """How old tables may be, or true for what their freshness policies say."""
    late_after = rendered(context, value) if isinstance(value, str) else value
    if isinstance(late_after, Ago):
        late_after = timedelta(**late_after.model_dump())
    is_length = isinstance(late_after, timedelta) and late_after > timedelta(0)
    if is_length or late_after is None or isinstance(late_after, bool):
        return cast("timedelta | bool | None", late_after)
    raise AirbyteSettingsError(
        f"sensor.on_failure.late_after is {value!r}: give a time such as {{hours: 26}}, or true for"
        " what the tables' freshness policies say."
    )


class OnFailureFields(dg.Model, dg.Resolvable):
    """What is started when a sync fails; see `build_airbyte_failure_sensor`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    job: str = Field(description="The name of a job in this project.")
    kinds: list[Literal["failed", "cancelled", "empty", "late"]] = Field(
        default=["failed", "cancelled"],
        description="For which problems it is started; late needs late_after as well.",
    )
    late_after: Annotated[
        timedelta | bool | None,
        dg.Resolver(
            resolve_late_after,
            model_field_type=str | bool | Ago | None,
            inject_before_resolve=False,
            description=(
                "Also for connections whose tables are older than that, as in {hours: 26}; true:"
                " than their freshness policies say."
            ),
        ),
    ] = None
    name: str | None = Field(
        default=None, description="The sensor's name. Default: resource_key and _failure_sensor."
    )

    @model_validator(mode="after")
    def _check_late(self) -> "OnFailureFields":
        if "late" in self.kinds and not self.late_after:
            raise AirbyteSettingsError(
                "sensor.on_failure.kinds has late: say in sensor.on_failure.late_after how old"
                " tables may be, as in {hours: 26}, or true for their freshness policies."
            )
        return self

    def as_on_failure(self) -> OnFailure:
        return OnFailure(
            self.job, kinds=tuple(self.kinds), late_after=self.late_after, name=self.name
        )


def resolve_on_failure(context: dg.ResolutionContext, value: object) -> OnFailureFields | None:
    """A job's name, or what else there is to say; None for no sensor."""
    on_failure = rendered(context, value) if isinstance(value, str) else value
    if on_failure is None or isinstance(on_failure, OnFailureFields):
        return on_failure
    if isinstance(on_failure, str) and on_failure.strip():
        return OnFailureFields(job=on_failure)
    if isinstance(on_failure, OnFailureFields.model()):
        return cast(OnFailureFields, OnFailureFields.resolve_from_model(context, on_failure))
    raise AirbyteSettingsError(
        f"sensor.on_failure is {on_failure!r}: give the name of a job, or {{job: its name}} with"
        " kinds and late_after."
    )


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
