"""Which other sensors report the same tables: two in two code locations know nothing of each other.

Each sync is still reported once, as long as they do not tick at the same moment.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import dagster as dg
from cachetools import TTLCache

from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.tables.table import Table

# So often (seconds) a process says it of the same two.
_SAY_EVERY = 6 * 60 * 60
_MOST_NAMES = 3

_said: TTLCache[tuple[str, str], bool] = TTLCache(1_000, _SAY_EVERY)
_lock = Lock()


def name_of_sensor(context: dg.SensorEvaluationContext, base_name: str) -> str:
    """What events say of who reported them: `base_name` is the same for all shards."""
    origin = context.code_location_origin
    where = origin.location_name if origin is not None else context.repository_name
    return f"{where}:{base_name}" if where else base_name


@dataclass(frozen=True)
class OtherSensors:
    """`own` is this sensor, which had last reported or read something new at `since` (Dagster's
    clock, epoch seconds); None if it has not ticked before. What was reported before that may be of
    an earlier name of its own."""

    own: str
    since: float | None

    def among(self, ledger: Ledger, tables: Iterable[Table]) -> Mapping[str, Sequence[Table]]:
        """The tables by who else reported them last, outside of runs. Pure."""
        if self.since is None:
            return {}
        found: dict[str, list[Table]] = {}
        for table in tables:
            last = ledger.last.get(table.key)
            if last is None or last.run_id or last.reported_by in (None, self.own):
                continue
            if last.stored_at > self.since:
                found.setdefault(str(last.reported_by), []).append(table)
        return found

    def warn(self, ledger: Ledger, tables: Iterable[Table], log: logging.Logger) -> None:
        """Name them in the log, each once in six hours."""
        for other, theirs in self.among(ledger, tables).items():
            with _lock:
                is_new = (self.own, other) not in _said
                _said[self.own, other] = True
            if is_new:
                names = [table.key.to_user_string() for table in theirs]
                more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
                log.warning(
                    "The sensor %s reports tables that this one (%s) reports, too: %s%s. Syncs may"
                    " be reported twice if both tick at the same time. Stop one of the two, or"
                    " divide the connections between them with connection_selector_fn.",
                    other,
                    self.own,
                    ", ".join(names[:_MOST_NAMES]),
                    more,
                )
