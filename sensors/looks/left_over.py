"""With each look the sensor says again what the checks of syncs said that runs planned and left.

Dagster shows of what a run has planned that it could not be executed, or was skipped: if the run
was killed, cancelled before it began, or got no answer, nobody else says anything before the next
sync. No request to Airbyte.
"""

from collections.abc import Mapping, Sequence

import dagster as dg

from dagster_airbyte_sync.assets.events.owed import Checked
from dagster_airbyte_sync.assets.events.said_before import said_before_runs_that_are_over
from dagster_airbyte_sync.assets.events.sync_events import Event
from dagster_airbyte_sync.sensors.looks.look import Looked, Room, Watch, fitting, tables_here

# A look reads the checks of so many tables, half a second, and the next one goes on behind them.
_TABLES = 1_000
# Of so many checks it looks up what they said, one by one.
_MOST = 200


def said_of_left_over(
    watch: Watch, checked: Checked, events: Sequence[Event], place: int, room: Room
) -> Looked:
    """What the checks said that runs have left, from that place on among the tables that have any.

    Of tables that the tick stores `events` for, the next look knows more. If not all fits, it
    begins at the same place.
    """
    every = sorted(checked)
    start = place if 0 <= place < len(every) else 0
    reported = {event.asset_key for event in events}
    checks: Mapping[dg.AssetCheckKey, str] = {
        dg.AssetCheckKey(table.key, name): table.connection_id
        for table in tables_here(watch.repository, every[start : start + _TABLES])
        if table.key not in reported
        for name in sorted(checked[table.key].names, reverse=True)
    }
    found = said_before_runs_that_are_over(watch.instance, checks)
    said = fitting(found, Room(min(room.events, _MOST), room.bytes))
    after = start + _TABLES if start + _TABLES < len(every) else 0
    return Looked(said.events, said.is_whole, after if said.is_whole else start)
