"""What a tick has read, and what it decides to report: records. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import dagster as dg

from dagster_airbyte_sync.assets.event_log.claims import Followers
from dagster_airbyte_sync.assets.events.event_log_facts import EventLogFacts
from dagster_airbyte_sync.assets.events.finished_sync import FinishedSync
from dagster_airbyte_sync.assets.events.job_details import JobDetails
from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.events.owed import Checked
from dagster_airbyte_sync.assets.events.sync_events import Event
from dagster_airbyte_sync.assets.events.table_history import Question
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import Job
from dagster_airbyte_sync.sensors.cursor.pending import JobKey, Pending, job_key
from dagster_airbyte_sync.sensors.details.outcomes import NOT_WANTED, OutcomesRead
from dagster_airbyte_sync.sensors.reading.live_runs import LiveRun


@dataclass(frozen=True)
class Limits:
    """How much one tick may report: events, and bytes of them as they are sent to the daemon.

    `hold` is how long (seconds) a finished job waits for the live run that is to report it, `grace`
    for a run that is over, whose step may live on, and `catalog` for Airbyte to say which streams
    its connection has now.
    """

    hold: float
    grace: float
    catalog: float = 300.0
    # Dagster stores 20 to 80 events a second after the tick, in the thread all sensors share.
    events: int = 250
    # gRPC takes 100 MB, and the table of 240 columns makes an event of 50 kB.
    bytes: int = 8_000_000


@dataclass(frozen=True)
class TickInputs:
    """All a tick has read: the tables of each connection, live runs, and what has been reported.

    `tables` has every connection of the new jobs, if only with none: what is missing would be lost.
    `unreadable` are connections whose tables cannot be known now, and `outdated` those that may
    have newer ones. `checked` are the checks that the tables have, `pending` is with which job each
    connection waits (`now` in epoch seconds).
    `outcomes` is how far the streams of failed jobs came, and `details` what else is known of jobs.
    `reporter` is the sensor, as events name it. `is_final` if there is no time for further
    questions; `is_past` in a backfill, where what is older than a table's last report is only
    noted.
    """

    tables: Mapping[str, Sequence[Table]]
    live_runs: Sequence[LiveRun]
    facts: EventLogFacts
    checked: Checked
    pending: Mapping[str, Pending]
    now: int
    limits: Limits
    job_url: Callable[[Job], str]
    outcomes: OutcomesRead = NOT_WANTED
    details: Mapping[JobKey, JobDetails] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    outdated: frozenset[str] = frozenset()
    reporter: str | None = None
    is_final: bool = False
    is_past: bool = False

    @property
    def ledger(self) -> Ledger:
        return self.facts.ledger

    def followers(self, job: Job) -> Followers:
        return self.facts.followers.get(job.id, Followers())


@dataclass(frozen=True)
class ReportedSync:
    """A finished job that has something to report outside of a run: for which assets, by which
    events.

    `keys` are all of its assets; of a job that succeeded in part those that are complete, and none
    if a run has reported them.
    `is_ours` is False for a job that a run has reported and only its checks are missing. Of a job
    of ours `events` is empty if an earlier tick stored them but died before its cursor moved.
    `is_whole` is False if the rest of its tables is left to the next tick. `taken_from` is the run
    that should have reported it but was waited for long enough; `may_repeat` one that may have
    reported it without naming it, though that cannot be known.
    """

    sync: FinishedSync
    keys: tuple[dg.AssetKey, ...]
    events: tuple[Event, ...]
    is_ours: bool = True
    is_whole: bool = True
    taken_from: str | None = None
    may_repeat: str | None = None

    @property
    def triggers_runs(self) -> bool:
        """Whether the sensor reports fresh tables here, so that what follows may run."""
        job = self.sync.job
        is_fresh = job.wrote_tables or (job.made_any_fresh and bool(self.keys))
        return self.is_ours and is_fresh

    @property
    def tables(self) -> int:
        """How many tables it is reported for in this tick."""
        return len({event.asset_key for event in self.events})


@dataclass(frozen=True)
class Decision:
    """What becomes of the new jobs of a scan: reported now, waiting, or left for the next tick.

    A job in none of them has nothing to report: no asset stands for its streams. `left` begins with
    a job that is also in `reported` if it is reported in part. Of `unreadable` connections nothing
    is reported because their tables cannot be known now; `graced` are those of the waiting
    jobs that wait for a step that may live on. With `questions`, or jobs of which nobody has looked
    up who follows them, or how far their streams came, the decision is not certain yet.
    """

    reported: tuple[ReportedSync, ...] = ()
    waiting: tuple[Job, ...] = ()
    left: tuple[Job, ...] = ()
    unreadable: frozenset[str] = frozenset()
    graced: frozenset[JobKey] = frozenset()
    questions: tuple[Question, ...] = ()
    claims_to_read: tuple[tuple[Table, Job], ...] = ()
    outcomes_to_read: tuple[Job, ...] = ()

    @property
    def is_certain(self) -> bool:
        return not (self.questions or self.claims_to_read or self.outcomes_to_read)

    @property
    def events(self) -> int:
        return sum(len(reported.events) for reported in self.reported)


def up_to(decision: Decision, place: int, new: Sequence[Job]) -> Decision:
    """The decision without what it reports from that place on, which is left to the next tick."""
    first = job_key(decision.reported[place].sync.job)
    start = next(number for number, job in enumerate(new) if job_key(job) == first)
    left = new[start:]
    kept = {job_key(job) for job in new[:start]}
    return replace(
        decision,
        reported=decision.reported[:place],
        waiting=tuple(job for job in decision.waiting if job_key(job) in kept),
        left=tuple(left),
    )
