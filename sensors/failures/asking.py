"""From a problem to the run that is asked for, as far as a tick has time."""

from collections.abc import Callable
from dataclasses import dataclass, field

import dagster as dg

from dagster_airbyte_sync.resources import TimeBudget, connection_url, job_url
from dagster_airbyte_sync.sensors.failures.connections import Connections
from dagster_airbyte_sync.sensors.failures.held import Held
from dagster_airbyte_sync.sensors.failures.late import LateConnection
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind, SyncProblem
from dagster_airbyte_sync.sensors.run_requests.arrival import tag_text

# Dagster makes some five runs a second, in the thread that all sensors share.
MOST_RUNS = 50

_NO_REASON = {ProblemKind.EMPTY: "It succeeded, and moved no row"}

MakeRequest = Callable[[SyncProblem, str], dg.RunRequest | None]


@dataclass
class Asking:
    """Takes one problem after another, until there are enough runs or time is up.

    `requests` are the runs asked for, `problems` what was taken, also where the user wants no run.
    `now` is Dagster's clock, `ui_url` gives the address of Airbyte's UI.
    """

    workspace_id: str
    ui_url: Callable[[], str]
    connections: Connections
    request_for: MakeRequest
    budget: TimeBudget
    now: int
    requests: list[dg.RunRequest] = field(default_factory=list)
    problems: list[SyncProblem] = field(default_factory=list)
    _taken: int = 0

    def takes(self, held: Held) -> bool:
        """Whether there was time for the problem, which is then done with."""
        job = held.job
        key = f"airbyte:{self.workspace_id}:{held.kind.value}:{job.ref.name}"
        return self._takes(job.connection_id, key, lambda: self._problem_of(held))

    def takes_late(self, late: LateConnection) -> bool:
        key = f"airbyte:{self.workspace_id}:late:{late.connection_id}:{int(late.last)}"
        return self._takes(late.connection_id, key, lambda: self._problem_of_late(late))

    def _takes(self, connection_id: str, key: str, problem_of: Callable[[], SyncProblem]) -> bool:
        # One is taken however little time is left: else a slow Airbyte would let nothing pass.
        if len(self.requests) >= MOST_RUNS or (self._taken and self.budget.is_spent):
            return False
        self._taken += 1
        if self.connections.accepts(connection_id):
            self._ask_for(problem_of(), key)
        return True

    def _ask_for(self, problem: SyncProblem, run_key: str) -> None:
        self.problems.append(problem)
        request = self.request_for(problem, run_key)
        if request is not None:
            self.requests.append(request)

    def _problem_of(self, held: Held) -> SyncProblem:
        job = held.job
        reason = job.failure.message if job.failure else None
        return SyncProblem(
            kind=held.kind,
            connection_id=job.connection_id,
            connection_name=tag_text(self.connections.name(job.connection_id)),
            job_id=job.id,
            reason=tag_text(reason or _NO_REASON.get(held.kind, "Airbyte gave no reason")),
            job_url=job_url(self.ui_url(), self.workspace_id, job),
            ended_at=job.ended_at,
            others=held.others,
        )

    def _problem_of_late(self, late: LateConnection) -> SyncProblem:
        return SyncProblem(
            kind=ProblemKind.LATE,
            connection_id=late.connection_id,
            connection_name=tag_text(self.connections.name(late.connection_id)),
            job_id=None,
            reason=late.reason(self.now),
            job_url=connection_url(self.ui_url(), self.workspace_id, late.connection_id),
            ended_at=late.last_at,
        )
