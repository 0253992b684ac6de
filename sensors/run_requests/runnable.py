"""What a code location can run, and whether Dagster would take a run request: one that it refuses
would be evaluated, with all events beside it, again and again."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.resources import NO_LIMIT, OutOfTime, TimeBudget
from dagster_airbyte_sync.sensors.run_requests.memory import Keys, Memory, memory_of
from dagster_airbyte_sync.sensors.run_requests.partitions import (
    PARTITION_TAG,
    RANGE_TAGS,
    Partitions,
    has_key,
    is_range,
)

_DIFFER = "its assets cannot run together: their partitions differ"


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
        return cls(repository, instance, jobs, materializable, memory_of(repository), budget)

    def selected(self, selection: dg.AssetSelection, log: logging.Logger) -> Keys:
        """What this code location can run of a selection, with a line if that is not all."""
        graph = self.repository.asset_graph
        try:
            return self.executable & selection.resolve(graph)
        except dg.DagsterInvalidSubsetError as error:
            self.memory.say_once(
                log,
                logging.WARNING,
                "downstream selects assets that this code location does not have. A sensor only"
                " starts assets of its own location; an automation condition works across"
                " locations. " + str(error).partition(". ")[0],
            )
            return self.executable & selection.resolve(graph, allow_missing=True)
        except Exception as error:
            # Some selections work in Dagster's UI alone; the syncs are reported all the same.
            text = f"Nothing runs after syncs, because downstream cannot be resolved here: {error}"
            self.memory.say_once(log, logging.ERROR, text)
            return frozenset()

    def downstream_of(self, keys: Iterable[dg.AssetKey]) -> Keys:
        """Everything that depends on one of the keys, directly or not; not the keys themselves.

        By the graph that Dagster shows: it maps some deps to assets that have other keys.
        """
        below = dg.AssetSelection.assets(*keys).downstream(include_self=False)
        return below.resolve(self.repository.asset_graph, allow_missing=True)

    def with_neighbours(self, keys: Collection[dg.AssetKey]) -> Keys:
        """The keys, and what cannot be run without: the rest of a multi-asset without subsets."""
        return frozenset(keys).union(*(each for each in self._wholes(keys)))

    def _wholes(self, keys: Iterable[dg.AssetKey]) -> Iterable[Keys]:
        assets = self.repository.assets_defs_by_key
        distinct = {id(assets[key]): assets[key] for key in keys if key in assets}
        return (each.keys for each in distinct.values() if not each.can_subset)

    def without_mixed(self, keys: Keys, partitions: Partitions | None) -> Keys:
        """Without what cannot be run alone and has neighbours of other partitions."""
        mixed: set[dg.AssetKey] = set()
        for whole in self._wholes(keys):
            known = set(self.partitions_of(whole).values()) - {None, partitions}
            mixed |= whole if known else frozenset()
        return keys - mixed

    def partitions_of(self, keys: Iterable[dg.AssetKey]) -> Mapping[dg.AssetKey, Partitions | None]:
        """The partitions of each asset, or None."""
        assets = self.repository.assets_defs_by_key
        return {key: assets[key].get_asset_spec(key).partitions_def for key in keys}

    def refused(self, keys: Keys, partition_key: str | None = None) -> Mapping[dg.AssetKey, str]:
        """The assets for which Dagster would refuse to run all of these, and why.

        Found by halves, as a look takes long on a large location. Raises OutOfTime.
        """
        by_definition: dict[int, list[dg.AssetKey]] = {}
        refused: dict[dg.AssetKey, str] = {}
        for key in sorted(keys):
            definition = self.repository.assets_defs_by_key[key]
            reason = self.memory.refused_alone(key)
            if reason is None:
                by_definition.setdefault(id(definition), []).append(key)
            else:
                refused[key] = reason
        return {**refused, **self._refused(list(by_definition.values()), partition_key)}

    def _refused(
        self, definitions: Sequence[Sequence[dg.AssetKey]], partition_key: str | None
    ) -> Mapping[dg.AssetKey, str]:
        """What one function makes is refused or taken as a whole: it is one op, with one config."""
        keys = [key for each in definitions for key in each]
        request = dg.RunRequest(asset_selection=keys, partition_key=partition_key)
        refusal = self._refusal(request) if keys else None
        if refusal is None:
            return {}
        if len(definitions) == 1:
            if self._refusal_of_parts(request) is None:
                # Not for its partition, which may come.
                whole = self.repository.assets_defs_by_key[keys[0]].keys
                self.memory.remember_refused(whole, refusal)
            return dict.fromkeys(keys, refusal)
        half = len(definitions) // 2
        one, other = definitions[:half], definitions[half:]
        return {**self._refused(one, partition_key), **self._refused(other, partition_key)}

    def with_only_job(self, request: dg.RunRequest) -> dg.RunRequest:
        """The request, by the name of the sensor's only job, which Dagster lets be left out."""
        if request.job_name is not None or len(self.jobs) != 1:
            return request
        return request.with_replaced_attrs(job_name=next(iter(self.jobs)))

    def check(self, request: dg.RunRequest) -> None:
        """Raise UnusableRunRequest if Dagster would refuse it.

        Raises OutOfTime if there is no time to find out.
        """
        refusal = self._refusal(request)
        if refusal is not None:
            raise UnusableRunRequest(refusal)

    def _refusal(self, request: dg.RunRequest) -> str | None:
        """Why Dagster would refuse the request."""
        if not isinstance(request, dg.RunRequest):
            return f"it is a {type(request).__name__}, and must be a RunRequest"
        refusal = self._refusal_of_parts(request)
        if refusal is not None:
            return refusal
        plain = _plain_selection(request)
        if plain and self.memory.is_good(plain):
            return None
        wish = _wish(request)
        known = self.memory.looked_at(wish)
        if known is None:
            if self.budget.is_spent:
                raise OutOfTime("There was no time left to check the runs that follow.")
            known = (self._refusal_of_job(request),)
            self.memory.remember(wish, known)
        (refusal,) = known
        if plain and refusal is None:
            self.memory.remember_good(plain)
        return refusal

    def _refusal_of_parts(self, request: dg.RunRequest) -> str | None:
        """Of its names and partitions: looked at each time, as partitions come and go."""
        try:
            self._check_names(request)
            self._check_partition(request)
        except UnusableRunRequest as reason:
            return str(reason)
        return None

    def _refusal_of_job(self, request: dg.RunRequest) -> str | None:
        try:
            job = self._job_of(request)
            if job is None:
                return _DIFFER
            dg.validate_run_config(job, _config_of(request, job))
        except Exception as reason:
            # Whatever it is, it is logged where it costs a run.
            return str(reason)
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
        partitionings = self._partitionings(request)
        partition_key = _partition_key(request)
        ends = [request.tags[tag] for tag in RANGE_TAGS if tag in request.tags]
        named = ends if partition_key is None else [partition_key]
        if len(partitionings) > 1:
            raise UnusableRunRequest(_DIFFER)
        if ends and (len(ends) == 1 or partition_key is not None):
            raise UnusableRunRequest(
                f"a range of partitions has both tags, {' and '.join(RANGE_TAGS)}, and no key"
            )
        if not partitionings and named:
            raise UnusableRunRequest("it names a partition, but nothing it runs is partitioned")
        if partitionings and not named:
            raise UnusableRunRequest("what it runs is partitioned: give it a partition_key")
        for key in named:
            if not has_key(partitionings[0], key, self.instance):
                raise UnusableRunRequest(f"there is no partition {key!r}")
        if ends and not is_range(partitionings[0], ends):
            raise UnusableRunRequest(f"the range of partitions {ends} ends before it begins")

    def _partitionings(self, request: dg.RunRequest) -> list[Partitions]:
        """The different partitionings of what the request runs."""
        all_of_them = list(self.partitions_of(request.asset_selection or ()).values())
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


def _partition_key(request: dg.RunRequest) -> str | None:
    return request.partition_key or request.tags.get(PARTITION_TAG)


def _config_of(request: dg.RunRequest, job: dg.JobDefinition) -> Mapping[str, object]:
    """Its own, or what a job gives each of its partitions."""
    key, by_partition = _partition_key(request), job.partitioned_config
    if request.run_config or key is None or by_partition is None:
        return request.run_config
    return by_partition.get_run_config_for_partition_key(key)


def _plain_selection(request: dg.RunRequest) -> Set[dg.AssetKey]:
    """The assets of a request for nothing but these; none for others."""
    has_more = request.job_name or request.asset_check_keys is not None or request.run_config
    return frozenset() if has_more else frozenset(request.asset_selection or ())


def _wish(request: dg.RunRequest) -> str:
    """What is the same for requests that ask for the same."""
    selection = request.asset_selection
    # None is all assets, and [] none.
    keys = None if selection is None else sorted(key.to_string() for key in selection)
    # Only a job may have another config for each partition.
    partition = request.job_name and _partition_key(request)
    return repr((request.job_name, keys, request.asset_check_keys, request.run_config, partition))
