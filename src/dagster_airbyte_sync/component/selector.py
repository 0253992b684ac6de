"""`connection_selector:`, which connections a component or one of its schedules is for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, cast

import dagster as dg
from pydantic import Field

from dagster_airbyte_sync.assets import ConnectionSelector
from dagster_airbyte_sync.component.templates import in_one_sentence, rendered
from dagster_airbyte_sync.resources import AirbyteSettingsError, Connection


class SelectorFields(dg.Model):
    """Selects connections in one of four ways."""

    by_name: str | Sequence[str] | None = Field(
        default=None, description="Names of connections, as Airbyte shows them."
    )
    by_id: str | Sequence[str] | None = Field(default=None, description="Ids of connections.")
    by_tag: str | Sequence[str] | None = Field(
        default=None, description="Names of tags. A connection needs to have one of them."
    )
    by_name_pattern: str | Sequence[str] | None = Field(
        default=None, description="Patterns of names, with * and ?, such as prod-*."
    )


@dataclass(frozen=True)
class Chosen:
    """Accepts connections by one of their properties; `how` is a field of SelectorFields."""

    how: str
    wanted: tuple[str, ...]

    def __call__(self, connection: Connection) -> bool:
        return any(self._is(connection, each) for each in self.wanted)

    def __str__(self) -> str:
        return f"{self.how}: {', '.join(self.wanted)}"

    def without_connection(self, connections: Iterable[Connection]) -> list[str]:
        """Those of `wanted` that fit no connection."""
        known = list(connections)
        return [each for each in self.wanted if not any(self._is(one, each) for one in known)]

    def _is(self, connection: Connection, wanted: str) -> bool:
        if self.how == "by_name_pattern":
            return fnmatchcase(connection.name, wanted)
        if self.how == "by_tag":
            return wanted in connection.tags
        return wanted == (connection.name if self.how == "by_name" else connection.id)


@in_one_sentence
def resolve_selector(
    context: dg.ResolutionContext, fields: str | SelectorFields | None
) -> ConnectionSelector | None:
    """A function that accepts connections; None for all of them."""
    if fields is None:
        return None
    if isinstance(fields, SelectorFields):
        return chosen_by(rendered(context, fields.model_dump(exclude_none=True)))
    selector = rendered(context, fields)
    if isinstance(selector, Mapping):
        selector = SelectorFields(**selector)
    if isinstance(selector, SelectorFields):
        return chosen_by(selector.model_dump(exclude_none=True))
    if not callable(selector):
        raise AirbyteSettingsError(
            f"connection_selector is {selector!r}: give one of {_ways()}, or a template variable"
            " that returns a function of a Connection."
        )
    return cast(ConnectionSelector, selector)


ResolvedSelector = Annotated[
    ConnectionSelector | None,
    dg.Resolver(
        resolve_selector,
        model_field_type=SelectorFields | None,
        inject_before_resolve=False,
        description=(
            "Which connections: one of by_name, by_id, by_tag and by_name_pattern, or a"
            " template variable that returns a function of a Connection. Default: all"
            " connections."
        ),
    ),
]


def chosen_by(fields: object) -> Chosen:
    """The one choice among the fields; AirbyteSettingsError for none, several or an empty one."""
    choices = fields if isinstance(fields, dict) else {}
    if len(choices) != 1:
        raise AirbyteSettingsError(
            f"connection_selector has {' and '.join(choices) or 'nothing in it'}: give exactly one"
            f" of {_ways()}. For anything else, write a template variable that returns a function."
        )
    ((how, values),) = choices.items()
    wanted = tuple(map(str, [values] if isinstance(values, str) else values))
    if not wanted:
        raise AirbyteSettingsError(f"connection_selector.{how} is empty: leave it out for all.")
    return Chosen(how, wanted)


def _ways() -> str:
    return ", ".join(SelectorFields.model_fields)
