"""What is started for a problem, and the runs that a tick asks for."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import cast

import dagster as dg

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteSettingsError, TimeBudget
from dagster_airbyte_sync.sensors.failures.connections import Connections
from dagster_airbyte_sync.sensors.failures.held import Held
from dagster_airbyte_sync.sensors.failures.late import LateConnection
from dagster_airbyte_sync.sensors.failures.problem import SyncProblem
from dagster_airbyte_sync.sensors.polling_sensor import NamedJob
from dagster_airbyte_sync.sensors.run_requests.runnable import Runnable, UnusableRunRequest

# Dagster makes some five runs a second, in the thread that all sensors share.
MOST_RUNS = 50
# For so long (seconds) a function that raises is asked again, at each tick.
ASK_AGAIN_FOR = 3600

RunForProblem = Callable[[SyncProblem], dg.RunRequest | None]
Start = NamedJob | str | RunForProblem

# What `dg.define_asset_job` returns has no public name.
_JOB_TYPES = (dg.JobDefinition, type(dg.define_asset_job("any")))


@dataclass(frozen=True)
class Started:
    """What is started: the only one of these jobs, or what `ask` asks for, which names one.

    `jobs` is empty for a job that is known by its name alone.
    """

    names: tuple[str, ...]
    jobs: tuple[NamedJob, ...] = ()
    ask: RunForProblem | None = None

    @classmethod
    def of(cls, start: Start, jobs: Sequence[NamedJob]) -> "Started":
        """Raises AirbyteSettingsError for what cannot be started."""
        if callable(start) and not _is_dagsters(start):
            if not jobs:
                raise AirbyteSettingsError(
                    "start is a function: say in jobs=[...] which jobs its requests may name."
                )
            return cls(tuple(job.name for job in jobs), tuple(jobs), start)
        is_name = isinstance(start, str) and bool(start)
        if not is_name and not isinstance(start, _JOB_TYPES):
            shown = f"of type {type(start).__name__}" if _is_dagsters(start) else repr(start)
            raise AirbyteSettingsError(
                f"start is {shown}: give a job, its name, or a function of a SyncProblem that"
                " returns a RunRequest or None."
            )
        if jobs:
            raise AirbyteSettingsError(
                "start is a job, and jobs=[...] are those that a function may name: leave jobs out."
            )
        if isinstance(start, str):
            return cls((start,))
        job = cast(NamedJob, start)
        _refuse_incomplete(job)
        return cls((job.name,), (job,))

    @property
    def name_in_location(self) -> str | None:
        """The name of a job that the code location must have; None if the sensor brings its own."""
        return None if self.jobs else self.names[0]


def _is_dagsters(start: object) -> bool:
    """Ops and graphs can be called, but are no functions of a problem."""
    return type(start).__module__.partition(".")[0] == "dagster"


def _refuse_incomplete(job: NamedJob) -> None:
    """Of a job of assets only Dagster knows later what it needs: the log then says so."""
    lacks = None
    if getattr(job, "partitions_def", None) is not None:
        lacks = "a partition_key"
    elif isinstance(job, dg.JobDefinition):
        try:
            dg.validate_run_config(job)
        except dg.DagsterInvalidConfigError:
            lacks = "run_config"
    if lacks:
        raise AirbyteSettingsError(
            f"start is the job {job.name!r}, which cannot run without {lacks}: give a function of a"
            f" SyncProblem that returns a RunRequest with {lacks}, and jobs=[{job.name}]."
        )


@dataclass
class Asking:
    """Asks for a run for one problem after another, until there are enough or time is up.

    `requests` are the runs asked for, `problems` what they are for, and also those for which the
    user wants no run; `failed` are those of them for which none could be made. `now` is Dagster's
    clock, in epoch seconds.
    """

    client: AirbyteClient
    started: Started
    connections: Connections
    runnable: Callable[[], Runnable]
    budget: TimeBudget
    now: int
    log: logging.Logger
    requests: list[dg.RunRequest] = field(default_factory=list)
    problems: list[SyncProblem] = field(default_factory=list)
    failed: list[SyncProblem] = field(default_factory=list)
    _taken: int = 0

    @property
    def is_over(self) -> bool:
        # One is taken however little time is left: else a slow Airbyte would let nothing pass.
        return len(self.requests) >= MOST_RUNS or (self._taken > 0 and self.budget.is_spent)

    def done(self, wanted: Iterable[Held]) -> list[Held]:
        """Those for which there was time, and that no later tick needs to ask for."""
        in_time = takewhile(lambda _: not self.is_over, wanted)
        return [each for each in in_time if self.asks_for(each) or self._gives_up(each)]

    def asks_for(self, what: Held | LateConnection) -> bool:
        """False if the user's function raised; whatever else goes wrong would do so again."""
        self._taken += 1
        if not self.connections.accepts(what.connection_id):
            return True
        problem = self._problem_of(what)
        self.problems.append(problem)
        try:
            wished = self.started.ask(problem) if self.started.ask else dg.RunRequest()
        except Exception:
            # The user's own function may raise anything, and must not stop the sensor for ever.
            self._say_failed(problem, "the function raised, and is asked again")
            return False
        try:
            if wished is not None:
                self.requests.append(self._checked(wished, problem, what.key))
        except Exception:
            # Dagster has errors of many kinds for what it would refuse.
            self._say_failed(problem, "Dagster would refuse it")
        return True

    def _problem_of(self, what: Held | LateConnection) -> SyncProblem:
        pages = self.client.pages(self.budget)
        return what.as_problem(self.connections.name(what.connection_id), pages)

    def _say_failed(self, problem: SyncProblem, why: str) -> None:
        self.failed.append(problem)
        self.log.exception(
            "No run for the %s sync of %s: %s", problem.kind.value, problem.connection_name, why
        )

    def _gives_up(self, held: Held) -> bool:
        is_over = self.now - held.since >= ASK_AGAIN_FOR
        if is_over:
            self.log.error(
                "The function still raises after an hour: it is not asked again for Airbyte job %s"
                " of %s, and no run is started for it",
                held.job.id,
                self.connections.name(held.connection_id),
            )
        return is_over

    def _checked(self, wished: dg.RunRequest, problem: SyncProblem, key: str) -> dg.RunRequest:
        """Under this key and with the problem's tags. Raises what `Runnable.check` raises."""
        if not isinstance(wished, dg.RunRequest):
            raise UnusableRunRequest(
                "the function must return a RunRequest or None, but returned a"
                f" {type(wished).__name__}"
            )
        names = self.started.names
        request = wished.with_replaced_attrs(
            job_name=wished.job_name or (names[0] if len(names) == 1 else None),
            run_key=wished.run_key or f"airbyte:{self.client.settings.scope}:{key}",
            tags={**problem.as_tags(), **wished.tags},
        )
        self.runnable().check(request)
        return request
