"""`sensor:`, how Dagster learns of syncs that it did not start."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, cast

import dagster as dg
from pydantic import ConfigDict, Field, field_validator

from dagster_airbyte_sync.component.templates import rendered
from dagster_airbyte_sync.resources import AirbyteSettingsError
from dagster_airbyte_sync.sensors import WhenAll

# Begins a member that is one table, by its asset key.
_KEY_PREFIX = "key:"


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
    return _selection(context, value, "sensor.downstream")


def _selection(
    context: dg.ResolutionContext, value: str | Sequence[str] | None, field: str
) -> dg.AssetSelection | None:
    selection = rendered(context, value)
    if selection is None or isinstance(selection, dg.AssetSelection):
        return selection
    parts: list[Any] = selection if isinstance(selection, list) else [selection]
    try:
        return reduce(or_, map(dg.AssetSelection.from_string, parts))
    except (dg.DagsterError, TypeError) as error:
        raise AirbyteSettingsError(
            f"{field} is {selection!r}, which selects no assets: {error}"
        ) from None


class WhenAllFields(dg.Model, dg.Resolvable):
    """What to run once all of several connections have synced; see `WhenAll`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str = Field(description="Letters, digits and _; it is part of the sensor's name.")
    members: Annotated[
        Sequence[str | dg.AssetKey],
        dg.Resolver(
            lambda context, value: _members(rendered(context, value)),
            model_field_type=str | list[str],
            inject_before_resolve=False,
            description="Names or ids of connections, tag:NAME, or key:ASSET for one table.",
        ),
    ]
    downstream: Annotated[
        dg.AssetSelection | None,
        dg.Resolver(
            lambda context, value: _selection(context, value, "sensor.when_all.downstream"),
            model_field_type=str | list[str] | None,
            inject_before_resolve=False,
            description="Run those of these assets that depend on the members' tables.",
        ),
    ] = None
    deadline: Annotated[
        timedelta | None,
        dg.Resolver(
            lambda context, value: _length(rendered(context, value)),
            model_field_type=str | Ago | None,
            inject_before_resolve=False,
            description="How long to wait once the first member is in, as in {hours: 4}.",
        ),
    ] = None
    at_deadline: Literal["start", "report"] = Field(
        default="start", description="Start without the missing, or name them and go on waiting."
    )
    only_with_rows: bool = Field(
        default=False, description="No run if no member moved rows since the last."
    )
    partition_offset: int = Field(
        default=0, description="-1 runs the partition before that of the last sync's end."
    )

    def when_all(self) -> WhenAll:
        return WhenAll(
            name=self.name,
            members=self.members,
            downstream=self.downstream or dg.AssetSelection.all(),
            deadline=self.deadline,
            at_deadline=self.at_deadline,
            only_with_rows=self.only_with_rows,
            partition_offset=self.partition_offset,
        )


def _members(written: object) -> Sequence[str | dg.AssetKey]:
    members = [written] if isinstance(written, str) else written
    if not isinstance(members, list):
        raise AirbyteSettingsError(
            f"sensor.when_all.members is {members!r}: give a list of connections."
        )
    return [_member(each) for each in members]


def _member(written: str | dg.AssetKey) -> str | dg.AssetKey:
    is_key = isinstance(written, str) and written.startswith(_KEY_PREFIX)
    if not is_key:
        return written
    return dg.AssetKey.from_user_string(str(written).removeprefix(_KEY_PREFIX).strip('"'))


def _length(written: object) -> timedelta | None:
    if isinstance(written, Ago):
        return timedelta(**written.model_dump())
    if written is None or isinstance(written, timedelta):
        return written
    raise AirbyteSettingsError(
        f"sensor.when_all.deadline is {written!r}: give a length of time, as in {{hours: 4}}."
    )


def resolve_when_all(context: dg.ResolutionContext, value: object) -> Sequence[WhenAll]:
    """One trigger or several, in a list or by itself."""
    written = rendered(context, value) if isinstance(value, str) else value
    triggers = written if isinstance(written, list | tuple) else [written]
    return [_trigger(context.at_path(place), each) for place, each in enumerate(triggers)]


def _trigger(context: dg.ResolutionContext, value: object) -> WhenAll:
    if isinstance(value, WhenAll):
        return value
    if not isinstance(value, WhenAllFields.model()):
        raise AirbyteSettingsError(
            f"sensor.when_all has {value!r}: give a list of triggers, each with name and members."
        )
    return cast(WhenAllFields, WhenAllFields.resolve_from_model(context, value)).when_all()


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
            description="For every sync, run those of these assets that depend on its tables.",
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
