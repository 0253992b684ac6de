"""What a code location can run, and whether Dagster would take a run request: one that it refuses
would be evaluated, with all events beside it, again and again."""

import logging
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence, Set
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import dagster as dg
from cachetools import LRUCache

from dagster_airbyte_sync.resources import NO_LIMIT, OutOfTime, TimeBudget
from dagster_airbyte_sync.sensors.run_requests.partitions import has_key, is_range

# By these a run is of several partitions at once, instead of by a key or Dagster's tag for one.
_PARTITION_TAG = "dagster/partition"
_RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


_DIFFER = "its assets cannot run together: their partitions differ"
# So many different wishes of one code location are remembered.
_MOST_REMEMBERED = 256


class UnusableRunRequest(Exception):
    """Raised for a run request that Dagster would refuse; the text says why."""


@dataclass(frozen=True)
class Memory:
    """What was found out about a code location, and said of it, for as long as it is loaded."""

    refusals: MutableMapping[str, Exception | None] = field(
        default_factory=lambda: LRUCache[str, Exception | None](_MOST_REMEMBERED)
    )
    said: set[str] = field(default_factory=set)

    def say_once(self, log: logging.Logger, level: int, text: str) -> None:
        if text not in self.said:
            self.said.add(text)
            log.log(level, "%s", text)


# Ticks come and go in one process, and looking costs them seconds where a location is large.
_memories: WeakKeyDictionary[dg.RepositoryDefinition, Memory] = WeakKeyDictionary()


@dataclass(frozen=True)
class Runnable:
    """What a code location can run: its assets, and its jobs.

    `jobs` are those that the sensor may start; without any, a request must select assets.
    """

    repository: dg.RepositoryDefinition
    instance: dg.DagsterInstance
    jobs: frozenset[str]
    executable: frozenset[dg.AssetKey]
    memory: Memory
    budget: TimeBudget = NO_LIMIT

    @classmethod
    def of(
        cls,
        repository: dg.RepositoryDefinition,
        instance: dg.DagsterInstance,
        jobs: frozenset[str] = frozenset(),
        budget: TimeBudget = NO_LIMIT,
    ) -> "Runnable":
        # What the sensor may start: Dagster refuses observable sources.
        materializable = frozenset(repository.asset_graph.materializable_asset_keys)
        memory = _memories.setdefault(repository, Memory())
        return cls(repository, instance, jobs, materializable, memory, budget)

    def selected(self, selection: dg.AssetSelection, log: logging.Logger) -> Set[dg.AssetKey]:
        """What this code location can run of a selection, with a line if that is not all."""
        graph = self.repository.asset_graph
        try:
            return self.executable & selection.resolve(graph)
        except dg.DagsterInvalidSubsetError as error:
            self.memory.say_once(
                log,
                logging.WARNING,
                "The sensor is to run assets that its code location does not have. It starts those"
                " of its own location only; an automation condition works across locations. "
                + str(error).partition(". ")[0],
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

    def partitions_of(
        self, keys: Iterable[dg.AssetKey]
    ) -> Mapping[dg.AssetKey, dg.PartitionsDefinition[str] | None]:
        """The partitions of each asset, or None."""
        assets = self.repository.assets_defs_by_key
        return {key: assets[key].get_asset_spec(key).partitions_def for key in keys}

    def refused(
        self, keys: Iterable[dg.AssetKey], partition_key: str | None = None
    ) -> Mapping[dg.AssetKey, Exception]:
        """The assets for which Dagster would refuse to run all of these, and why.

        Found by halves, as a look takes long on a large location. Raises OutOfTime.
        """
        by_definition: dict[int, list[dg.AssetKey]] = {}
        for key in sorted(keys):
            definition = self.repository.assets_defs_by_key[key]
            by_definition.setdefault(id(definition), []).append(key)
        return self._refused(list(by_definition.values()), partition_key)

    def _refused(
        self, definitions: Sequence[Sequence[dg.AssetKey]], partition_key: str | None
    ) -> Mapping[dg.AssetKey, Exception]:
        """What one function makes is refused or taken as a whole: it is one op, with one config."""
        keys = [key for each in definitions for key in each]
        if not keys:
            return {}
        request = dg.RunRequest(asset_selection=keys, partition_key=partition_key)
        refusal = self._refusal(request)
        if refusal is None:
            return {}
        if len(definitions) == 1:
            return dict.fromkeys(keys, refusal)
        half = len(definitions) // 2
        one, other = definitions[:half], definitions[half:]
        return {**self._refused(one, partition_key), **self._refused(other, partition_key)}

    def check(self, request: dg.RunRequest) -> None:
        """Raise, UnusableRunRequest or an error of Dagster's own, if Dagster would refuse it.

        Raises OutOfTime if there is no time to find out.
        """
        if not isinstance(request, dg.RunRequest):
            raise UnusableRunRequest(f"run_request_fn gave a {type(request).__name__}")
        refusal = self._refusal(request)
        if refusal is not None:
            raise refusal

    def _refusal(self, request: dg.RunRequest) -> Exception | None:
        """Why Dagster would refuse the request."""
        try:
            # Cheap, and partitions come and go: this is looked at each time.
            self._check_names(request)
            self._check_partition(request)
        except UnusableRunRequest as reason:
            return reason
        wish = _wish(request)
        if wish not in self.memory.refusals:
            if self.budget.is_spent:
                raise OutOfTime("There was no time left to check the runs that follow.")
            self.memory.refusals[wish] = self._refusal_of_job(request)
        return self.memory.refusals[wish]

    def _refusal_of_job(self, request: dg.RunRequest) -> Exception | None:
        try:
            job = self._job_of(request)
            if job is None:
                return UnusableRunRequest(_DIFFER)
            dg.validate_run_config(job, request.run_config)
        except Exception as reason:
            # Whatever it is, it is logged where it costs a run. What its traceback holds need not
            # be kept for as long.
            return reason.with_traceback(None)
        return None

    def _check_names(self, request: dg.RunRequest) -> None:
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

    def _check_partition(self, request: dg.RunRequest) -> None:
        partitionings = self._partitions_of(request)
        ends = [request.tags[tag] for tag in _RANGE_TAGS if tag in request.tags]
        named = ends if request.partition_key is None else [request.partition_key]
        if len(partitionings) > 1:
            raise UnusableRunRequest(_DIFFER)
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
            if not has_key(partitionings[0], key, self.instance):
                raise UnusableRunRequest(f"there is no partition {key!r}")
        if ends and not is_range(partitionings[0], ends):
            raise UnusableRunRequest(f"the range of partitions {ends} ends before it begins")

    def _partitions_of(self, request: dg.RunRequest) -> list[dg.PartitionsDefinition[str]]:
        """The different partitionings of what the request runs."""
        assets = self.repository.assets_defs_by_key
        all_of_them = [assets[key].partitions_def for key in request.asset_selection or ()]
        if request.job_name is not None and not all_of_them:
            all_of_them = [self.repository.get_job(request.job_name).partitions_def]
        return list({each for each in all_of_them if each is not None})

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
    """What is the same for requests that ask for the same, be it of other partitions."""
    selection = request.asset_selection
    # None is all assets, and [] none.
    keys = None if selection is None else sorted(key.to_string() for key in selection)
    return repr((request.job_name, keys, request.asset_check_keys, request.run_config))
