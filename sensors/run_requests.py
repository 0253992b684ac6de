"""Runs that follow a sync, checked before Dagster sees them: one it refuses would be evaluated,
with all events beside it, again and again."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets import FinishedSync, name_of

RunRequestFn = Callable[
    [FinishedSync, Sequence[dg.AssetKey]], dg.RunRequest | Sequence[dg.RunRequest] | None
]

CONNECTION_TAG = "dagster-airbyte/connection_id"
JOB_TAG = "dagster-airbyte/job_id"


class UnusableRunRequest(Exception):
    """Raised for a run request that Dagster would refuse; the text says why."""


@dataclass(frozen=True)
class Runnable:
    """What a code location can run: its assets with what they depend on, and its jobs."""

    repository: dg.RepositoryDefinition
    instance: dg.DagsterInstance
    upstream: Mapping[dg.AssetKey, frozenset[dg.AssetKey]]
    executable: frozenset[dg.AssetKey]

    @classmethod
    def of(cls, repository: dg.RepositoryDefinition, instance: dg.DagsterInstance) -> "Runnable":
        assets = repository.assets_defs_by_key
        return cls(
            repository,
            instance,
            upstream={key: frozenset(asset.asset_deps[key]) for key, asset in assets.items()},
            executable=frozenset(key for key, asset in assets.items() if asset.is_executable),
        )

    def partitions_of(self, request: dg.RunRequest) -> list[dg.PartitionsDefinition[str]]:
        """The different partitionings of what the request runs."""
        assets = self.repository.assets_defs_by_key
        found = [assets[key].partitions_def for key in request.asset_selection or ()]
        if request.job_name is not None and not found:
            found = [self.repository.get_job(request.job_name).partitions_def]
        return list({found_one for found_one in found if found_one is not None})

    def job_of(self, request: dg.RunRequest) -> dg.JobDefinition | None:
        """The job Dagster would run for the request; None if its assets have no common one.

        Raises dg.DagsterInvalidSubsetError for assets and checks that are not in it.
        """
        keys, checks = request.asset_selection, request.asset_check_keys
        if request.job_name is not None:
            job = self.repository.get_job(request.job_name)
        else:
            found = self.repository.get_implicit_job_def_for_assets(list(keys or ()))
            if found is None:
                return None
            job = found
        if not keys and checks is None:
            return job
        return job.get_subset(
            asset_selection=set(keys or ()) or None,
            asset_check_selection=set(checks) if checks is not None else None,
        )

    def downstream_of(self, keys: Iterable[dg.AssetKey]) -> frozenset[dg.AssetKey]:
        """Everything that depends on one of the keys, directly or not; not the keys themselves."""
        children: dict[dg.AssetKey, set[dg.AssetKey]] = {}
        for key, parents in self.upstream.items():
            for parent in parents:
                children.setdefault(parent, set()).add(key)
        start = set(keys)
        found: set[dg.AssetKey] = set()
        edge = set(start)
        while edge:
            edge = {child for key in edge for child in children.get(key, ())} - found
            found |= edge
        return frozenset(found - start)


def downstream_request(
    sync: FinishedSync,
    keys: Sequence[dg.AssetKey],
    selected: frozenset[dg.AssetKey],
    runnable: Runnable,
) -> list[dg.RunRequest]:
    """A run of the selected assets that lie downstream of the synced ones; none if none do."""
    wanted = runnable.downstream_of(keys) & selected & runnable.executable
    return [dg.RunRequest(asset_selection=sorted(wanted, key=_name))] if wanted else []


def asked_requests(
    ask: RunRequestFn, sync: FinishedSync, keys: Sequence[dg.AssetKey]
) -> list[dg.RunRequest]:
    """What the user's function asks for, as a list."""
    answer = ask(sync, keys)
    return [answer] if isinstance(answer, dg.RunRequest) else list(answer or ())


