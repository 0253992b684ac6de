"""What Airbyte knows of a job beside its end, and who is asked for it: who started it, in words,
and the end of its log. None of it may delay a report for long."""

from dataclasses import dataclass

from dagster_airbyte_sync.assets.events.partial_success import Outcomes
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    BaseAirbyteWorkspace,
    Job,
    JobStarter,
    StarterKind,
    SyncSchedule,
    TimeBudget,
)

# Seconds that a run, or a check by hand, waits for both.
PATIENCE = 10.0

_WORDS = {
    StarterKind.SOMEBODY: "somebody in Airbyte's UI or API",
    StarterKind.SCHEDULE: "Airbyte's schedule",
    StarterKind.AIRBYTE: "Airbyte itself",
}


@dataclass(frozen=True)
class JobDetails:
    """Who started a job, such as "Anna Smith", and the last lines of the log of
    one that failed; both as far as that was asked for and is known."""

    started_by: str | None = None
    failure_log: tuple[str, ...] = ()


@dataclass(frozen=True)
class DetailsWanted:
    """What a workspace is to ask of jobs, by its settings of the same names."""

    partial_success: bool = False
    who_started: bool = False
    failure_log: bool = False

    @classmethod
    def of(cls, workspace: BaseAirbyteWorkspace) -> "DetailsWanted":
        return cls(workspace.partial_success, workspace.who_started, workspace.failure_log)

    def requests(self, job: Job, run_id: str | None) -> int:
        """How many requests `read` makes at most, but for the connection's schedule."""
        return self._asks_who(run_id) + self._asks_for_log(job)

    def read(
        self, client: AirbyteClient, job: Job, run_id: str | None, budget: TimeBudget
    ) -> JobDetails:
        """What is wanted of a finished job; `run_id` is the run of Dagster that started it."""
        words, log = None, None
        if self._asks_who(run_id):
            words = started_by(starter := client.who_started(job, budget))
            if starter is not None and starter.by_schedule:
                words = started_by(starter, _schedule(client, job, budget))
        if self._asks_for_log(job):
            log = client.failure_log(job, budget)
        return JobDetails(words, log.lines if log else ())

    def may_say_more_of(self, job: Job) -> bool:
        """Whether some tables of the job may be complete though it failed, and that matters."""
        return self.partial_success and job.may_be_partial

    def outcomes(self, client: AirbyteClient, job: Job, budget: TimeBudget) -> Outcomes | None:
        """How far the streams of a failed job came, if that is wanted; one request."""
        if not self.may_say_more_of(job):
            return None
        return client.stream_outcomes(job, budget)

    def _asks_who(self, run_id: str | None) -> bool:
        # For Airbyte, Dagster is one of its users, and whose run it is is known.
        return self.who_started and run_id is None

    def _asks_for_log(self, job: Job) -> bool:
        return self.failure_log and job.is_finished and not job.succeeded


def started_by(starter: JobStarter | None, schedule: SyncSchedule | None = None) -> str | None:
    """Such as "Anna Smith"; None if nobody knows.

    `schedule` is the connection's: what has none was not started by it, whatever the timeline says.
    """
    if starter is None:
        return None
    if starter.by_schedule and schedule is not None and schedule.kind == "manual":
        return None
    return _WORDS.get(starter.kind) or _person(starter)


def _person(starter: JobStarter) -> str | None:
    # Event logs are kept for years: an address is stored only where there is no name.
    return starter.name or starter.email


def _schedule(client: AirbyteClient, job: Job, budget: TimeBudget) -> SyncSchedule | None:
    """The connection's schedule; in a tick it is mostly remembered."""
    try:
        return client.known_connection(job.connection_id, budget).schedule
    except AirbyteError:
        return None
