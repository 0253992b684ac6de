"""What a tick asks Airbyte of single jobs: little, and never for long."""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from cachetools import TTLCache

from dagster_airbyte_sync.assets.events.finished_sync import FinishedSync
from dagster_airbyte_sync.assets.events.job_details import DetailsWanted, JobDetails
from dagster_airbyte_sync.assets.events.partial_success import Outcomes
from dagster_airbyte_sync.resources import AirbyteClient, Job, TimeBudget
from dagster_airbyte_sync.sensors.cursor.pending import JobKey, job_key
from dagster_airbyte_sync.sensors.details.outcomes import PATIENCE, OutcomesRead

# So many requests a tick makes at most for what is worth no delay, at the end of a backlog fewer,
# and so many seconds they take.
MOST_REQUESTS, OF_BACKLOG, LONGEST = 20, 5, 5.0


class AskedOfJobs:
    """Asks within the time of one tick, for each job once."""

    def __init__(
        self,
        client: AirbyteClient,
        wanted: DetailsWanted,
        budget: TimeBudget,
        patience: float = PATIENCE,
    ) -> None:
        self._client, self._wanted, self._budget = client, wanted, budget
        self._for_outcomes: TimeBudget | None = None
        self._memory = _memories.setdefault(client, _Memory())
        self.outcomes = OutcomesRead(
            wanted.partial_success, is_refused=client.refuses_stream_outcomes, patience=patience
        )

    def read_outcomes(self, jobs: Iterable[Job]) -> OutcomesRead:
        """With how far the streams of these came, as far as half of the tick's time allows: other
        connections have something to report, too."""
        budget = self._for_outcomes = self._for_outcomes or self._budget.half()
        known, is_over = dict(self.outcomes.known), False
        # One that took long for nothing is not asked for before the others: they would not be.
        for job in sorted(jobs, key=lambda job: self._memory.asked_in_vain.of(job) or 0.0):
            if budget.is_spent:
                is_over = True
                break
            known[job_key(job)] = self._outcomes(job, budget)
        is_refused = self._client.refuses_stream_outcomes
        self.outcomes = replace(self.outcomes, known=known, is_over=is_over, is_refused=is_refused)
        return self.outcomes

    def _outcomes(self, job: Job, budget: TimeBudget) -> Outcomes | None:
        outcomes = self._memory.outcomes.of(job)
        if outcomes is None and not self._client.pauses_stream_outcomes:
            outcomes = self._wanted.outcomes(self._client, job, budget)
            if outcomes is not None:
                self._memory.outcomes.keep(job, outcomes)
            else:
                self._memory.asked_in_vain.keep(job, time.monotonic())
        return outcomes

    def details(self, syncs: Sequence[FinishedSync], *, more: bool) -> Mapping[JobKey, JobDetails]:
        """What else is known of those, which are about to be reported; of many only of those that
        failed and of the last. Where there are `more` for the next tick it is a backlog."""
        known = self._memory.details
        new = [sync for sync in reversed(syncs) if known.of(sync.job) is None]
        failed = [sync for sync in new if not sync.job.succeeded]
        others = [sync for sync in new if sync.job.succeeded]
        most = OF_BACKLOG if more else MOST_REQUESTS
        is_little = self._requests(new) <= most
        budget = self._budget.half().at_most(LONGEST)
        self._read(failed, most, budget)
        self._read(others, most if is_little else 0 if more else OF_BACKLOG, budget)
        found = {job_key(sync.job): known.of(sync.job) for sync in syncs}
        return {key: each for key, each in found.items() if each and each != JobDetails()}

    def _read(self, syncs: Iterable[FinishedSync], left: int, budget: TimeBudget) -> None:
        for sync in syncs:
            left -= self._requests([sync])
            if left < 0 or budget.is_spent:
                break
            details = self._wanted.read(self._client, sync.job, sync.started_by_run, budget)
            self._memory.details.keep(sync.job, details)

    def _requests(self, syncs: Iterable[FinishedSync]) -> int:
        return sum(self._wanted.requests(each.job, each.started_by_run) for each in syncs)


_Name = tuple[str, JobKey]
_Answer = TypeVar("_Answer")


def _name(job: Job) -> _Name:
    return job.connection_id, job_key(job)


class _Answers(Generic[_Answer]):
    """What was answered in the last ten minutes: a wide connection is reported in several ticks,
    and what was decided by a tick that died is decided again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: TTLCache[_Name, _Answer] = TTLCache(500, 600)

    def of(self, job: Job) -> _Answer | None:
        with self._lock:
            return self._known.get(_name(job))

    def keep(self, job: Job, answer: _Answer) -> None:
        with self._lock:
            self._known[_name(job)] = answer


@dataclass(frozen=True)
class _Memory:
    outcomes: _Answers[Outcomes] = field(default_factory=lambda: _Answers[Outcomes]())
    details: _Answers[JobDetails] = field(default_factory=lambda: _Answers[JobDetails]())
    # When that was.
    asked_in_vain: _Answers[float] = field(default_factory=lambda: _Answers[float]())


# Clients outlive ticks; their answers go with them.
_memories: WeakKeyDictionary[AirbyteClient, _Memory] = WeakKeyDictionary()
