"""JSON on its way out."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]


def without_nulls(value: Json, known: dict[int, Json] | None = None) -> Json:
    """Airbyte omits a key that has no value, and keeps empty strings and lists.

    `known` has what was made of each object so far: thousands of streams may share one schema.
    """
    known = {} if known is None else known
    if isinstance(value, Mapping):
        if id(value) not in known:
            known[id(value)] = {
                key: without_nulls(item, known) for key, item in value.items() if item is not None
            }
        return known[id(value)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [without_nulls(item, known) for item in value]
    return value
