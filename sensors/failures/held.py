"""Which finished jobs are a problem, and which of them still want a run. Pure.

Of a connection's problems of one kind the newest stands for all that no run was started for: a
backlog of a thousand must not start a thousand runs.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dagster_airbyte_sync.resources import Job, JobStatus, Pages
from dagster_airbyte_sync.sensors.cursor.pending import end_of
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind, SyncProblem
from dagster_airbyte_sync.sensors.run_requests.arrival import tag_text

# For so long (seconds) a problem waits for those behind it, while history is not read to its end.
LONGEST_HOLD = 600
# More connections than a cursor has room for are left in Airbyte's history.
MOST_HELD = 400

_NO_REASON = {ProblemKind.EMPTY: "It succeeded but moved no rows"}

Pair = tuple[str, ProblemKind]


@dataclass(frozen=True)
class Held:
    """The newest problem of a connection and kind, and how many `others` came before it.

    No run was started for any of them since `since` (Dagster's clock, epoch seconds).
    """

    kind: ProblemKind
    job: Job
    since: int
    others: int = 0

    @property
    def connection_id(self) -> str:
        return self.job.connection_id

    @property
    def pair(self) -> Pair:
        return self.connection_id, self.kind

    @property
    def key(self) -> str:
        """What makes a run for it one of its own: a restored Airbyte gives job numbers again."""
        return f"{self.kind.value}:{self.job.ref.name}"

    def as_problem(self, connection_name: str, pages: Pages) -> SyncProblem:
        reason = self.job.failure.message if self.job.failure else None
        return SyncProblem(
            kind=self.kind,
            connection_id=self.connection_id,
            connection_name=tag_text(connection_name),
            job_id=self.job.id,
            reason=tag_text(reason or _NO_REASON.get(self.kind, "Airbyte gave no reason")),
            job_url=pages.job(self.job),
            ended_at=self.job.ended_at,
            others=self.others,
        )


@dataclass(frozen=True)
class Gathered:
    """All that is held after a scan; `left` are the jobs for which there was no room."""

    held: Mapping[Pair, Held]
    left: tuple[Job, ...] = ()


def kind_of(job: Job) -> ProblemKind | None:
    """What is wrong with a finished job. Rows that Airbyte does not count may be many."""
    if job.status is JobStatus.FAILED:
        return ProblemKind.FAILED
    if job.status is JobStatus.CANCELLED:
        return ProblemKind.CANCELLED
    return ProblemKind.EMPTY if job.wrote_tables and job.rows == 0 else None


def gather(
    before: Mapping[Pair, Held], jobs: Sequence[Job], kinds: Collection[ProblemKind], now: int
) -> Gathered:
    """What was held before, and the problems of these kinds among the jobs, oldest end first."""
    held = dict(before)
    for place, job in enumerate(jobs):
        kind = kind_of(job)
        if kind is None or kind not in kinds:
            continue
        earlier = held.get((job.connection_id, kind))
        if earlier is None and len(held) >= MOST_HELD:
            return Gathered(held, tuple(jobs[place:]))
        held[job.connection_id, kind] = _after(earlier, kind, job, now)
    return Gathered(held)


def _after(earlier: Held | None, kind: ProblemKind, job: Job, now: int) -> Held:
    if earlier is None:
        return Held(kind, job, now)
    # By number: a clock that was set back gives the newer one an earlier end.
    newest = job if job.id >= earlier.job.id else earlier.job
    return replace(earlier, job=newest, others=earlier.others + 1)


def due(gathered: Gathered, now: int, *, is_complete: bool) -> list[Held]:
    """What wants a run now, oldest first: all, once history is read to its end.

    Before that what was held for long, or everything if there is no room for more.
    """
    is_all = is_complete or bool(gathered.left)
    # A clock that was set back makes nothing wait for longer.
    wanted = (
        each
        for each in gathered.held.values()
        if is_all or not 0 <= now - each.since < LONGEST_HOLD
    )
    return sorted(wanted, key=_by_end)


def _by_end(held: Held) -> tuple[object, ...]:
    return end_of(held.job), held.job.id, held.kind.value


def still_held(gathered: Gathered, handled: Iterable[Held]) -> dict[Pair, Held]:
    done = {each.pair for each in handled}
    return {pair: each for pair, each in gathered.held.items() if pair not in done}