def signed(
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


def check_request(request: dg.RunRequest, runnable: Runnable, jobs: frozenset[str]) -> None:
    """Raise, UnusableRunRequest or an error of Dagster's own, if Dagster would refuse the request.

    `jobs` are the jobs the sensor may start; without any, a request must select assets.
    """
    if not isinstance(request, dg.RunRequest):
        raise UnusableRunRequest(f"run_request_fn gave a {type(request).__name__}")
    if jobs:
        if request.job_name not in jobs:
            raise UnusableRunRequest(
                f"it names the job {request.job_name!r}; the sensor's jobs are {sorted(jobs)}"
            )
    elif request.job_name is not None or not request.asset_selection:
        raise UnusableRunRequest(
            "it needs asset_selection with at least one asset; to start jobs, give the sensor"
            " jobs=[...]"
        )
    unknown = set(request.asset_selection or ()) - runnable.executable
    if unknown:
        names = ", ".join(sorted(map(_name, unknown)))
        raise UnusableRunRequest(f"it selects what this code location cannot run: {names}")
    _check_partition(request, runnable)
    job = runnable.job_of(request)
    if job is None:
        raise UnusableRunRequest("its assets cannot run together: their partitions differ")
    dg.validate_run_config(job, request.run_config)


def _check_partition(request: dg.RunRequest, runnable: Runnable) -> None:
    partitionings = runnable.partitions_of(request)
    if len(partitionings) > 1:
        raise UnusableRunRequest("its assets cannot run together: their partitions differ")
    if not partitionings and request.partition_key is not None:
        raise UnusableRunRequest("it has a partition_key, but nothing it runs is partitioned")
    if partitionings and request.partition_key is None:
        raise UnusableRunRequest(
            "what it runs is partitioned, and a sync has no partition: let run_request_fn return a"
            " RunRequest with a partition_key"
        )
    if partitionings and not _has_key(
        partitionings[0], str(request.partition_key), runnable.instance
    ):
        raise UnusableRunRequest(f"there is no partition {request.partition_key!r}")


def _has_key(
    partitions: dg.PartitionsDefinition[str], key: str, instance: dg.DagsterInstance
) -> bool:
    if isinstance(partitions, dg.DynamicPartitionsDefinition) and partitions.name is not None:
        return instance.has_dynamic_partition(partitions.name, key)
    return partitions.has_partition_key(key)


def checked_once(check: Callable[[dg.RunRequest], None]) -> Callable[[dg.RunRequest], None]:
    """The check, made once for requests that ask for the same: on large locations it takes long."""
    refused: dict[str, Exception | None] = {}

    def check_once(request: dg.RunRequest) -> None:
        asked = repr(
            (
                request.job_name,
                sorted(key.to_string() for key in request.asset_selection or ()),
                request.asset_check_keys,
                request.partition_key,
                request.run_config,
            )
            if isinstance(request, dg.RunRequest)
            else request
        )
        if asked not in refused:
            refused[asked] = _refusal(check, request)
        reason = refused[asked]
        if reason is not None:
            raise reason

    return check_once


def _refusal(check: Callable[[dg.RunRequest], None], request: dg.RunRequest) -> Exception | None:
    try:
        check(request)
    except Exception as reason:
        # Whatever it is, it is logged for each sync whose run it costs.
        return reason
    return None


def requests_for(
    sync: FinishedSync,
    keys: Sequence[dg.AssetKey],
    make: Sequence[Callable[[FinishedSync, Sequence[dg.AssetKey]], list[dg.RunRequest]]],
    check: Callable[[dg.RunRequest], None],
    workspace_id: str,
    log: logging.Logger,
) -> list[dg.RunRequest]:
    """All good run requests for one sync; what goes wrong with one is logged and costs only it."""
    found: list[dg.RunRequest] = []
    for maker in make:
        with _logged(sync, log):
            for request in maker(sync, keys):
                with _logged(sync, log):
                    check(request)
                    found.append(request)
    return signed(found, sync, workspace_id)


@contextmanager
def _logged(sync: FinishedSync, log: logging.Logger) -> Iterator[None]:
    """The user's own code may raise anything, and must not stop the sensor for ever."""
    try:
        yield
    except Exception:
        log.exception(
            "No run for Airbyte job %s of connection %s", sync.job.id, sync.job.connection_id
        )


def _name(key: dg.AssetKey) -> str:
    return key.to_user_string()
