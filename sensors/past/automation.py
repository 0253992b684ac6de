"""Which assets may be run by their own conditions once tables become fresh."""

from collections.abc import Iterable

import dagster as dg


def automated_below(
    repository: dg.RepositoryDefinition, tables: Iterable[dg.AssetKey]
) -> frozenset[dg.AssetKey]:
    """The assets that depend on these tables, at any distance, and have an automation condition."""
    defined = repository.assets_defs_by_key
    known = [key for key in tables if key in defined]
    if not known:
        return frozenset()
    below = dg.AssetSelection.assets(*known).downstream(include_self=False)
    keys = below.resolve(repository.asset_graph, allow_missing=True)
    return frozenset(key for key in keys if key in defined and _is_automated(defined[key], key))


def _is_automated(assets: dg.AssetsDefinition, key: dg.AssetKey) -> bool:
    return assets.get_asset_spec(key).automation_condition is not None
