"""The runs that the user's own function asks for, sync by sync."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from dagster_airbyte_sync.assets.events.finished_sync import FinishedSync
from dagster_airbyte_sync.resources import OutOfTime
from dagster_airbyte_sync.sensors.run_requests.arrival import Arrival, run_key_of
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import WORKSPACE_TAG
from dagster_airbyte_sync.sensors.run_requests.runnable import (
    Runnable,
    UnusableRunRequest,
    names_of,
)

RunRequestFn = Callable[
    [FinishedSync, Sequence[dg.AssetKey]], dg.RunRequest | Sequence[dg.RunRequest] | None
]
"""Called for each sync that the sensor reports, with the keys of its tables: the run or runs to
request, or None for no run."""


class OfEachSync:
    """Asks the user's function, and keeps what Dagster would take.

    `first` is the number of its first request of a sync: 0 if nothing else asks for runs of that.
    """

    def __init__(
        self, runnable: Runnable, run_request_fn: RunRequestFn, first: int, log: logging.Logger
    ) -> None:
        self._runnable = runnable
        self._run_request_fn = run_request_fn
        self._first = first
        self._log = log

    def requests(
        self, sync: FinishedSync, keys: Sequence[dg.AssetKey], arrival: Arrival, workspace_id: str
    ) -> list[dg.RunRequest]:
        """All good requests; what goes wrong with one is logged and costs only it.

        Raises OutOfTime if there is no time to check them.
        """
        requests: list[dg.RunRequest] = []
        with self._logged(sync):
            answer = self._run_request_fn(sync, keys)
            for request in [answer] if isinstance(answer, dg.RunRequest) else answer or ():
                with self._logged(sync):
                    requests.append(self._checked(request))
        return self._signed(requests, arrival, workspace_id)

    def _checked(self, request: dg.RunRequest) -> dg.RunRequest:
        if isinstance(request, dg.RunRequest):
            request = self._runnable.with_only_job(request)
            request = self._with_neighbours(request, request.asset_selection or ())
        self._runnable.check(request)
        return request

    def _with_neighbours(
        self, request: dg.RunRequest, keys: Sequence[dg.AssetKey]
    ) -> dg.RunRequest:
        """As Dagster's UI and automation do: what cannot be run alone is run as a whole."""
        whole = self._runnable.with_neighbours(keys)
        if whole <= set(keys):
            return request
        self._log.info("%s cannot be run without: %s", names_of(keys), names_of(whole - set(keys)))
        return request.with_replaced_attrs(asset_selection=sorted(whole))

    def _signed(
        self, requests: Sequence[dg.RunRequest], arrival: Arrival, workspace_id: str
    ) -> list[dg.RunRequest]:
        """With a key that makes each run once only, and tags that say where from."""
        base = run_key_of(workspace_id, [arrival])
        return [
            request.with_replaced_attrs(
                run_key=request.run_key or (f"{base}:{place}" if place else base),
                tags={**arrival.tags, **request.tags, WORKSPACE_TAG: workspace_id},
            )
            for place, request in enumerate(requests, self._first)
        ]

    @contextmanager
    def _logged(self, sync: FinishedSync) -> Iterator[None]:
        """The user's own code may raise anything, and must not stop the sensor for ever."""
        try:
            yield
        except OutOfTime:
            raise
        except UnusableRunRequest as reason:
            # Once, as a function mostly asks for the same.
            text = f"No run for Airbyte job {sync.job.id}, nor for others like it: {reason}"
            self._runnable.memory.say_once(self._log, logging.ERROR, text, about=str(reason))
        except Exception:
            self._log.exception(
                "No run for Airbyte job %s of connection %s", sync.job.id, sync.job.connection_id
            )
