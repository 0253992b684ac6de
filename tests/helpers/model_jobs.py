"""All jobs that Airbyte ever finished, as they ended, also those that a restore took away."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedJob
from helpers.model_clock import ModelClock

# A job's number and the second of its creation: a number alone comes again after a restore.
Identity = tuple[int, int]

# What commits later than this after its end may be out of the sensor's reach.
REACH = timedelta(minutes=5)


def identity(job: SimulatedJob) -> Identity:
    return job.job_id, int(job.created_at.timestamp())


def id_of(key: str) -> str:
    """The id of the connection whose streams' names begin with this key."""
    return f"{key}000000-0000-4000-8000-000000000000"


def connection_key(table: str) -> str:
    return table.partition("_")[0]


def tables_of(job: SimulatedJob) -> tuple[str, ...]:
    """Streams of this model have the names of their assets: `c1_a`, `c1_b`, `c2_a`."""
    return tuple(stream.name for stream in job.streams)


@dataclass
class EndedJob:
    """A job as it ended. `ended` is what Airbyte wrote, `ended_really` Dagster's time of it.

    `seen` is the place in the order of all that happened at which its end could first be seen, and
    `is_late` if that was so long after it that it may be out of the sensor's reach. `is_lost` if a
    restore took it away.
    """

    identity: Identity
    connection_id: str
    type: str
    status: str
    tables: tuple[str, ...]
    ended: datetime
    ended_really: datetime
    seen: int | None = None
    is_late: bool = False
    is_lost: bool = False

    @property
    def is_fresh(self) -> bool:
        return self.status == "succeeded" and self.type != "reset"

    def precedes(self, other: "EndedJob") -> bool:
        """Whether it came first, by what Airbyte wrote and in truth.

        Where a clock was set these may disagree, and nobody can know the order.
        """
        return self._order < other._order and self._real_order < other._real_order

    @property
    def _real_order(self) -> tuple[datetime, int]:
        return self.ended_really, self.identity[0]

    @property
    def _order(self) -> tuple[int, int, int]:
        number, created = self.identity
        return int(self.ended.timestamp()), created, number


def _ended_so(job: SimulatedJob, ended: EndedJob) -> bool:
    return job.is_finished and (job.updated_at, job.status) == (ended.ended, ended.status)


@dataclass
class EndedJobs:
    """Looks at Airbyte whenever something may have ended."""

    airbyte: AirbyteSimulator
    clock: ModelClock
    moment: int = 0
    _versions: dict[Identity, list[EndedJob]] = field(default_factory=dict)
    _gone: set[Identity] = field(default_factory=set)
    _alike: set[Identity] = field(default_factory=set)

    def look(self) -> int:
        """Note what has ended; returns the number of this moment."""
        self.moment += 1
        for job in self.airbyte.jobs:
            if job.is_finished:
                self._note(job)
        return self.moment

    def versions(self, which: Identity) -> list[EndedJob]:
        """How the job ended: more than once, if a restore let it end again."""
        return self._versions.get(which, [])

    def current(self) -> Iterator[EndedJob]:
        """Each job that Airbyte still knows, as it ended at last."""
        for which, versions in self._versions.items():
            if not versions[-1].is_lost and which not in self._alike:
                yield versions[-1]

    def count(self) -> int:
        return len(self._versions)

    def restored(self) -> None:
        """A backup has just taken the place of all jobs. To be called before anything else is."""
        kept = {identity(job): job for job in self.airbyte.jobs}
        for which, versions in self._versions.items():
            job = kept.get(which)
            versions[-1].is_lost |= job is None or not _ended_so(job, versions[-1])
        self._gone |= self._versions.keys() - kept.keys()

    def is_ambiguous(self, which: Identity) -> bool:
        """Whether two jobs with that number were created in one second: nobody knows them apart."""
        return which in self._alike

    def _note(self, job: SimulatedJob) -> None:
        which = identity(job)
        versions = self._versions.setdefault(which, [])
        if which in self._gone:
            self._alike.add(which)
        if not versions or versions[-1].is_lost:
            versions.append(
                EndedJob(
                    which,
                    job.connection_id,
                    job.type,
                    job.status,
                    tables_of(job),
                    job.updated_at,
                    job.updated_at - self.clock.ahead,
                )
            )
        self._see(job, versions[-1])

    def _see(self, job: SimulatedJob, ended: EndedJob) -> None:
        now = self.clock.now()
        if ended.seen is None and (job.committed_at is None or job.committed_at <= now):
            ended.seen = self.moment
            really = self.clock.real - ended.ended_really
            by_airbyte = now - ended.ended
            if job.committed_at is not None:
                ended.is_late = max(really, by_airbyte) >= REACH
