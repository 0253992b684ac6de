"""The run that is started for a problem: what the user asked for, checked as Dagster will."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import dagster as dg

from dagster_airbyte_sync.resources import AirbyteSettingsError
from dagster_airbyte_sync.sensors.failures.problem import SyncProblem
from dagster_airbyte_sync.sensors.polling_sensor import NamedJob
from dagster_airbyte_sync.sensors.run_requests.runnable import Runnable, UnusableRunRequest

RunForProblem = Callable[[SyncProblem], dg.RunRequest | None]
Start = NamedJob | str | RunForProblem


@dataclass(frozen=True)
class Started:
    """What is started: the only one of these jobs, or what `ask` asks for, which names one.

    `jobs` is empty for a job that is known by its name alone.
    """

    names: tuple[str, ...]
    jobs: tuple[NamedJob, ...] = ()
    ask: RunForProblem | None = None

    @classmethod
    def of(cls, start: Start, jobs: Sequence[NamedJob], what: str = "start") -> "Started":
        """Raises AirbyteSettingsError, which calls `start` so, for what cannot be started."""
        name = start if isinstance(start, str) else getattr(start, "name", None)
        if isinstance(name, str) and name:
            _refuse_jobs(jobs, what)
            return cls((name,), () if isinstance(start, str) else (cast(NamedJob, start),))
        if not callable(start):
            raise AirbyteSettingsError(
                f"{what} is {start!r}: give a job, its name, or a function of a SyncProblem that"
                " returns a RunRequest or None."
            )
        if not jobs:
            raise AirbyteSettingsError(
                f"{what} is a function: say in jobs=[...] which jobs its requests may name."
            )
        return cls(tuple(job.name for job in jobs), tuple(jobs), start)

    @property
    def name_in_location(self) -> str | None:
        """The name of a job that the code location must have; None if the sensor brings its own."""
        return None if self.jobs else self.names[0]

    def wish(self, problem: SyncProblem) -> dg.RunRequest | None:
        return dg.RunRequest() if self.ask is None else self.ask(problem)


class RunMaker:
    """Makes the request for one problem after another."""

    def __init__(
        self,
        started: Started,
        repository: dg.RepositoryDefinition,
        instance: dg.DagsterInstance,
        log: logging.Logger,
    ) -> None:
        self._started = started
        self._runnable = Runnable.of(repository, instance, frozenset(started.names))
        self._log = log

    def request_for(self, problem: SyncProblem, run_key: str) -> dg.RunRequest | None:
        """The request, under this key and with the problem's tags; None if there is none to make.

        What goes wrong with it is logged, and costs only it.
        """
        try:
            wished = self._started.wish(problem)
            return None if wished is None else self._checked(_signed(wished, problem, run_key))
        except Exception:
            # The user's own function may raise anything, and must not stop the sensor for ever.
            self._log.exception(
                "No run for the %s sync of %s", problem.kind.value, problem.connection_name
            )
            return None

    def _checked(self, request: dg.RunRequest) -> dg.RunRequest:
        names = self._started.names
        if request.job_name is None and len(names) == 1:
            request = request.with_replaced_attrs(job_name=names[0])
        self._runnable.check(request)
        return request


def _signed(request: dg.RunRequest, problem: SyncProblem, run_key: str) -> dg.RunRequest:
    if not isinstance(request, dg.RunRequest):
        raise UnusableRunRequest(
            f"the function must return a RunRequest or None, and gave a {type(request).__name__}"
        )
    tags = {**problem.as_tags(), **request.tags}
    return request.with_replaced_attrs(run_key=request.run_key or run_key, tags=tags)


def _refuse_jobs(jobs: Sequence[NamedJob], what: str) -> None:
    if jobs:
        raise AirbyteSettingsError(
            f"{what} is a job, and jobs=[...] are those that a function may name: leave jobs out."
        )
