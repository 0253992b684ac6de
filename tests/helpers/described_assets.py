"""What definitions look like from outside, as plain JSON: to compare two packages by it.

Also a program, for an environment in which only the other package is installed: the arguments are
the package's name and the settings of its `AirbyteWorkspace` as JSON.
"""

import importlib
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import dagster as dg

Described = dict[str, Any]


def describe_workspace(package: ModuleType, settings: Mapping[str, object]) -> Described:
    """The specs by asset key, and the definitions by op name, that a package makes of it."""
    specs = package.load_airbyte_asset_specs(package.AirbyteWorkspace(**settings))
    definitions = package.build_airbyte_assets_definitions(
        workspace=package.AirbyteWorkspace(**settings)
    )
    return {
        "specs": _by_key(specs),
        "definitions": {made.op.name: _describe_definition(made) for made in definitions},
    }


def _describe_definition(made: dg.AssetsDefinition) -> Described:
    return {
        "specs": _by_key(list(made.specs)),
        "can_subset": made.can_subset,
        "resources": sorted(made.required_resource_keys),
        "checks": [str(key) for key in made.check_keys],
        "retries": str(made.op.retry_policy),
        "pool": made.op.pool,
        "op_tags": dict(made.op.tags),
    }


def _by_key(specs: Sequence[dg.AssetSpec]) -> Described:
    described = {spec.key.to_user_string(): _describe_spec(spec) for spec in specs}
    assert len(described) == len(specs)
    return described


def _describe_spec(spec: dg.AssetSpec) -> Described:
    return {
        "path": list(spec.key.path),
        "kinds": sorted(spec.kinds),
        "group_name": spec.group_name,
        "deps": [dep.asset_key.to_user_string() for dep in spec.deps],
        "description": spec.description,
        "code_version": spec.code_version,
        "tags": dict(spec.tags),
        "owners": list(spec.owners),
        "automation": str(spec.automation_condition),
        "partitions": str(spec.partitions_def),
        "metadata": {key: _plain(value) for key, value in spec.metadata.items()},
    }


def _plain(value: object) -> object:
    bare = value.value if isinstance(value, dg.MetadataValue) else value
    if isinstance(bare, dg.TableSchema):
        return [[c.name, c.type, c.description, list(c.constraints.other)] for c in bare.columns]
    return bare if isinstance(bare, str | int | float | None) else type(bare).__name__


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    name, settings = sys.argv[1:]
    print(json.dumps(describe_workspace(importlib.import_module(name), json.loads(settings))))
