"""Keys, groups and policies as the callbacks of the former loader give them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets import AirbyteConnectionTableProps, DagsterAirbyteTranslator
from dagster_airbyte_sync.legacy.connection_metadata import AirbyteConnectionMetadata as Metadata
from dagster_airbyte_sync.legacy.freshness import Freshness, new_freshness

Automation = dg.AutoMaterializePolicy | dg.AutomationCondition[dg.AssetKey]


@dataclass(frozen=True)
class Callbacks:
    """What a call of the former loader says of its assets; None for what it leaves out."""

    key_prefix: Sequence[str] = ()
    name_to_group: Callable[[str], str | None] | None = None
    meta_to_group: Callable[[Metadata], str | None] | None = None
    name_to_io_manager_key: Callable[[str], str | None] | None = None
    io_manager_key: str | None = None
    to_asset_key: Callable[[Metadata, str], dg.AssetKey] | None = None
    to_freshness: Callable[[Metadata], Freshness | None] | None = None
    to_automation: Callable[[Metadata], Automation | None] | None = None

    def functions(self) -> dict[str, Callable[..., object]]:
        """Those that were given, by the names of the loader's arguments."""
        given = {
            "connection_to_group_fn": self.name_to_group,
            "connection_meta_to_group_fn": self.meta_to_group,
            "connection_to_io_manager_key_fn": self.name_to_io_manager_key,
            "connection_to_asset_key_fn": self.to_asset_key,
            "connection_to_freshness_policy_fn": self.to_freshness,
            "connection_to_auto_materialize_policy_fn": self.to_automation,
        }
        return {name: function for name, function in given.items() if function}

    def group_of(self, meta: Metadata) -> str | None:
        if self.meta_to_group:
            return self.meta_to_group(meta)
        return self.name_to_group(meta.name) if self.name_to_group else None

    def io_manager_key_of(self, meta: Metadata) -> str | None:
        by_name = self.name_to_io_manager_key
        return by_name(meta.name) if by_name else self.io_manager_key

    def key_of(self, meta: Metadata, table: str) -> dg.AssetKey:
        key = self.to_asset_key(meta, table) if self.to_asset_key else dg.AssetKey(table)
        return key.with_prefix(self.key_prefix)


class LegacyTranslator(DagsterAirbyteTranslator):
    """Asks the callbacks for each table of a connection."""

    def __init__(self, callbacks: Callbacks, metadata: Mapping[str, Metadata]) -> None:
        self._callbacks = callbacks
        self.metadata = metadata

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        """The asset for one table, with the key and group that it had."""
        meta, asked = self.metadata[props.connection_id], self._callbacks
        freshness = asked.to_freshness(meta) if asked.to_freshness else None
        automation = asked.to_automation(meta) if asked.to_automation else None
        spec = super().get_asset_spec(props)
        spec = spec.replace_attributes(
            key=asked.key_of(meta, props.table_name),
            group_name=asked.group_of(meta),
            freshness_policy=new_freshness(freshness) if freshness else None,
            automation_condition=new_automation(automation) if automation else None,
        )
        io_manager_key = asked.io_manager_key_of(meta)
        return spec.with_io_manager_key(io_manager_key) if io_manager_key else spec


def new_automation(policy: Automation) -> dg.AutomationCondition[dg.AssetKey]:
    """Today's condition that does the same."""
    if isinstance(policy, dg.AutomationCondition):
        return policy
    return policy.to_automation_condition()
