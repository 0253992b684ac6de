"""What has been seen so far, and whether that is all the demo promises."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from event_log import FinishedRun, Materialization, Warned

EXTERNAL_SYNCS = 3
# What checks say of three tables, each for another reason.
VERDICTS = {"failed", "empty", "cleared"}


@dataclass(frozen=True)
class Sync:
    """A sync that has been reported for all its tables."""

    connection: str
    job_id: int
    events: Mapping[str, Materialization]

    @property
    def run_id(self) -> str | None:
        """The Dagster run that reported it; none if the sensor did."""
        return next(iter(self.events.values())).run_id

    @property
    def asked_by(self) -> str | None:
        """The Dagster run that had it started; none for a sync that Airbyte started."""
        return next(iter(self.events.values())).asked_by

    @property
    def ended_at(self) -> float:
        """In whole seconds, as Airbyte gives it."""
        return next(iter(self.events.values())).ended_at

    @property
    def seen_at(self) -> float:
        """When Dagster knew of all its tables."""
        return max(event.seen_at for event in self.events.values())


@dataclass
class Story:
    """`tables` are those of each connection, `asked_run` is the run that was asked for."""

    tables: Mapping[str, Sequence[str]]
    asked_run: str = ""
    syncs: list[Sync] = field(default_factory=list)
    runs: list[FinishedRun] = field(default_factory=list)
    verdicts: set[str] = field(default_factory=set)
    _problems: list[str] = field(default_factory=list)
    _by_job: dict[int, dict[str, Materialization]] = field(default_factory=dict)

    def add_events(self, events: Iterable[Materialization]) -> list[Sync]:
        """Take note of events, and say which syncs they complete."""
        touched = sorted({event.job_id for event in events if self._note(event)})
        found = [sync for job_id in touched if (sync := self._complete(job_id))]
        self.syncs += found
        return found

    def add_runs(self, runs: Iterable[FinishedRun]) -> None:
        for run in runs:
            self.runs.append(run)
            if not run.succeeded:
                self._problems.append(
                    f"run {run.run_id[:8]} of {run.job_name} ended as {run.status}"
                )

    def add_warnings(self, warnings: Iterable[Warned]) -> None:
        self.verdicts |= {warned.verdict for warned in warnings}

    def connection_of(self, table: str) -> str:
        return next(name for name, tables in self.tables.items() if table in tables)

    def take_problems(self) -> list[str]:
        """What went wrong since this was last asked."""
        problems, self._problems = self._problems, []
        return problems

    @property
    def asked_sync(self) -> Sync | None:
        """The sync that Dagster was asked for, once it has been reported."""
        return next((sync for sync in self.syncs if sync.run_id == self.asked_run), None)

    @property
    def left_syncs(self) -> list[Sync]:
        """The syncs that a run started and left, so that the sensor reported them."""
        ended = {run.run_id for run in self.runs}
        return [sync for sync in self.syncs if not sync.run_id and sync.asked_by in ended]

    @property
    def external_syncs(self) -> list[Sync]:
        return [sync for sync in self.syncs if not sync.asked_by]

    def missing(self) -> list[str]:
        """What has not been seen yet."""
        external = self.external_syncs
        asked = self.asked_sync
        seen = {
            f"{EXTERNAL_SYNCS} syncs that Airbyte started": len(external) >= EXTERNAL_SYNCS,
            "the sync that Dagster was asked for": asked is not None,
            # Only then has the sensor read on beyond the asked sync, and could have repeated it.
            "a sync that ended after that one": asked is not None
            and any(sync.ended_at > asked.ended_at for sync in external),
            "the end of the run that was asked for": any(
                run.run_id == self.asked_run for run in self.runs
            ),
            "a sync that a run started and left to the sensor": bool(self.left_syncs),
            "a successful run downstream of a sync": any(
                run.airbyte_job is not None and run.result for run in self.runs if run.succeeded
            ),
            "a run once all of two connections had synced": any(
                run.trigger and run.succeeded for run in self.runs
            ),
            "checks of a failed, an empty and a cleared table": self.verdicts >= VERDICTS,
        }
        return [promise for promise, kept in seen.items() if not kept]

    def _note(self, event: Materialization) -> bool:
        """Whether this is the first event of its job for its table."""
        reported = self._by_job.setdefault(event.job_id, {})
        if event.table in reported:
            self._problems.append(f"job {event.job_id} was reported twice for {event.table}")
            return False
        reported[event.table] = event
        return True

    def _complete(self, job_id: int) -> Sync | None:
        events = self._by_job[job_id]
        names = [name for name, tables in self.tables.items() if set(tables) == set(events)]
        return Sync(names[0], job_id, events) if names else None
