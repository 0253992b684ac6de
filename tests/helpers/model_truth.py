"""What Airbyte finished, compared with what Dagster was reported: the judge of the model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product

from dagster_airbyte_sync.assets.checks.check_settings import CHECKS_OF_SYNCS
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.model_clock import ModelClock
from helpers.model_coverage import Both, Coverage
from helpers.model_jobs import (
    EndedJob,
    EndedJobs,
    Identity,
    connection_key,
    id_of,
)
from helpers.model_score import SCORE
from helpers.model_unnamed import Span

RUN = "a run"
# Stands for a check that a run may evaluate by itself.
PLANNED: Identity = (0, 0)


@dataclass(frozen=True)
class Report:
    """One materialization: of which table and job, and by whom: a sensor's name, or `RUN`.

    `at` is the moment in the order of all that happened; unless `is_noted`, it was not noted as
    the last event of its table. A run like those of dagster-airbyte does not say which job it was:
    then `stored` is when that was.
    """

    table: str
    job: EndedJob
    at: int
    by: str
    data_version: str | None = None
    stored: Both | None = None
    is_noted: bool = True
    coverage: Coverage | None = field(default=None, repr=False)

    @property
    def identity(self) -> Identity:
        return self.job.identity

    @property
    def is_named(self) -> bool:
        return self.stored is None


@dataclass
class Truth:
    """All reports so far, and since when each table has been defined in Dagster."""

    airbyte: AirbyteSimulator
    clock: ModelClock
    reports: list[Report] = field(default_factory=list)
    defined_since: dict[str, datetime] = field(default_factory=dict)
    # A closed Configuration API takes with it which streams a job had.
    streams_are_known: bool = True
    # Tables of streams that a connection once lost.
    taken_away: set[str] = field(default_factory=set)
    coverage: dict[str, Coverage] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    # Jobs that ended behind a clock that was set again before a sensor saw it.
    unclear: set[Identity] = field(default_factory=set)
    # Evaluations, by the check's name, and observations, of each table.
    noted: dict[tuple[str, str], list[Identity]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.jobs = EndedJobs(self.airbyte, self.clock)
        self._furthest = self.clock.now()

    # -- what happens ---------------------------------------------------------------------------

    def look(self) -> int:
        """Note what has ended in Airbyte; returns the number of this moment."""
        self._furthest = max(self._furthest, self.clock.now())
        return self.jobs.look()

    def now_defined(self, tables: Iterable[str]) -> None:
        now = self.clock.real
        self.defined_since = {table: self.defined_since.get(table, now) for table in tables}

    def sensor_begins(self, sensor: str, look_back: timedelta) -> None:
        """A sensor without a usable cursor begins: so far back it looks, or to the last reports."""
        ends: dict[str, Both] = {}
        for report in filter(lambda each: each.is_noted, self.reports):
            job, key = report.job, report.job.connection_id
            end = (job.ended, job.ended_really) if report.stored is None else report.stored
            ends[key] = max(ends.get(key, end), end)
        # Airbyte's clock is known to a second.
        begin = (self.clock.now() - look_back, self.clock.real - look_back)
        self.coverage[sensor] = Coverage(begin, ends, self._sensors_until())

    def _sensors_until(self) -> Both | None:
        """The newest end that a table knows whose last report is a sensor's."""
        by_table: dict[str, list[Report]] = {}
        for report in filter(lambda each: each.is_noted, self.reports):
            by_table.setdefault(report.table, []).append(report)
        of_sensors = (of for of in by_table.values() if of[-1].by != RUN)
        named = [report.job for of in of_sensors for report in of if report.is_named]
        if not named:
            return None
        return max(job.ended for job in named), max(job.ended_really for job in named)

    def clock_is_set(self) -> None:
        """To be called before that. What ended at a time that had been before, and was not reported
        till now, may be behind what sensors have read when they look again."""
        self.look()
        reported = {report.identity for report in self.reports}
        self.unclear |= {
            job.identity
            for job in self.jobs.current()
            if job.ended < self._furthest and job.identity not in reported
        }

    def note(
        self,
        table: str,
        which: Identity | None,
        *,
        by: str,
        data_version: str | None,
        at: int | None = None,
        is_noted: bool = True,
    ) -> None:
        """A materialization has just been stored. Fails if it should not have been.

        A sensor decided it `at` a moment before.
        """
        now = self.look()
        assert which is not None, f"{table} was reported of no job"
        job = self._true_job(table, which)
        moment, coverage = now if at is None else at, self.coverage.get(by)
        report = Report(table, job, moment, by, data_version, is_noted=is_noted, coverage=coverage)
        if not self.jobs.is_ambiguous(which):
            self._check_it_is_new(report)
            self._check_it_is_in_order(report)
        self._check_its_version(report)
        self.reports.append(report)
        SCORE.reported += 1
        SCORE.reported_by_runs += by == RUN

    def note_unnamed(self, table: str, which: Identity, begun: datetime) -> None:
        """A run that began then has materialized the table after its own sync, without its name."""
        now = self.look()
        job = self._true_job(table, which, had_stream=True)
        stored = (self.clock.now(), self.clock.real)
        self.reports.append(Report(table, job, now, RUN, stored=stored))
        self.spans.append(Span(table, begun, self.clock.real))

    def checks_are_planned(self, tables: Iterable[str]) -> None:
        """By a run. Dagster shows the last record of a check only, and that is then this one."""
        for check, table in product(CHECKS_OF_SYNCS, tables):
            self.noted.setdefault((check, table), []).append(PLANNED)

    def note_once(self, kind: str, table: str, which: Identity) -> None:
        """A check or observation that says how a job ended was stored. Fails if it was before.

        Dagster shows the last record of a check only. Where that is another's since, and not of a
        job that came later for sure, nobody can know whether the check was evaluated before; nor
        that of the job's other tables, which are found by the first that lacks it.
        """
        noted = self.noted.setdefault((kind, table), [])
        if which in noted and not self.jobs.is_ambiguous(which):
            jobs = self.jobs.versions(which)
            tables = {table, *(each for job in jobs for each in job.tables)}
            is_unclear = kind in CHECKS_OF_SYNCS and any(
                self._is_hidden(kind, each, which) for each in tables
            )
            # Which of several jobs a run means that names none depends on those at hand.
            is_unclear |= any(self._may_be_spanned(table, job) for job in jobs)
            SCORE.twice += not is_unclear
            assert is_unclear, f"a second {kind} of {table} and job {which}, after {noted}"
        noted.append(which)

    def _is_hidden(self, check: str, table: str, which: Identity) -> bool:
        """Whether one of a job that may have come first lies upon the table's check of this job."""
        noted = self.noted.get((check, table), [])
        since = noted[noted.index(which) + 1 :] if which in noted else []
        return not all(self._is_later(each, which) for each in since)

    def _is_later(self, one: Identity, other: Identity) -> bool:
        ones, others = self.jobs.versions(one), self.jobs.versions(other)
        return bool(ones and others) and others[-1].precedes(ones[-1])

    # -- what was reported and is owed ----------------------------------------------------------

    def reported(self, table: str) -> list[int]:
        return [report.identity[0] for report in self.reports if report.table == table]

    def owed(self) -> Iterator[tuple[str, Identity]]:
        """What must have been reported once all is at rest: table and job."""
        for job in self.jobs.current():
            is_seen = job.seen is not None and not job.is_late
            if job.is_fresh and is_seen and job.identity not in self.unclear:
                for table in job.tables:
                    if self._is_owed(table, job):
                        yield table, job.identity

    def _is_owed(self, table: str, job: EndedJob) -> bool:
        if self._may_be_spanned(table, job):
            return False
        is_covered = any(coverage.has(job) for coverage in self.coverage.values())
        return is_covered and self._is_known(table) and self._had_assets(table, job)

    def _may_be_spanned(self, table: str, job: EndedJob) -> bool:
        """Whether the job may count as reported by a run that did not name it."""
        return any(span.table == table and span.has(job) for span in self.spans)

    def _is_spanned_for_sure(self, table: str, job: EndedJob) -> bool:
        """Whether one run spans the job, and no other job of its connection."""
        spans = [span for span in self.spans if span.table == table and span.has(job)]
        others = [
            other
            for other in self.jobs.current()
            if other.connection_id == job.connection_id and other.is_fresh and other is not job
        ]
        return len(spans) == 1 and not any(spans[0].has(other) for other in others)

    def _is_known(self, table: str) -> bool:
        """Whether it can be seen that a job had this stream: in the job, or in its connection."""
        return self.streams_are_known or table not in self.taken_away

    def _had_assets(self, table: str, job: EndedJob) -> bool:
        """Whether the table was defined, or can be named like others of its connection."""
        if self._was_defined(table, job):
            return True
        key = connection_key(table)
        siblings = [name for name in self.defined_since if connection_key(name) == key]
        return (
            self.streams_are_known
            and table not in self.taken_away
            and any(self._was_defined(name, job) for name in siblings)
            and self._connection(key).status != "deprecated"
        )

    def check_nothing_is_lost(self) -> None:
        self.look()
        reported = {(report.table, report.identity) for report in self.reports}
        lost = [owed for owed in self.owed() if owed not in reported]
        SCORE.lost += len(lost)
        assert not lost, f"never reported: {lost}"

    # -- what each report must be --------------------------------------------------------------

    def _true_job(self, table: str, which: Identity, *, had_stream: bool = False) -> EndedJob:
        seen = [job for job in self.jobs.versions(which) if job.seen is not None]
        assert seen, f"{table} is reported of {which}, and nobody could know of that"
        fresh = [job for job in seen if job.is_fresh]
        assert fresh, f"{table} is reported of {seen[-1]}, which did not make it fresh"
        job = fresh[-1]
        of_connection = id_of(connection_key(table)) == job.connection_id
        assert of_connection, f"{table} is reported of another connection's job {job}"
        had_stream = had_stream or table in job.tables or not self.streams_are_known
        assert had_stream, f"{table} is reported of a job without its stream: {job}"
        return job

    def _of(self, table: str) -> list[Report]:
        return [report for report in self.reports if report.table == table]

    def _check_it_is_new(self, report: Report) -> None:
        same = [each for each in self._of(report.table) if each.identity == report.identity]
        # A run that does not say whose events it stores looks at nothing before it does.
        is_clear = self._is_spanned_for_sure(report.table, report.job)
        if any(each.is_named or (each.at < report.at and is_clear) for each in same):
            SCORE.twice += 1
            raise AssertionError(f"reported twice: {report}, after {self._of(report.table)}")

    def _check_it_is_in_order(self, report: Report) -> None:
        newer = [each for each in self._of(report.table) if report.job.precedes(each.job)]
        # Where Airbyte does not say which streams a job had, a new one counts for older jobs, too.
        had_stream = report.table in report.job.tables
        # A job that is spanned by a run that names none may be taken for reported for a while.
        is_spanned = self._may_be_spanned(report.table, report.job)
        if not newer or report.job.is_lost or not had_stream or is_spanned:
            return
        SCORE.overtaken += 1
        if not any(self._could_overtake(other, report) for other in newer):
            SCORE.out_of_order += 1
            raise AssertionError(f"reported out of order: {report}, after {newer}")

    def _could_overtake(self, newer: Report, older: Report) -> bool:
        """Whether the older job may come late.

        A run reports its own job whatever else the sensor has yet to report. A sensor may have
        passed the older one before it could be seen, or while the table was not defined; another
        sensor, or one without its cursor, then finds it still unreported. So it does, however much
        later, where the older one was out of the first sensor's reach when it came, or ended before
        all that the first one goes back to.
        """
        job = older.job
        if newer.by == RUN or job.seen is None or job.seen > newer.at or job.is_late:
            return True
        is_covered = newer.coverage is None or newer.coverage.has(job)
        is_clear = job.identity not in self.unclear
        return not (is_covered and is_clear and self._was_defined(older.table, job))

    def _check_its_version(self, report: Report) -> None:
        """It names this job and no other of its number, or stays what it was."""
        number, created = report.identity
        before = {each.data_version for each in self._of(report.table)}
        assert report.data_version in {f"{number}-{created}", *before}, (
            f"{report}, after {self._of(report.table)}"
        )

    def _was_defined(self, table: str, job: EndedJob) -> bool:
        defined = self.defined_since.get(table)
        return defined is not None and defined < job.ended_really

    def _connection(self, key: str) -> SimulatedConnection:
        found = (each for each in self.airbyte.connections if each.connection_id == id_of(key))
        return next(found)
