"""`schedules:`, when Dagster starts syncs: at times of your own, or at those Airbyte has.

And `taken_over:`, the schedules that Airbyte had before Dagster took them over.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal, cast

import dagster as dg
from pydantic import ConfigDict, model_validator
from typing_extensions import Self

from dagster_airbyte_sync.assets import DEFAULT_WAIT_LIMIT, Places, TakenOver
from dagster_airbyte_sync.component.selector import ResolvedSelector
from dagster_airbyte_sync.component.templates import in_one_sentence, rendered
from dagster_airbyte_sync.component.trigger_fields import Ago, length_of
from dagster_airbyte_sync.resources import AirbyteSettingsError


@in_one_sentence
def resolve_wait_limit(context: dg.ResolutionContext, value: str | Ago | None) -> timedelta | None:
    """A length of time."""
    return length_of(rendered(context, value), "schedules.wait_limit")


class ScheduleFields(dg.Model, dg.Resolvable):
    """A schedule of syncs; or, with `from_airbyte`, one for each schedule that Airbyte has."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    cron: Annotated[
        str | list[str] | None,
        dg.Resolver.default(
            description=(
                "A cron expression of five fields, such as '0 6 * * *', or several of them."
            )
        ),
    ] = None
    from_airbyte: Annotated[
        bool,
        dg.Resolver.default(description="Instead of cron: use the schedules that Airbyte has."),
    ] = False
    selector: ResolvedSelector = None
    wait: Annotated[
        bool | None,
        dg.Resolver.default(
            description=(
                "Whether a run follows its syncs to their end (the default), or only starts them"
                " and leaves reporting to the sensor (the default with `sync: false`)."
            )
        ),
    ] = None
    max_running: Annotated[
        int | None,
        dg.Resolver.default(
            description=(
                "Without wait: start a sync only while fewer run in Airbyte. The component then has"
                " a sensor that starts the waiting ones, the oldest first."
            )
        ),
    ] = None
    wait_limit: Annotated[
        timedelta | None,
        dg.Resolver(
            resolve_wait_limit,
            model_field_type=str | Ago | None,
            inject_before_resolve=False,
            description=(
                "How long a sync waits for that at most, such as {hours: 6}. Default: a day."
            ),
        ),
    ] = None
    timezone: Annotated[
        str | None, dg.Resolver.default(description="For example Europe/Berlin. Default: UTC.")
    ] = None
    name: Annotated[
        str | None,
        dg.Resolver.default(
            description="The schedule's name. Default: resource_key and _sync_schedule."
        ),
    ] = None
    status: Annotated[
        Literal["running", "stopped"] | None,
        dg.Resolver.default(
            description=(
                "Whether the schedule is on until somebody switches it. Default: stopped; with"
                " from_airbyte, running if Dagster has taken the schedule over."
            )
        ),
    ] = None

    @model_validator(mode="after")
    def _check_times(self) -> Self:
        if self.from_airbyte == (self.cron is not None):
            raise AirbyteSettingsError(
                "A schedule of schedules has both cron and from_airbyte: remove one of them."
                if self.from_airbyte
                else "A schedule of schedules has no times: give it cron, or from_airbyte: true."
            )
        if self.from_airbyte and self.name is not None:
            raise AirbyteSettingsError(
                "schedules.from_airbyte makes one schedule for each connection, named after it:"
                " remove name."
            )
        return self

    @property
    def places(self) -> Places | None:
        """Raises AirbyteSettingsError."""
        limit = DEFAULT_WAIT_LIMIT if self.wait_limit is None else self.wait_limit
        return Places.of(self.max_running, limit)

    @property
    def default_status(self) -> dg.DefaultScheduleStatus | None:
        return None if self.status is None else dg.DefaultScheduleStatus(self.status.upper())


@in_one_sentence
def resolve_schedules(context: dg.ResolutionContext, value: object) -> Sequence[ScheduleFields]:
    """One schedule or several, in a list or by itself."""
    schedules = rendered(context, value) if isinstance(value, str) else value
    if not isinstance(schedules, list | tuple):
        schedules = [schedules]
    return [_resolved(context.at_path(place), each) for place, each in enumerate(schedules)]


def _resolved(context: dg.ResolutionContext, value: object) -> ScheduleFields:
    if isinstance(value, ScheduleFields):
        return value
    if not isinstance(value, ScheduleFields.model()):
        raise AirbyteSettingsError(
            f"schedules has {value!r}: give a list of schedules, each with cron or with"
            " from_airbyte: true."
        )
    return cast(ScheduleFields, ScheduleFields.resolve_from_model(context, value))


ResolvedSchedules = Annotated[
    Sequence[ScheduleFields],
    dg.Resolver(
        resolve_schedules,
        model_field_type=ScheduleFields.model() | list[ScheduleFields.model()],  # type: ignore
        inject_before_resolve=False,
        description="Schedules of syncs: a list of them, or one.",
    ),
]


def refuse_same_names(made: Sequence[tuple[ScheduleFields, dg.ScheduleDefinition]]) -> None:
    """Raise AirbyteSettingsError if two schedules have one name."""
    uses = Counter(schedule.name for _, schedule in made)
    taken = {schedule.name: fields for fields, schedule in made if uses[schedule.name] > 1}
    if not taken:
        return
    way_out = (
        "let the selectors of those from_airbyte have no connection in common"
        if all(fields.from_airbyte for fields in taken.values())
        else "give each a name"
    )
    raise AirbyteSettingsError(f"schedules has several named {', '.join(taken)}: {way_out}.")


@in_one_sentence
def resolve_taken_over(context: dg.ResolutionContext, value: str | None) -> TakenOver | None:
    """What `take_over_schedules` printed: in a file, as text, or from a template variable."""
    printed = rendered(context, value)
    if printed is None or isinstance(printed, TakenOver):
        return printed
    if not isinstance(printed, str):
        raise AirbyteSettingsError(
            f"taken_over is a {type(printed).__name__}: give the file, or the text, that"
            " take_over_schedules has printed."
        )
    # Each line of the text is JSON or a remark.
    is_text = printed.lstrip().startswith(("{", "#"))
    return TakenOver.from_text(printed if is_text else _in_file(context, printed))


def _in_file(context: dg.ResolutionContext, name: str) -> str:
    file = context.resolve_source_relative_path(name)
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise AirbyteSettingsError(
            f"taken_over is {name!r}, a file that cannot be read ({error}). Put it beside the"
            " YAML, with what take_over_schedules printed; until then, leave taken_over out."
        ) from None


ResolvedTakenOver = Annotated[
    TakenOver | None,
    dg.Resolver(
        resolve_taken_over,
        model_field_type=str | None,
        inject_before_resolve=False,
        description=(
            "What take_over_schedules printed: the text, or the path of a file relative to this"
            " one. Schedules with from_airbyte, and freshness, continue to use these schedules,"
            " which Airbyte no longer knows."
        ),
    ),
]
