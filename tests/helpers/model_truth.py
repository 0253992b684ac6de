"""What Airbyte finished, compared with what Dagster was told: the judge of the model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedJob
from helpers.model_score import SCORE

# What commits later than this after its end may be out of the sensor's reach.
REACH = timedelta(minutes=5)


@dataclass(frozen=True)
class Telling:
    """One materialization: of which table and job, when on Airbyte's clock, and by whom."""

    table: str
    job_id: int
    at: datetime
    by_run: bool


@dataclass
class Truth:
    """All tellings so far, and since when each table has been defined in Dagster."""

    airbyte: AirbyteSimulator
    tellings: list[Telling] = field(default_factory=list)
    defined_since: dict[str, datetime] = field(default_factory=dict)
    # A closed Configuration API takes with it which streams a job had.
    streams_are_known: bool = True
    # Tables of streams that a connection once lost.
    taken_away: set[str] = field(default_factory=set)

    def now_defined(self, tables: Iterable[str]) -> None:
        now = self.airbyte.now
        self.defined_since = {table: self.defined_since.get(table, now) for table in tables}

    def note(self, table: str, job_id: int | None, *, by_run: bool) -> None:
        """A materialization has just been stored. Fails if it should not have been."""
        assert job_id is not None, f"{table} was told of no job"
        telling = Telling(table, job_id, self.airbyte.now, by_run)
        self._check_it_is_true(telling)
        self._check_it_is_new(telling)
        self._check_it_is_in_order(telling)
        self.tellings.append(telling)
        SCORE.told += 1
        SCORE.told_by_runs += by_run

    def told(self, table: str) -> list[int]:
        return [telling.job_id for telling in self.tellings if telling.table == table]

    def owed(self) -> Iterator[tuple[str, int]]:
        """What must have been told once all is at rest: table and job."""
        for job in self._fresh_jobs():
            for table in tables_of(job):
                if self._was_defined(table, job) and self._is_known(table) and _is_in_reach(job):
                    yield table, job.job_id

    def _is_known(self, table: str) -> bool:
        """Whether it can be seen that a job had this stream: in the job, or in its connection."""
        return self.streams_are_known or table not in self.taken_away

    def check_nothing_is_lost(self) -> None:
        told = {(telling.table, telling.job_id) for telling in self.tellings}
        lost = [owed for owed in self.owed() if owed not in told]
        SCORE.lost += len(lost)
        assert not lost, f"never told: {lost}"

    def _fresh_jobs(self) -> list[SimulatedJob]:
        return [
            job for job in self.airbyte.jobs if job.status == "succeeded" and job.type != "reset"
        ]

    def _check_it_is_true(self, telling: Telling) -> None:
        job = self.airbyte.job(telling.job_id)
        assert job.status == "succeeded", f"{telling} is told of a job that has {job.status}"
        assert job.type in ("sync", "refresh"), f"{telling} is told of a {job.type}"
        assert (job.committed_at or telling.at) <= telling.at, f"{telling}: nobody could know yet"
        of_connection = id_of(connection_key(telling.table)) == job.connection_id
        had_stream = telling.table in tables_of(job) or not self.streams_are_known
        assert of_connection, f"{telling} is told of another connection's job"
        assert had_stream, f"{telling} is told of a job without its stream"

    def _check_it_is_new(self, telling: Telling) -> None:
        if telling.job_id in self.told(telling.table):
            SCORE.twice += 1
            raise AssertionError(f"told twice: {telling}, after {self.tellings}")

    def _check_it_is_in_order(self, telling: Telling) -> None:
        newer = [t for t in self.tellings if t.table == telling.table and t.job_id > telling.job_id]
        if not newer:
            return
        SCORE.overtaken += 1
        if not any(self._could_overtake(other, telling) for other in newer):
            SCORE.out_of_order += 1
            raise AssertionError(f"told out of order: {telling}, after {newer}")

    def _could_overtake(self, newer: Telling, older: Telling) -> bool:
        """Whether the older job may come late.

        A run tells its own job whatever else the sensor has yet to tell. A sensor may have passed
        the older one before it could be seen, or while the table was not defined; another sensor,
        or one without its bookmark, then finds it still untold. So it does, however much later,
        where the older one was out of the first sensor's reach when it came.
        """
        job = self.airbyte.job(older.job_id)
        visible = job.committed_at or job.updated_at
        if newer.by_run or visible > newer.at or not _is_in_reach(job):
            return True
        return not self._was_defined(older.table, job)

    def _was_defined(self, table: str, job: SimulatedJob) -> bool:
        defined = self.defined_since.get(table)
        return defined is not None and defined < job.updated_at


def _is_in_reach(job: SimulatedJob) -> bool:
    return (job.committed_at or job.updated_at) - job.updated_at < REACH


def tables_of(job: SimulatedJob) -> list[str]:
    """Streams of this model have the names of their assets: `c1_a`, `c1_b`, `c2_a`."""
    return [stream.name for stream in job.streams]


def connection_key(table: str) -> str:
    return table.partition("_")[0]


def id_of(key: str) -> str:
    """The id of the connection whose streams' names begin with this key."""
    return f"{key}000000-0000-4000-8000-000000000000"
