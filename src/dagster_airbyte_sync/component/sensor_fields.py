"""`sensor:`, how Dagster learns of syncs that it did not start; `checks:`, what it says of them."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Literal, cast

import dagster as dg
from pydantic import ConfigDict, Field, field_validator

from dagster_airbyte_sync.assets import AirbyteChecks
from dagster_airbyte_sync.component.templates import in_one_sentence, rendered
from dagster_airbyte_sync.component.trigger_fields import (
    Ago,
    OnFailureFields,
    WhenAllFields,
    resolve_on_failure,
    resolve_when_all,
    selection_of,
)
from dagster_airbyte_sync.resources import AirbyteSettingsError
from dagster_airbyte_sync.sensors import WhenAll, refuse_bad_count


@in_one_sentence
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


@in_one_sentence
def resolve_selection(
    context: dg.ResolutionContext, value: str | Sequence[str] | None
) -> dg.AssetSelection | None:
    """One selection in Dagster's syntax (`group:marts`, `key:"daily_revenue"+`), or several."""
    return selection_of(context, value, "sensor.downstream")


class SensorFields(dg.Model, dg.Resolvable):
    """Settings of the sensor; see `build_airbyte_polling_sensor`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    interval: Annotated[
        int,
        dg.Resolver.default(
            description="The least time between the starts of two ticks, in seconds."
        ),
    ] = 30
    start_from: Annotated[
        datetime | timedelta | None,
        dg.Resolver(
            resolve_start_from,
            model_field_type=str | Ago | None,
            inject_before_resolve=False,
            description=(
                "On the first tick, report syncs that ended at or after this: a time with a time"
                " zone, or how long ago, such as {days: 7}. Default: ten minutes ago."
            ),
        ),
    ] = None
    status: Annotated[
        Literal["running", "stopped"],
        dg.Resolver.default(description="Whether the sensor is on until somebody switches it."),
    ] = "running"
    downstream: Annotated[
        dg.AssetSelection | None,
        dg.Resolver(
            resolve_selection,
            model_field_type=str | list[str] | None,
            inject_before_resolve=False,
            description=(
                "After syncs, run those of these assets that depend on the synced tables, once for"
                " all syncs that a tick reports."
            ),
        ),
    ] = None
    per_sync: Annotated[
        bool,
        dg.Resolver.default(description="Run the downstream assets once for each sync instead."),
    ] = False
    only_with_rows: Annotated[
        bool,
        dg.Resolver.default(
            description="Run only those downstream assets whose tables received rows."
        ),
    ] = False
    partition_offset: Annotated[
        int,
        dg.Resolver.default(
            description=(
                "Which partition to run: -1 is the one before that in which the sync ended, and so"
                " on."
            )
        ),
    ] = 0
    storing_share: Annotated[
        float,
        dg.Resolver.default(
            description=(
                "The fraction of each interval that Dagster may spend on storing what a tick"
                " reports. The rest is left to other sensors. Shards divide it among them."
            )
        ),
    ] = 0.5
    shards: Annotated[
        int,
        dg.Resolver.default(
            description=(
                "How many sensors share the connections, if one cannot keep up and the daemon runs"
                " sensors in threads."
            )
        ),
    ] = 1
    on_failure: Annotated[
        OnFailureFields | None,
        dg.Resolver(
            resolve_on_failure,
            model_field_type=str | OnFailureFields.model() | None,
            inject_before_resolve=False,
            description=(
                "The name of a job to start for each sync that fails or is cancelled; or settings."
            ),
        ),
    ] = None
    when_all: Annotated[
        Sequence[WhenAll],
        dg.Resolver(
            resolve_when_all,
            model_field_type=WhenAllFields.model() | list[WhenAllFields.model()],
            inject_before_resolve=False,
            description=(
                "What to run once all of several connections have synced: one trigger, or a list of"
                " them."
            ),
        ),
    ] = ()
    name: Annotated[
        str | None,
        dg.Resolver.default(
            description="The sensor's name. Default: resource_key and _sync_sensor."
        ),
    ] = None

    # Not a constraint of the field: Dagster would apply it to the text of a template, too.
    @field_validator("interval")
    @classmethod
    def _check_interval(cls, interval: int) -> int:
        if interval < 1:
            raise AirbyteSettingsError(f"sensor.interval is {interval}; the least is 1 second.")
        return interval

    @field_validator("shards")
    @classmethod
    def _check_shards(cls, shards: int) -> int:
        refuse_bad_count(shards, "sensor.shards")
        return shards


@in_one_sentence
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
        description="The sensor that reports syncs, whoever started them; false for none.",
    ),
]


class ChecksFields(dg.Model, dg.Resolvable):
    """Which checks each table has; see `AirbyteChecks`. `airbyte_sync` is always there."""

    rows: Annotated[
        bool,
        dg.Resolver.default(
            description=(
                "Whether a check warns of no rows, and of far fewer or more rows than usual."
            )
        ),
    ] = True
    rows_factor: Annotated[
        float,
        dg.Resolver.default(
            description="How many times fewer or more rows counts as far. More than 1."
        ),
    ] = 3.0
    rejected_rows: Annotated[
        int,
        dg.Resolver.default(
            description="How many rejected rows of a sync to accept without a warning."
        ),
    ] = 0
    schema_: Annotated[
        bool,
        dg.Resolver.default(description="Whether a check warns of changed streams and columns."),
    ] = Field(default=False, alias="schema")
    connection: Annotated[
        bool,
        dg.Resolver.default(
            description=(
                "Whether a check warns of a connection that is paused, locked, late or stuck."
            )
        ),
    ] = False


@in_one_sentence
def resolve_checks(context: dg.ResolutionContext, value: object) -> bool | AirbyteChecks:
    """True or false, or which checks."""
    checks = rendered(context, value) if isinstance(value, str) else value
    if isinstance(checks, bool | AirbyteChecks):
        return checks
    if isinstance(checks, ChecksFields.model()):
        fields = cast(ChecksFields, ChecksFields.resolve_from_model(context, checks))
        try:
            return AirbyteChecks(
                rows=fields.rows,
                rows_factor=fields.rows_factor,
                rejected_rows=fields.rejected_rows,
                schema=fields.schema_,
                connection=fields.connection,
            )
        except AirbyteSettingsError as mistake:
            raise AirbyteSettingsError(f"checks.{mistake}") from None
    raise AirbyteSettingsError(f"checks is {checks!r}: give true, false, or its settings.")


ResolvedChecks = Annotated[
    bool | AirbyteChecks,
    dg.Resolver(
        resolve_checks,
        model_field_type=bool | ChecksFields.model() | str,
        inject_before_resolve=False,
        description=(
            "Whether each table has checks of how its last sync ended and how many rows it"
            " moved; or which checks."
        ),
    ),
]
