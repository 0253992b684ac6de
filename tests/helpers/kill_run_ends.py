"""The ways in which a run comes to its end before its time."""

from collections.abc import Callable, Mapping

import dagster as dg

from helpers.kill_runs import Runs, Worker

# Each returns False if the run has not that to lose, or not any more.
RunEnd = Callable[[Runs, Worker], bool]


def _main_process(runs: Runs, worker: Worker) -> bool:
    """Its step lives on: an orphan, as soon as Dagster has marked the run as failed."""
    has_orphan = bool(runs.steps_of(worker)) and runs.is_following(worker.run)
    return has_orphan and runs.kill(worker.pid)


def _step(runs: Runs, worker: Worker) -> bool:
    killed = [runs.kill(pid) for pid in runs.steps_of(worker)]
    return any(killed)


def _whole(runs: Runs, worker: Worker) -> bool:
    steps = runs.steps_of(worker)
    killed = runs.kill(worker.pid)
    for pid in steps:
        runs.kill(pid)
    return killed


def _marked(status: dg.DagsterRunStatus) -> RunEnd:
    def mark(runs: Runs, worker: Worker) -> bool:
        is_alive = runs.is_going_on(worker.run)
        if is_alive:
            runs.mark(worker.run, status)
        return is_alive

    return mark


_ANY: Mapping[str, RunEnd] = {
    "run killed": _whole,
    "run marked failed": _marked(dg.DagsterRunStatus.FAILURE),
    "run marked cancelled": _marked(dg.DagsterRunStatus.CANCELED),
}
RUN_ENDS: Mapping[str, Mapping[str, RunEnd]] = {
    "in-process": _ANY,
    "multiprocess": {"main process killed": _main_process, "step killed": _step, **_ANY},
}
