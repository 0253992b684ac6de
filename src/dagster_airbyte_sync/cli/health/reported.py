"""Whether a job was reported to Dagster, as far as the event log shows it. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import dagster as dg

from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.checks.check_settings import SYNC_CHECK
from dagster_airbyte_sync.assets.event_log.evaluations import Evaluations
from dagster_airbyte_sync.assets.events.finished_sync import in_reporting_order, tables_of_job
from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.events.table_history import Question
from dagster_airbyte_sync.resources import Job


class Reported(str, Enum):
    """`NOT_DUE`: nothing would be, as no asset stands for it, or none has a check that says so."""

    YES = "yes"
    NO = "no"
    PARTLY = "partly"
    NOT_DUE = "not due"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Known:
    """What the event log says last of each table; `checked` as in `Assets`.

    `jobs` are the last ones of connections of which Airbyte names none.
    """

    ledger: Ledger = field(default_factory=Ledger)
    evaluations: Evaluations = field(default_factory=dict)
    checked: frozenset[dg.AssetKey] | None = None
    jobs: Mapping[str, Job] = field(default_factory=dict)

    def is_complete(self, table: Table, job: Job) -> bool:
        """Whether the last materialization of the table is of that job, which may have failed."""
        last = self.ledger.last.get(table.key)
        return last is not None and last.job is not None and last.job.is_same(job.ref)


def reported_last(job: Job, tables: Sequence[Table], known: Known | None) -> Reported:
    """Of a connection's last finished job. `tables` are all of its connection."""
    own = tables_of_job(job, tables)
    if known is None:
        return Reported.UNKNOWN
    if not own:
        return Reported.NOT_DUE
    return together(_of_table(job, table, known) for table in own)


def questions_of(job: Job, tables: Sequence[Table]) -> list[Question]:
    """What the last events of tables do not say: whether a clear was noted."""
    if not job.succeeded or job.wrote_tables:
        return []
    return [Question("observation", table, job) for table in witnesses(job, tables)]


def witnesses(job: Job, tables: Sequence[Table]) -> list[Table]:
    """The table that a job is reported for last; none if there is none. If that has it, all do."""
    return in_reporting_order(tables_of_job(job, tables))[-1:]


def _of_table(job: Job, table: Table, known: Known) -> Reported:
    ledger = known.ledger
    if ledger.is_late(table.key, job.ref):
        # A later one was reported meanwhile, and they come in their order.
        return Reported.YES
    if job.wrote_tables:
        return {True: Reported.YES, False: Reported.NO, None: Reported.UNKNOWN}[
            ledger.is_reported(table.key, job)
        ]
    if job.succeeded:
        noted = ledger.noted.get((table.key, job.ref, "observation"))
        return Reported.YES if noted else Reported.NO if noted is False else Reported.NOT_DUE
    return _of_failure(job, table, known)


def _of_failure(job: Job, table: Table, known: Known) -> Reported:
    """A failure is reported by the table's check alone, unless the table is complete."""
    if known.is_complete(table, job):
        return Reported.YES
    last = known.evaluations.get(table.key, {}).get(SYNC_CHECK)
    if last is not None and last.is_of(job):
        return Reported.YES
    return Reported.NO if is_checked(table, known.checked) else Reported.NOT_DUE


def is_checked(table: Table, checked: Collection[dg.AssetKey] | None) -> bool:
    """Whether a failure is to be seen at the table; if that is not known, it is."""
    return checked is None or table.key in checked


def together(answers: Iterable[Reported]) -> Reported:
    """What the answers of several tables come to; those that are not due do not count."""
    every = {each for each in answers if each is not Reported.NOT_DUE}
    if not every:
        return Reported.NOT_DUE
    if Reported.UNKNOWN in every:
        return Reported.UNKNOWN
    return every.pop() if len(every) == 1 else Reported.PARTLY
