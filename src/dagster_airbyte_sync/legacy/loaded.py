"""What the former loader returns: one object that stands for the assets of all connections."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, get_args

import dagster as dg


class _PlainSequence:
    def __init__(self, unique_id: str) -> None:
        self.unique_id = unique_id


def _several_assets_in_one() -> type:
    """The class of what `Definitions(assets=[...])` takes for several assets.

    Dagster does not export it, but says in the type of that argument that it takes it. Without
    it, an object of ours is a plain sequence.
    """
    # Optional[Iterable[one kind | another kind]]
    iterable = next(iter(get_args(dg.Definitions.__annotations__.get("assets"))), None)
    kinds = (kind for union in get_args(iterable) for kind in get_args(union))
    return next(
        (kind for kind in kinds if kind.__name__ == "CacheableAssetsDefinition"), _PlainSequence
    )


if TYPE_CHECKING:
    _Base = _PlainSequence
else:
    _Base = _several_assets_in_one()


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
        """Nothing: they are loaded."""
        return []

    def build_definitions(self, data: Sequence[object]) -> Sequence[dg.AssetsDefinition]:
        """The definitions, whatever was kept of them elsewhere."""
        return self._definitions
