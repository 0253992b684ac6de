"""Runs that follow a sync."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from dagster_airbyte_sync.assets.events.sync_events import FinishedSync, name_of
from dagster_airbyte_sync.sensors.runnable import Runnable, names_of

RunRequestFn = Callable[
    [FinishedSync, Sequence[dg.AssetKey]], dg.RunRequest | Sequence[dg.RunRequest] | None
]

CONNECTION_TAG = "dagster-airbyte/connection_id"
JOB_TAG = "dagster-airbyte/job_id"


class RequestMaker:
    """Makes the run requests for one sync after another: for what lies downstream of its tables,
    and what the user's function asks for."""

    def __init__(
        self,
        runnable: Runnable,
        downstream: dg.AssetSelection | None,
        run_request_fn: RunRequestFn | None,
        log: logging.Logger,
    ) -> None:
        self._runnable = runnable
        self._run_request_fn = run_request_fn
        self._log = log
        self._selected = runnable.selected(downstream, log) if downstream else frozenset()

    def requests_for(
        self, sync: FinishedSync, keys: Sequence[dg.AssetKey], workspace_id: str
    ) -> list[dg.RunRequest]:
        """All good requests; what goes wrong with one is logged and costs only it."""
        requests: list[dg.RunRequest] = []
        for make in (self._of_downstream, self._of_user):
            with _logged(sync, self._log):
                for request in make(sync, keys):
                    with _logged(sync, self._log):
                        self._runnable.check(request)
                        requests.append(request)
        return _signed(requests, sync, workspace_id)

    def _of_downstream(
        self, sync: FinishedSync, keys: Sequence[dg.AssetKey]
    ) -> list[dg.RunRequest]:
        if not self._selected:
            return []
        due = self._runnable.downstream_of(keys) & self._selected
        wanted = self._runnable.with_neighbours(due)
        if wanted > due:
            self._log.info(
                "What follows Airbyte job %s cannot be run without: %s",
                sync.job.id,
                names_of(wanted - due),
            )
        partitioned = self._runnable.partitioned(wanted)
        if partitioned:
            self._log.warning(
                "Left out of what follows Airbyte job %s, because a sync has no partition: %s. Let"
                " run_request_fn return a RunRequest with a partition_key for them.",
                sync.job.id,
                names_of(partitioned),
            )
        refused = self._runnable.refused(sorted(wanted - partitioned))
        for key, reason in refused.items():
            self._log.warning(
                "Left out of what follows Airbyte job %s: %s. Dagster would refuse it: %s",
                sync.job.id,
                key.to_user_string(),
                reason,
            )
        kept = sorted(wanted - partitioned - refused.keys())
        return [dg.RunRequest(asset_selection=kept)] if kept else []

    def _of_user(self, sync: FinishedSync, keys: Sequence[dg.AssetKey]) -> list[dg.RunRequest]:
        answer = self._run_request_fn(sync, keys) if self._run_request_fn else None
        return [answer] if isinstance(answer, dg.RunRequest) else list(answer or ())


def _signed(
    requests: Sequence[dg.RunRequest], sync: FinishedSync, workspace_id: str
) -> list[dg.RunRequest]:
    """The requests with a key that makes each run once only, and tags that say where from."""
    job = sync.job
    base = f"airbyte:{workspace_id}:{name_of(job)}"
    return [
        request.with_replaced_attrs(
            run_key=request.run_key or (base if place == 0 else f"{base}:{place}"),
            tags={CONNECTION_TAG: job.connection_id, JOB_TAG: str(job.id), **request.tags},
        )
        for place, request in enumerate(requests)
    ]


@contextmanager
def _logged(sync: FinishedSync, log: logging.Logger) -> Iterator[None]:
    """The user's own code may raise anything, and must not stop the sensor for ever."""
    try:
        yield
    except Exception:
        log.exception(
            "No run for Airbyte job %s of connection %s", sync.job.id, sync.job.connection_id
        )
