"""Which jobs a listing returns, and in which order."""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dagster_airbyte_sync.testing.world.jobs import SimulatedJob

OrderField = Literal["createdAt", "updatedAt"]


@dataclass(frozen=True)
class JobQuery:
    """Bounds are inclusive, and exact to the microsecond. None asks for nothing."""

    connection_id: str | None = None
    types: Collection[str] | None = None
    statuses: Collection[str] | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    order: OrderField = "createdAt"
    descending: bool = False

    def select(self, jobs: Iterable[SimulatedJob], now: datetime) -> list[SimulatedJob]:
        """The matching jobs in order, as far as they are committed."""
        shown = (job.as_committed(now) for job in jobs)
        return sorted(
            (job for job in shown if self._matches(job)),
            key=self._moment,
            reverse=self.descending,
        )

    def disturb_ties(self, jobs: list[SimulatedJob], chance: random.Random) -> list[SimulatedJob]:
        """Airbyte orders by the one column only: jobs of one moment come in any order.

        The order is another for each request, so such jobs may be repeated or skipped from page to
        page, also when the same page is asked for again.
        """
        shuffled = chance.sample(jobs, len(jobs))
        return sorted(shuffled, key=self._moment, reverse=self.descending)

    def _matches(self, job: SimulatedJob) -> bool:
        return (
            self.connection_id in (None, job.connection_id)
            and (self.types is None or (job.unheard_type or job.type) in self.types)
            and (self.statuses is None or (job.unheard_status or job.status) in self.statuses)
            and _between(self.created_from, job.created_at, self.created_to)
            and _between(self.updated_from, job.updated_at, self.updated_to)
        )

    def _moment(self, job: SimulatedJob) -> datetime:
        return job.created_at if self.order == "createdAt" else job.updated_at


def _between(start: datetime | None, moment: datetime, end: datetime | None) -> bool:
    return (start is None or start <= moment) and (end is None or moment <= end)
