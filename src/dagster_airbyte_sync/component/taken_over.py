"""`taken_over:`, the schedules that Dagster has taken over, of which Airbyte does not know."""

from typing import Annotated

import dagster as dg

from dagster_airbyte_sync.assets import TakenOver
from dagster_airbyte_sync.component.templates import rendered
from dagster_airbyte_sync.resources import AirbyteSettingsError


def resolve_taken_over(context: dg.ResolutionContext, value: str | None) -> TakenOver | None:
    """What `take_over_schedules` printed: in a file, as text, or from a template variable."""
    found = rendered(context, value)
    if found is None or isinstance(found, TakenOver):
        return found
    if not isinstance(found, str):
        raise AirbyteSettingsError(
            f"taken_over is a {type(found).__name__}: give the file, or the text, that"
            " take_over_schedules has printed."
        )
    # Each line of the text is JSON or a remark.
    is_text = found.lstrip().startswith(("{", "#"))
    return TakenOver.from_text(found if is_text else _in_file(context, found))


def _in_file(context: dg.ResolutionContext, name: str) -> str:
    file = context.resolve_source_relative_path(name)
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise AirbyteSettingsError(
            f"taken_over is {name!r}, a file that cannot be read ({error}). It is to be beside the"
            " YAML, and to have what take_over_schedules printed; before that, leave taken_over"
            " out."
        ) from None


ResolvedTakenOver = Annotated[
    TakenOver | None,
    dg.Resolver(resolve_taken_over, model_field_type=str | None, inject_before_resolve=False),
]
