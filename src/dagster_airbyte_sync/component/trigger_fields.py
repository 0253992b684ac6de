"""`sensor.on_failure:` and `sensor.when_all:`, what else than a sync may start."""

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, cast

import dagster as dg
from pydantic import ConfigDict, Field

from dagster_airbyte_sync.component.templates import in_one_sentence, rendered
from dagster_airbyte_sync.resources import AirbyteSettingsError
from dagster_airbyte_sync.sensors import OnFailure, WhenAll

# Begins a member that is one table, by its asset key.
_KEY_PREFIX = "key:"


class Ago(dg.Model):
    """A length of time, as the sum of its parts."""

    weeks: float = 0
    days: float = 0
    hours: float = 0
    minutes: float = 0


def selection_of(
    context: dg.ResolutionContext, value: str | Sequence[str] | None, field: str
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
            f"{field} is {selection!r}, which selects no assets: {error}"
        ) from None


@in_one_sentence
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
    """What to start when a sync fails; see `build_airbyte_failure_sensor`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    job: Annotated[str, dg.Resolver.default(description="The name of a job in this project.")]
    kinds: Annotated[
        list[Literal["failed", "cancelled", "empty"]],
        dg.Resolver.default(
            description="Which problems to start it for, besides those of late_after."
        ),
    ] = Field(default=["failed", "cancelled"])
    late_after: Annotated[
        timedelta | bool | None,
        dg.Resolver(
            resolve_late_after,
            model_field_type=str | bool | Ago | None,
            inject_before_resolve=False,
            description=(
                "Also start it for connections whose tables are older than this, such as {hours:"
                " 26}; true takes the tables' freshness policies."
            ),
        ),
    ] = None
    name: Annotated[
        str | None,
        dg.Resolver.default(
            description="The sensor's name. Default: resource_key and _failure_sensor."
        ),
    ] = None

    def as_on_failure(self) -> OnFailure:
        return OnFailure(
            self.job, kinds=tuple(self.kinds), late_after=self.late_after, name=self.name
        )


@in_one_sentence
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


class WhenAllFields(dg.Model, dg.Resolvable):
    """What to run once all of several connections have synced; see `WhenAll`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: Annotated[
        str,
        dg.Resolver.default(
            description="Letters, digits and _. Becomes part of the sensor's name."
        ),
    ]
    members: Annotated[
        Sequence[str | dg.AssetKey],
        dg.Resolver(
            lambda context, value: _members(rendered(context, value)),
            model_field_type=str | list[str],
            inject_before_resolve=False,
            description=(
                "Names or ids of connections, tag:NAME for every connection with that tag in"
                " Airbyte, or key:ASSET for one table."
            ),
        ),
    ]
    downstream: Annotated[
        dg.AssetSelection | None,
        dg.Resolver(
            lambda context, value: selection_of(context, value, "sensor.when_all.downstream"),
            model_field_type=str | list[str] | None,
            inject_before_resolve=False,
            description=(
                "Run those of these assets that depend on the members' tables. Default: all."
            ),
        ),
    ] = None
    deadline: Annotated[
        timedelta | None,
        dg.Resolver(
            lambda context, value: length_of(rendered(context, value), "sensor.when_all.deadline"),
            model_field_type=str | Ago | None,
            inject_before_resolve=False,
            description="How long to wait once the first member has synced, such as {hours: 4}.",
        ),
    ] = None
    at_deadline: Annotated[
        Literal["start", "report"],
        dg.Resolver.default(
            description=(
                "start: run without the missing members. report: name them and continue to wait."
            )
        ),
    ] = "start"
    only_with_rows: Annotated[
        bool,
        dg.Resolver.default(description="Do not run if no member moved rows since the last start."),
    ] = False
    partition_offset: Annotated[
        int,
        dg.Resolver.default(
            description=(
                "Which partition to run: -1 is the one before that in which the last sync ended."
            )
        ),
    ] = 0

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


def length_of(written: object, field: str) -> timedelta | None:
    """A length of time; AirbyteSettingsError that names the field for anything else."""
    if isinstance(written, Ago):
        return timedelta(**written.model_dump())
    if written is None or isinstance(written, timedelta):
        return written
    raise AirbyteSettingsError(
        f"{field} is {written!r}: give a length of time, as in {{hours: 4}}."
    )


@in_one_sentence
def resolve_when_all(context: dg.ResolutionContext, value: object) -> Sequence[WhenAll]:
    """One trigger or several, in a list or by itself."""
    written = rendered(context, value) if isinstance(value, str) else value
    if written is None:
        return []
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
