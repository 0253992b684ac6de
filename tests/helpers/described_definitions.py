"""What files with a `defs` define, as plain JSON: to compare two packages by the same code.

Also a program, for an environment in which only dagster-airbyte is installed: the arguments are
the files.
"""

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import dagster as dg

Described = dict[str, Any]


def describe_file(file: Path, package: str = "dagster_airbyte") -> Described:
    """The definitions of a file, whose import of dagster-airbyte is one of this package instead."""
    code = file.read_text(encoding="utf-8").replace(
        "from dagster_airbyte import", f"from {package} import"
    )
    names: dict[str, Any] = {"__name__": file.stem, "__file__": str(file)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(code, str(file), "exec"), names)
        return describe_definitions(names["defs"])


def describe_definitions(defs: dg.Definitions) -> Described:
    repository = defs.get_repository_def()
    made = repository.assets_defs_by_key
    return {
        "assets": {
            spec.key.to_user_string(): _describe(made[spec.key], spec)
            for definition in set(made.values())
            for spec in definition.specs
        },
        "jobs": sorted(name for name in repository.job_names if not name.startswith("__")),
        "schedules": sorted(each.name for each in repository.schedule_defs),
        "resources": sorted(repository.get_top_level_resources()),
    }


def _describe(made: dg.AssetsDefinition, spec: dg.AssetSpec) -> Described:
    return {
        "op": made.op.name if made.is_executable else None,
        "can_subset": made.can_subset if made.is_executable else None,
        "group": spec.group_name,
        "kinds": sorted(spec.kinds),
        "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
        "owners": list(spec.owners),
        "automation": str(spec.automation_condition),
        "metadata": {key: _plain(value) for key, value in spec.metadata.items()},
    }


def _plain(value: object) -> object:
    bare = value.value if isinstance(value, dg.MetadataValue) else value
    if isinstance(bare, dg.TableSchema):
        return [[column.name, column.type] for column in bare.columns]
    return bare if isinstance(bare, str | int | float | None) else type(bare).__name__


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps({file: describe_file(Path(file)) for file in sys.argv[1:]}))
