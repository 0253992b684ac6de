"""What `load_assets_from_airbyte_instance` makes of a workspace, as plain JSON, for each variant.

Also a program, as `described_assets`: the arguments are the package's name and the fields of its
`AirbyteResource` as JSON.
"""

import importlib
import json
import logging
import sys
import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import dagster as dg

Described = dict[str, Any]


def by_team(name: str) -> str | None:
    """A function with a name, as users have them; no group for what belongs to nobody."""
    return name.split("/")[0] if "/" in name else None


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    EAGER = dg.AutoMaterializePolicy.eager()

# The arguments of each call.
VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "a prefix": {"key_prefix": "raw"},
    "a longer prefix": {"key_prefix": ["raw", "airbyte"]},
    "no groups": {"connection_to_group_fn": None},
    "groups by a function": {"connection_to_group_fn": by_team},
    "groups by metadata": {
        "connection_to_group_fn": None,
        "connection_meta_to_group_fn": lambda meta: f"{meta.stream_prefix}group",
    },
    "one io manager": {"io_manager_key": "warehouse"},
    "io managers by connection": {
        "connection_to_io_manager_key_fn": lambda name: "lake" if name == "crm" else None,
    },
    "a filter": {"connection_filter": lambda meta: "crm" in meta.name},
    "a filter by prefix": {"connection_filter": lambda meta: meta.stream_prefix.startswith("s_")},
    "a filter for none": {"connection_filter": lambda meta: not meta.stream_prefix.strip()},
    "own keys": {
        "key_prefix": "raw",
        "connection_to_asset_key_fn": (
            lambda meta, table: dg.AssetKey([meta.name.replace("/", "_"), table.upper()])
        ),
    },
    "a policy": {"connection_to_auto_materialize_policy_fn": lambda meta: EAGER},
}


def describe(package: ModuleType, settings: Mapping[str, object], variant: str) -> Described:
    """Each asset by its key."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        resource = package.AirbyteResource(**settings)
        loaded = package.load_assets_from_airbyte_instance(resource, **VARIANTS[variant])
        # dagster-airbyte returns something that is still to be loaded.
        data = getattr(loaded, "compute_cacheable_data", None)
        return describe_all(loaded.build_definitions(data()) if data else list(loaded))


def describe_all(definitions: list[dg.AssetsDefinition]) -> Described:
    return {
        spec.key.to_user_string(): {
            "group": spec.group_name,
            "io_manager": _io_manager(made, spec.key),
            "automation": str(spec.automation_condition),
            "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
            "tables_of_its_connection": len(list(made.specs)),
        }
        for made in definitions
        for spec in made.specs
    }


def _io_manager(made: dg.AssetsDefinition, key: dg.AssetKey) -> str:
    output = next(name for name, known in made.keys_by_output_name.items() if known == key)
    io_manager_key: str = made.op.output_dict[output].io_manager_key
    return io_manager_key


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    name, settings = sys.argv[1:]
    package, given = importlib.import_module(name), json.loads(settings)
    print(json.dumps({variant: describe(package, given, variant) for variant in VARIANTS}))
