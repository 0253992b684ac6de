"""When to look for late connections, and what is found that wants a run."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.sensors.failures import late
from dagster_airbyte_sync.sensors.failures.connections import Connections
from dagster_airbyte_sync.sensors.failures.failure_cursor import FailureCursor
from dagster_airbyte_sync.sensors.failures.late import LateAfter, LateConnection


@dataclass(frozen=True)
class Look:
    """What a look found: the connections that are `late` and have had no run for it.

    `marks` are those of the others that are late. The next look is `again_at` (epoch seconds).
    """

    late: tuple[LateConnection, ...] = ()
    marks: frozenset[int] = frozenset()
    again_at: int | None = None

    def after(self, taken: Sequence[LateConnection], now: int) -> "Look":
        """When runs were asked for: what there was no time for is looked at again at once."""
        again_at = self.again_at if len(taken) == len(self.late) else now
        return Look((), self.marks | {each.mark for each in taken}, again_at)


@dataclass(frozen=True)
class Looking:
    """Looks at the tables of this code location. `now` is Dagster's clock, `interval` between two
    ticks; both in seconds."""

    instance: dg.DagsterInstance
    tables: Callable[[], Sequence[Table]]
    connections: Connections
    late_after: LateAfter
    now: int
    interval: int
    log: logging.Logger

    def look(self, before: FailureCursor, *, is_complete: bool) -> Look:
        """Nothing is late for a sensor that has a history to catch up on."""
        if not self.late_after:
            return Look()
        planned = before.look_at
        if planned is None:
            return Look(again_at=late.first_look(self.now))
        at = late.next_look(planned, self.now, self.interval)
        if at > self.now or not is_complete:
            return Look(marks=before.late, again_at=at)
        return self._look(before.late, self.tables())

    def _look(self, marked: frozenset[int], tables: Sequence[Table]) -> Look:
        if not late.may_be_late(tables, self.late_after):
            self.log.warning(
                "No connection can be late: no table here has a freshness policy of a time window."
                " Build the assets with freshness_from_airbyte_schedule=True, or give late_after a"
                " time."
            )
        last = late.last_materialized(self.instance, {table.key for table in tables})
        found = late.late_connections(tables, last, self.late_after, self.now)
        marks = marked & {each.mark for each in found}
        new = self._syncing(each for each in found if each.mark not in marks)
        # What is remembered of connections may be older than a pause.
        if new and not self.connections.refresh():
            return Look(marks=marks, again_at=self.now)
        return Look(self._syncing(new), marks, self.now + late.LOOK_EVERY)

    def _syncing(self, found: Iterable[LateConnection]) -> tuple[LateConnection, ...]:
        """Those that Airbyte would sync, if all was well."""
        return tuple(each for each in found if self.connections.is_active(each.connection_id))
