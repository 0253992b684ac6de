"""What a run has said: what waits, and of starts how far it is with each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock

import dagster as dg
from cachetools import LRUCache

from dagster_airbyte_sync.assets.event_log.records import run_events
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, StoredClaim
from dagster_airbyte_sync.assets.queue.wait import Wait, connection_that_waits_again

# A start run says something at least every few minutes: Airbyte takes one at most for a start, and
# two more are spent looking for one that it did not answer. One that was silent for so long
# (seconds) may be dead without Dagster knowing, and its places would be nobody's.
SILENCE = 15 * 60.0

_OBSERVED = {dg.DagsterEventType.ASSET_OBSERVATION}


@dataclass(frozen=True)
class Said:
    """By connection: `settled` when the run has said what became of the start, `starting` when it
    has said that it begins, and nothing since."""

    waits: tuple[Wait, ...] = ()
    settled: Mapping[str, float] = field(default_factory=dict)
    starting: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[dg.EventLogRecord]) -> "Said":
        waits: list[Wait] = []
        settled: dict[str, float] = {}
        starting: dict[str, float] = {}
        for record in records:
            if wait := Wait.from_record(record):
                waits.append(wait)
            elif again := connection_that_waits_again(record):
                settled.pop(again, None)
            elif stored := StoredClaim.from_record(record):
                connection_id = stored.claim.connection_id
                if stored.claim.status is ClaimStatus.STARTING:
                    settled.pop(connection_id, None)
                    starting.setdefault(connection_id, stored.stored_at)
                else:
                    starting.pop(connection_id, None)
                    settled[connection_id] = stored.stored_at
        return cls(tuple(waits), settled, starting)

    @property
    def size(self) -> int:
        return 1 + len(self.waits) + len(self.settled) + len(self.starting)


# Of runs that are over, which say nothing more. Shared by the sensors of a process.
_said: LRUCache[str, Said] = LRUCache(50_000, getsizeof=lambda said: said.size)
_said_lock = Lock()


def read_said(instance: dg.DagsterInstance, record: dg.RunRecord, now: float) -> Said:
    """One look into the event log; of a run that is over for good, one in the life of a process."""
    run_id = record.dagster_run.run_id
    with _said_lock:
        known = _said.get(run_id)
    if known is not None:
        return known
    said = Said.of(run_events(instance, run_id, _OBSERVED))
    if _has_said_all(record, now) and said.size < _said.maxsize:
        with _said_lock:
            _said[run_id] = said
    return said


def _has_said_all(record: dg.RunRecord, now: float) -> bool:
    """What failed or was cancelled may live on for a while, and say more."""
    run = record.dagster_run
    if run.status is dg.DagsterRunStatus.SUCCESS:
        return True
    return run.is_finished and now - (record.end_time or now) > SILENCE
