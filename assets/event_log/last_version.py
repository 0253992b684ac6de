"""Which version Airbyte had when something was last started there: most runs know of no other."""

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys

# A run claims its job on each table once; other observations may be between.
_NEWEST = 10


def last_version(instance: dg.DagsterInstance, table: dg.AssetKey) -> str:
    """As the table's newest claim has it; "" if none says. One query."""
    records = instance.fetch_observations(table, limit=_NEWEST).records
    observed = (record.asset_observation for record in records)
    known = (keys.text_in(each.metadata, keys.AIRBYTE_VERSION) for each in observed if each)
    return next(filter(None, known), "")
