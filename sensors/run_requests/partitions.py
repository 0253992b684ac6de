"""Which partitions exist. Pure, but for dynamic ones."""

from collections.abc import Mapping, Sequence

import dagster as dg

Partitions = dg.PartitionsDefinition[str]

# Dagster's own: of a run's partition, and of the ends of a range, where it is of several.
PARTITION_TAG = "dagster/partition"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def has_key(partitions: Partitions, key: str, instance: dg.DagsterInstance) -> bool:
    """Whether the partition exists now."""
    if isinstance(partitions, dg.DynamicPartitionsDefinition) and partitions.name is not None:
        return instance.has_dynamic_partition(partitions.name, key)
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        # By dimension, as one may be dynamic, which Dagster itself cannot look up in a sensor.
        parts = _by_dimension(partitions, key)
        return bool(parts) and all(
            has_key(dimension.partitions_def, parts[dimension.name], instance)
            for dimension in partitions.partitions_defs
        )
    return partitions.has_partition_key(key)


def is_range(partitions: Partitions, ends: Sequence[str]) -> bool:
    """Whether the second partition does not come before the first."""
    # The order of dynamic ones is Dagster's storage's alone.
    wanted = dg.PartitionKeyRange(*ends)
    return _is_dynamic(partitions) or bool(partitions.get_partition_keys_in_range(wanted))


def _is_dynamic(partitions: Partitions) -> bool:
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        return any(_is_dynamic(each.partitions_def) for each in partitions.partitions_defs)
    return isinstance(partitions, dg.DynamicPartitionsDefinition)


def _by_dimension(partitions: dg.MultiPartitionsDefinition, key: str) -> Mapping[str, str]:
    """The key of each dimension; none for a key that has other dimensions."""
    names = [dimension.name for dimension in partitions.partitions_defs]
    if isinstance(key, dg.MultiPartitionKey):
        parts = dict(key.keys_by_dimension)
    else:
        # As Dagster writes it, in the order of the dimensions' names.
        keys = key.split("|")
        parts = dict(zip(names, keys, strict=True)) if len(keys) == len(names) else {}
    return parts if parts.keys() == set(names) else {}
