"""How far the streams of failed jobs came, as far as one tick knows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dagster_airbyte_sync.assets.events.partial_success import Outcomes, with_complete_streams
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.cursor.pending import JobKey, job_key

PATIENCE = 300


@dataclass(frozen=True)
class OutcomesRead:
    """What was read, by job; None is an answer that did not come.

    `is_over` if no more can be asked in this tick, and `is_refused` if Airbyte does not say it of
    any job, or has not for minutes. Nothing is asked unless it is `wanted`. If Airbyte does not
    answer, a failed job waits for `patience` seconds, and if `is_refused`, not at all; then it is
    reported as if nothing of it were complete.
    """

    wanted: bool = False
    known: Mapping[JobKey, Outcomes | None] = field(default_factory=dict)
    is_over: bool = False
    is_refused: bool = False
    patience: float = PATIENCE

    def may_say_more_of(self, job: Job, waited: float) -> bool:
        """Whether it is open which tables of the job are complete; it has `waited` (seconds)."""
        if not self.wanted or not job.may_be_partial:
            return False
        if job_key(job) not in self.known:
            # Also where Airbyte does not say: it may have been answered before.
            return True
        is_open = self.known[job_key(job)] is None and not self.is_refused
        return is_open and waited < self.patience

    def can_ask_for(self, job: Job) -> bool:
        """Whether it can be asked for in this tick."""
        return not self.is_over and job_key(job) not in self.known

    def at_best(self, job: Job, tables: Sequence[Table]) -> Job:
        """The job as if all of its tables were complete."""
        return replace(job, complete_streams=frozenset(table.stream for table in tables))

    def applied_to(self, job: Job, tables: Sequence[Table]) -> Job:
        """The job with its complete streams; `tables` are all of its connection."""
        outcomes = self.known.get(job_key(job))
        return job if outcomes is None else with_complete_streams(job, tables, outcomes)


NOT_WANTED = OutcomesRead()
