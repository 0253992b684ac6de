"""In which workspaces the tables of definitions are, as they say it themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import table_of_spec, workspaces_of


@dataclass(frozen=True)
class Places:
    """The workspaces of connections, by their ids, and how workspaces were called at loading.

    Assets that this package did not make (`has_others`) may stand for connections of any.
    """

    of: Mapping[str, str]
    names: Mapping[str, str]
    has_others: bool


# Each tick asks, and thousands of tables take a tenth of a second. A repository never changes.
_KNOWN: WeakKeyDictionary[dg.RepositoryDefinition, Places] = WeakKeyDictionary()


def places_in(repository: dg.RepositoryDefinition) -> Places:
    known = _KNOWN.get(repository)
    if known is None:
        known = _KNOWN[repository] = _read(repository)
    return known


def _read(repository: dg.RepositoryDefinition) -> Places:
    specs = [assets.get_asset_spec(key) for key, assets in repository.assets_defs_by_key.items()]
    tables = [table for spec in specs if (table := table_of_spec(spec))]
    names = {
        place: keys.text_in(table.spec.metadata, keys.WORKSPACE_NAME) or place
        for table in tables
        if (place := keys.text_in(table.spec.metadata, keys.WORKSPACE_ID))
    }
    return Places(workspaces_of(tables), names, has_others=len(tables) < len(specs))
