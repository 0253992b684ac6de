"""What a code location can run, and whether Dagster would take a run request: one that it refuses
would be evaluated, with all events beside it, again and again."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import dagster as dg

# By these a run is of several partitions at once, instead of by a key or Dagster's tag for one.
_PARTITION_TAG = "dagster/partition"
_RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


class UnusableRunRequest(Exception):
    """Raised for a run request that Dagster would refuse; the text says why."""


@dataclass(frozen=True)
class Runnable:
    """What a code location can run: its assets, and its jobs.

    `jobs` are those that the sensor may start; without any, a request must select assets.
    """

    repository: dg.RepositoryDefinition
    instance: dg.DagsterInstance
    jobs: frozenset[str]
    executable: frozenset[dg.AssetKey]
    _refusals: dict[str, Exception | None] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @classmethod
    def of(
        cls,
        repository: dg.RepositoryDefinition,
        instance: dg.DagsterInstance,
        jobs: frozenset[str],
    ) -> "Runnable":
        # What the sensor may start: Dagster refuses observable sources.
        materializable = repository.asset_graph.materializable_asset_keys
        return cls(repository, instance, jobs, executable=frozenset(materializable))

    def selected(self, selection: dg.AssetSelection, log: logging.Logger) -> Set[dg.AssetKey]:
        """What this code location can run of a selection, with a line if that is not all."""
        graph = self.repository.asset_graph
        try:
            return self.executable & selection.resolve(graph)
        except dg.DagsterInvalidSubsetError as error:
            log.warning(
                "The sensor is to run assets that its code location does not have. It starts those"
                " of its own location only; an automation condition works across locations. %s",
                str(error).partition(". ")[0],
            )
            return self.executable & selection.resolve(graph, allow_missing=True)
        except Exception:
            # Some selections work in Dagster's UI alone; the syncs are reported all the same.
            log.exception("Nothing runs after syncs, because downstream cannot be resolved here")
            return frozenset()

    def downstream_of(self, keys: Iterable[dg.AssetKey]) -> Set[dg.AssetKey]:
        """Everything that depends on one of the keys, directly or not; not the keys themselves.

        By the graph that Dagster shows: it maps some deps to assets that have other keys.
        """
        below = dg.AssetSelection.assets(*keys).downstream(include_self=False)
        return below.resolve(self.repository.asset_graph, allow_missing=True)

    def with_neighbours(self, keys: Collection[dg.AssetKey]) -> Set[dg.AssetKey]:
        """The keys, and what cannot be run without: the rest of a multi-asset without subsets."""
        assets = [self.repository.assets_defs_by_key[key] for key in keys]
        return frozenset(keys).union(*(each.keys for each in assets if not each.can_subset))

    def partitioned(self, keys: Set[dg.AssetKey]) -> Set[dg.AssetKey]:
        """Those of the keys whose assets have partitions."""
        assets = self.repository.assets_defs_by_key
        return {key for key in keys if assets[key].get_asset_spec(key).partitions_def is not None}

    def refused(self, keys: Sequence[dg.AssetKey]) -> Mapping[dg.AssetKey, Exception]:
        """The assets for which Dagster would refuse to run all of these, and why.

        Found by halves, as a look takes long on a large location.
        """
        refusal = self._refusal(dg.RunRequest(asset_selection=[*self.with_neighbours(keys)]))
        if refusal is None or not keys:
            return {}
        if len(keys) == 1:
            return {keys[0]: refusal}
        half = len(keys) // 2
        return {**self.refused(keys[:half]), **self.refused(keys[half:])}

    def check(self, request: dg.RunRequest) -> None:
        """Raise, UnusableRunRequest or an error of Dagster's own, if Dagster would refuse it."""
        if not isinstance(request, dg.RunRequest):
            raise UnusableRunRequest(f"run_request_fn gave a {type(request).__name__}")
        refusal = self._refusal(request)
        if refusal is not None:
            raise refusal

    def _refusal(self, request: dg.RunRequest) -> Exception | None:
        """Why Dagster would refuse the request. Looked at once for those that ask for the same."""
        wish = _wish(request)
        if wish not in self._refusals:
            try:
                self._check(request)
            except Exception as reason:
                # Whatever it is, it is logged for each sync whose run it costs.
                self._refusals[wish] = reason
            else:
                self._refusals[wish] = None
        return self._refusals[wish]

    def _check(self, request: dg.RunRequest) -> None:
        if self.jobs and request.job_name not in self.jobs:
            raise UnusableRunRequest(
                f"it names the job {request.job_name!r}; the sensor's jobs are {sorted(self.jobs)}"
            )
        # Without a selection Dagster would run all assets; an empty one is for checks alone.
        selects = request.asset_selection or (
            request.asset_selection is not None and request.asset_check_keys
        )
        if not self.jobs and (request.job_name is not None or not selects):
            raise UnusableRunRequest(
                "it needs asset_selection with at least one asset, or [] and asset_check_keys; to"
                " start jobs, give the sensor jobs=[...]"
            )
        unknown = set(request.asset_selection or ()) - self.executable
        if unknown:
            raise UnusableRunRequest(
                f"it selects what this code location cannot run: {names_of(unknown)}"
            )
        self._check_partition(request)
        job = self._job_of(request)
        if job is None:
            raise UnusableRunRequest("its assets cannot run together: their partitions differ")
        dg.validate_run_config(job, request.run_config)

    def _check_partition(self, request: dg.RunRequest) -> None:
        partitionings = self._partitions_of(request)
        ends = [request.tags[tag] for tag in _RANGE_TAGS if tag in request.tags]
        named = ends if request.partition_key is None else [request.partition_key]
        if len(partitionings) > 1:
            raise UnusableRunRequest("its assets cannot run together: their partitions differ")
        if ends and (len(ends) == 1 or request.partition_key or _PARTITION_TAG in request.tags):
            raise UnusableRunRequest(
                f"a range of partitions has both tags, {' and '.join(_RANGE_TAGS)}, and no key"
            )
        if not partitionings and named:
            raise UnusableRunRequest("it names a partition, but nothing it runs is partitioned")
        if partitionings and not named:
            raise UnusableRunRequest(
                "what it runs is partitioned, and a sync has no partition: let run_request_fn"
                " return a RunRequest with a partition_key"
            )
        for key in named:
            if not self._has_key(partitionings[0], key):
                raise UnusableRunRequest(f"there is no partition {key!r}")
        if ends and not self._is_range(partitionings[0], ends):
            raise UnusableRunRequest(f"the range of partitions {ends} ends before it begins")

    def _is_range(self, partitions: dg.PartitionsDefinition[str], ends: Sequence[str]) -> bool:
        # The order of dynamic ones is Dagster's storage's alone.
        is_dynamic = isinstance(partitions, dg.DynamicPartitionsDefinition)
        wanted = dg.PartitionKeyRange(*ends)
        return is_dynamic or bool(partitions.get_partition_keys_in_range(wanted))

    def _partitions_of(self, request: dg.RunRequest) -> list[dg.PartitionsDefinition[str]]:
        """The different partitionings of what the request runs."""
        assets = self.repository.assets_defs_by_key
        all_of_them = [assets[key].partitions_def for key in request.asset_selection or ()]
        if request.job_name is not None and not all_of_them:
            all_of_them = [self.repository.get_job(request.job_name).partitions_def]
        return list({each for each in all_of_them if each is not None})

    def _has_key(self, partitions: dg.PartitionsDefinition[str], key: str) -> bool:
        if isinstance(partitions, dg.DynamicPartitionsDefinition) and partitions.name is not None:
            return self.instance.has_dynamic_partition(partitions.name, key)
        return partitions.has_partition_key(key)

    def _job_of(self, request: dg.RunRequest) -> dg.JobDefinition | None:
        """The job Dagster would run for the request; None if its assets have no common one.

        Raises dg.DagsterInvalidSubsetError for assets and checks that are not in it.
        """
        keys, checks = request.asset_selection, request.asset_check_keys
        if request.job_name is not None:
            job = self.repository.get_job(request.job_name)
        else:
            implicit = self.repository.get_implicit_job_def_for_assets(list(keys or ()))
            if implicit is None:
                return None
            job = implicit
        if not keys and checks is None:
            return job
        return job.get_subset(
            asset_selection=set(keys or ()) or None,
            asset_check_selection=set(checks) if checks is not None else None,
        )


def names_of(keys: Iterable[dg.AssetKey]) -> str:
    """The keys in words, for a line in a log."""
    return ", ".join(sorted(key.to_user_string() for key in keys))


def _wish(request: dg.RunRequest) -> str:
    """What is the same for requests that ask for the same."""
    selection = request.asset_selection
    # None is all assets, and [] none.
    keys = None if selection is None else sorted(key.to_string() for key in selection)
    partitions = [request.partition_key, *(request.tags.get(tag) for tag in _RANGE_TAGS)]
    checks, config = request.asset_check_keys, request.run_config
    return repr((request.job_name, keys, checks, partitions, config))
