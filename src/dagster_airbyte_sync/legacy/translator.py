"""Keys, groups and policies as the arguments of the former loader give them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets import AirbyteConnectionTableProps, DagsterAirbyteTranslator
from dagster_airbyte_sync.legacy.connection_metadata import AirbyteConnectionMetadata as Metadata
from dagster_airbyte_sync.legacy.freshness import Freshness, new_freshness

Automation = dg.AutoMaterializePolicy | dg.AutomationCondition[dg.AssetKey]


@dataclass(frozen=True)
class LoaderArguments:
    """What a call of the former loader says of its assets, by the names of its arguments."""

    key_prefix: Sequence[str]
    connection_to_group_fn: Callable[[str], str | None] | None
    connection_meta_to_group_fn: Callable[[Metadata], str | None] | None
    io_manager_key: str | None
    connection_to_io_manager_key_fn: Callable[[str], str | None] | None
    connection_filter: Callable[[Metadata], bool] | None
    connection_to_asset_key_fn: Callable[[Metadata, str], dg.AssetKey] | None
    connection_to_freshness_policy_fn: Callable[[Metadata], Freshness | None] | None
    connection_to_auto_materialize_policy_fn: Callable[[Metadata], Automation | None] | None

    def is_wanted(self, meta: Metadata) -> bool:
        return self.connection_filter is None or bool(self.connection_filter(meta))

    def key_of(self, meta: Metadata, table: str) -> dg.AssetKey:
        to_key = self.connection_to_asset_key_fn
        key = to_key(meta, table) if to_key else dg.AssetKey(table)
        return key.with_prefix(self.key_prefix)

    def group_of(self, meta: Metadata) -> str | None:
        if self.connection_meta_to_group_fn:
            return self.connection_meta_to_group_fn(meta)
        return self.connection_to_group_fn(meta.name) if self.connection_to_group_fn else None

    def io_manager_key_of(self, meta: Metadata) -> str | None:
        to_io_manager_key = self.connection_to_io_manager_key_fn
        return to_io_manager_key(meta.name) if to_io_manager_key else self.io_manager_key

    def freshness_of(self, meta: Metadata) -> dg.FreshnessPolicy | None:
        to_policy = self.connection_to_freshness_policy_fn
        policy = to_policy(meta) if to_policy else None
        return new_freshness(policy) if policy else None

    def automation_of(self, meta: Metadata) -> dg.AutomationCondition[dg.AssetKey] | None:
        to_policy = self.connection_to_auto_materialize_policy_fn
        policy = to_policy(meta) if to_policy else None
        if isinstance(policy, dg.AutoMaterializePolicy):
            return policy.to_automation_condition()
        return policy


class LegacyTranslator(DagsterAirbyteTranslator):
    """Calls the functions that the loader was given for each table of a connection."""

    def __init__(self, arguments: LoaderArguments, metadata: Mapping[str, Metadata]) -> None:
        self._arguments = arguments
        self._metadata = metadata

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        """The asset for one table, with the key and group that it had."""
        meta, arguments = self._metadata[props.connection_id], self._arguments
        spec = (
            super()
            .get_asset_spec(props)
            .replace_attributes(
                key=arguments.key_of(meta, props.table_name),
                group_name=arguments.group_of(meta),
                freshness_policy=arguments.freshness_of(meta),
                automation_condition=arguments.automation_of(meta),
            )
        )
        io_manager_key = arguments.io_manager_key_of(meta)
        return spec.with_io_manager_key(io_manager_key) if io_manager_key else spec
