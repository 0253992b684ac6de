"""What the former loader returns: one object that stands for the assets of all connections."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, get_args

import dagster as dg


class _PlainSequence:
    def __init__(self, unique_id: str) -> None:
        self.unique_id = unique_id


def _cacheable_assets_definition() -> type:
    """The class of what `Definitions(assets=[...])` takes for several assets.

    Dagster does not export it, but its name is in the type of that argument. In a Dagster without
    it, the loader returns a plain sequence.
    """
    # Iterable[one class | another class] | None
    iterable, *_ = get_args(dg.Definitions.__annotations__.get("assets")) or [None]
    classes = (each for union in get_args(iterable) for each in get_args(union))
    named = (each for each in classes if each.__name__ == "CacheableAssetsDefinition")
    return next(named, _PlainSequence)


if TYPE_CHECKING:
    _Base = _PlainSequence
else:
    _Base = _cacheable_assets_definition()


class LoadedAirbyteAssets(_Base):
    """The definitions of all connections, for `assets=[loaded]` and for `assets=loaded`."""

    def __init__(self, name: str, definitions: Sequence[dg.AssetsDefinition]) -> None:
        super().__init__(name)
        self._definitions = definitions

    def __iter__(self) -> Iterator[dg.AssetsDefinition]:
        return iter(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)

    def compute_cacheable_data(self) -> Sequence[object]:
        """Nothing: Airbyte was asked when the object was made."""
        return []

    def build_definitions(self, data: Sequence[object]) -> Sequence[dg.AssetsDefinition]:
        """The definitions; Dagster asks for them with what it keeps, which is nothing."""
        return self._definitions
