"""What the event log says of jobs, read in the one order in which nothing is missed or repeated.

First who claims a job, then what was last reported for each table, then tables' histories. A step
that ends between two of these readings has stored its events by then, and the later one has them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync.assets.event_log.claims import (
    Followers,
    Reporter,
    claims_of,
    followers_of,
    other_reporter,
    starter_of,
)
from dagster_airbyte_sync.assets.event_log.sync_claim import StoredClaim
from dagster_airbyte_sync.assets.events.ledger import Ledger, read_again, read_ledger
from dagster_airbyte_sync.assets.events.owed import owed_by
from dagster_airbyte_sync.assets.events.table_history import Question, with_answers
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import NO_LIMIT, Job, TimeBudget


@dataclass(frozen=True)
class EventLogFacts:
    """The ledger, and by job id the runs that have to do with a job, where that was looked up."""

    ledger: Ledger = field(default_factory=Ledger)
    followers: Mapping[int, Followers] = field(default_factory=dict)

    def looked_up(
        self,
        instance: dg.DagsterInstance,
        claims_to_read: Sequence[tuple[Table, Job]],
        tables: Iterable[Table],
        questions: Iterable[Question],
        budget: TimeBudget = NO_LIMIT,
    ) -> "EventLogFacts":
        """With who follows those jobs, what was reported for `tables` by now, and the answers."""
        followers = followers_of(instance, claims_to_read, budget)
        ledger = read_again(instance, self.ledger, tables)
        ledger = with_answers(instance, ledger, questions, budget)
        return EventLogFacts(ledger, {**self.followers, **followers})


@dataclass(frozen=True)
class JobFacts:
    """What one run must know to report the job that it follows: the claims on that job come first.

    `tables` are those of the job's streams.
    """

    instance: dg.DagsterInstance
    run_id: str
    job: Job
    tables: Sequence[Table]
    claims: Sequence[StoredClaim]

    @classmethod
    def read(
        cls,
        instance: dg.DagsterInstance,
        run_id: str,
        job: Job,
        tables: Sequence[Table],
        claimed: dg.AssetKey,
    ) -> "JobFacts":
        """`claimed` is any table on which runs claim the job."""
        return cls(instance, run_id, job, tables, claims_of(instance, claimed, [job])[job.id])

    @property
    def started_by(self) -> str | None:
        return starter_of(self.claims)

    def other_reporter(self) -> Reporter | None:
        """The run that reports the job instead of this one, as of now."""
        return other_reporter(self.instance, self.claims, self.run_id)

    def owed(self, skew: timedelta) -> tuple[Ledger, frozenset[dg.AssetKey]]:
        """The ledger, and the tables that are owed the job, as of now."""
        ledger = read_ledger(self.instance, self.tables, skew)
        ledger = replace(ledger, among={self.job.connection_id: (self.job,)})
        while True:
            owed = owed_by(self.job, self.tables, ledger, {}, max(len(self.tables), 1))
            if not owed.questions:
                return ledger, frozenset(share.table.key for share in owed.shares)
            ledger = with_answers(self.instance, ledger, owed.questions)
