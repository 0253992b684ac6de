"""Which sensors have been here before: a sensor without a cursor goes on where they were."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from itertools import chain, islice

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.sensors.cursor.resuming import Ends, unreported_from
from dagster_airbyte_sync.sensors.reading.defined_tables import DefinedTables
from dagster_airbyte_sync.sensors.shard import Shard

# Of so many connections the history of one table is looked at.
_MOST_ASKED = 20
# The first of a table may be those of runs.
_PAGE = 10


def first_syncs_from(
    begin: datetime,
    ends: Ends,
    tables: DefinedTables,
    instance: dg.DagsterInstance,
    skew: timedelta,
    shard: Shard,
) -> datetime:
    """From when on connections are reported that never were, by what sensors reported of others:
    `ends` are those of the shard. `skew` is Airbyte's clock minus Dagster's."""

    def every() -> Ends:
        return ends if shard.of == 1 else tables.ends_reported(instance, skew)

    def earliest() -> datetime | None:
        known = every()
        asked = islice(_by_sensors(known), _MOST_ASKED)
        firsts = (_first_report(instance, tables.as_far_as_known(each), skew) for each in asked)
        lasts = (end.ended_at for own in known.values() for end in own if end.is_by_sensor)
        return min(chain(lasts, filter(None, firsts)), default=None)

    by_shard = ends if any(_by_sensors(ends)) else every()
    return unreported_from(begin, chain.from_iterable(by_shard.values()), earliest)


def _by_sensors(ends: Ends) -> Iterable[str]:
    return (each for each, own in ends.items() if any(end.is_by_sensor for end in own))


def _first_report(
    instance: dg.DagsterInstance, tables: Sequence[Table], skew: timedelta
) -> datetime | None:
    """When the first sync ended that a sensor reported of one of them (Airbyte's clock)."""
    page = instance.fetch_materializations(tables[0].key, limit=_PAGE, ascending=True)
    for record in page.records:
        made = record.asset_materialization
        ended_at = made and keys.time_in(made.metadata, keys.SYNC_ENDED_AT)
        if ended_at is not None and not record.event_log_entry.run_id:
            return min(ended_at, datetime.fromtimestamp(record.timestamp, timezone.utc) + skew)
    return None
