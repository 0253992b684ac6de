"""The runs of a deployment and their worker processes."""

import os
import re
import signal
import time
from collections import Counter
from contextlib import suppress

import dagster as dg

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

    def workers(self) -> list[int]:
        """The worker processes of runs that are being executed."""
        found = (self._worker(run) for run in self._begun())
        return [pid for pid in found if pid is not None and self._is_alive(pid)]

    def kill(self, pid: int) -> bool:
        """Kill a worker; False if it has ended by now."""
        if not self._is_alive(pid):
            return False
        self._killed.add(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

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
