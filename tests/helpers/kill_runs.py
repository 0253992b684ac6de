"""The runs of a deployment and their processes."""

import os
import re
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.sensors.cursor.pending import job_ref
from dagster_airbyte_sync.sensors.run_requests.arrival import FOLLOWS_TAG
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import jobs_in_tags
from helpers.kill_group import ProcessGroup

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# A code server needs half a second to see that one of its workers is gone.
_GRACE = 3.0


@dataclass(frozen=True)
class Worker:
    """The main process of a run that is being executed."""

    run: dg.DagsterRun
    pid: int


def is_sync(run: dg.DagsterRun) -> bool:
    """Whether a run was asked to sync a connection."""
    return "connection" in run.tags


class Runs:
    def __init__(self, instance: dg.DagsterInstance, group: ProcessGroup) -> None:
        self._instance = instance
        self._group = group
        self._workers: dict[str, int] = {}
        self._killed: set[int] = set()
        self._seen_dead: dict[str, float] = {}

    def unfinished(self) -> list[dg.DagsterRun]:
        records = self._instance.get_run_records(dg.RunsFilter(statuses=_UNFINISHED))
        return [record.dagster_run for record in records]

    def workers(self) -> list[Worker]:
        """The main processes of runs that are being executed."""
        found = ((run, self._worker(run)) for run in self._begun())
        return [Worker(run, pid) for run, pid in found if pid is not None and self._is_alive(pid)]

    def steps_of(self, worker: Worker) -> list[int]:
        """The processes of the steps that its run executes; none if it does so itself."""
        return [pid for pid, parent in self._group.spawned().items() if parent == worker.pid]

    def are_alive(self) -> bool:
        """Whether a process of any run or step lives, also where Dagster holds the run for over."""
        return bool(self._group.spawned())

    def kill(self, pid: int) -> bool:
        """Kill a process of a run; False if it has ended by now."""
        if not self._is_alive(pid):
            return False
        self._killed.add(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    def kill_all(self) -> None:
        """Kill the processes of all runs and steps, also those of runs that are over."""
        for pid in self._group.spawned():
            self.kill(pid)

    def is_going_on(self, run: dg.DagsterRun) -> bool:
        now = self._instance.get_run_by_id(run.run_id)
        return now is not None and not now.is_finished

    def is_following(self, run: dg.DagsterRun) -> bool:
        """Whether it has said which sync it follows, and has reported nothing of it yet."""
        kinds = {dg.DagsterEventType.ASSET_OBSERVATION, dg.DagsterEventType.ASSET_MATERIALIZATION}
        page = self._instance.get_records_for_run(
            run.run_id, of_type=kinds, limit=1, ascending=False
        )
        return any(record.asset_observation for record in page.records)

    def mark(self, run: dg.DagsterRun, status: dg.DagsterRunStatus) -> None:
        """Report Dagster that a run has failed or was cancelled, as people do by the UI's force."""
        if status is dg.DagsterRunStatus.CANCELED:
            self._instance.report_run_canceled(run)
        else:
            self._instance.report_run_failed(run)

    def bury(self) -> None:
        """Report runs as failed whose worker has died and whose code server cannot say so."""
        now = time.monotonic()
        for run in self._begun():
            pid = self._worker(run)
            if pid is None or self._is_alive(pid):
                continue
            if now - self._seen_dead.setdefault(run.run_id, now) > _GRACE:
                self._instance.report_run_failed(run, "Its worker is gone.")

    def requested(self) -> Counter[str]:
        """How many runs there are for each key of a run request."""
        records = self._instance.get_run_records()
        tags = (record.dagster_run.tags for record in records)
        return Counter(run["dagster/run_key"] for run in tags)

    def followed(self) -> Counter[str]:
        """How many runs follow each job, by the names in the runs' tags."""
        records = self._instance.get_run_records()
        follows = (jobs_in_tags(FOLLOWS_TAG, record.dagster_run.tags) for record in records)
        return Counter(job_ref(job).name for jobs in follows for job in jobs.values())

    def _begun(self) -> list[dg.DagsterRun]:
        return [run for run in self.unfinished() if run.status is dg.DagsterRunStatus.STARTED]

    def _is_alive(self, pid: int) -> bool:
        return pid not in self._killed and self._group.has(pid)

    def _worker(self, run: dg.DagsterRun) -> int | None:
        if run.run_id not in self._workers:
            page = self._instance.get_records_for_run(
                run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT
            )
            texts = (record.event_log_entry.message for record in page.records)
            pids = (re.search(r"Started process for run \(pid: (\d+)\)", text) for text in texts)
            found = next((int(match[1]) for match in pids if match), None)
            if found is None:
                return None
            self._workers[run.run_id] = found
        return self._workers[run.run_id]
