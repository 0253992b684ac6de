"""What files define, as plain JSON: to compare two packages by the same code.

A file is Python with a `defs`, or the YAML of a component, whose class may be in Python beside it.
Also a program, for an environment in which only dagster-airbyte is installed: the arguments are the
files.
"""

import asyncio
import importlib
import inspect
import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

Described = dict[str, Any]


def describe_file(file: Path, package: str = "dagster_airbyte") -> Described:
    """The definitions of a file, in which another package takes the place of dagster-airbyte."""
    return describe_definitions(load_file(file, package))


def load_file(file: Path, package: str = "dagster_airbyte") -> dg.Definitions:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if file.suffix == ".yaml":
            return _of_component(file, package)
        made: dg.Definitions = _names_of(file, package)["defs"]
        return made


def _text_of(file: Path, package: str) -> str:
    text = file.read_text(encoding="utf-8")
    for words in ("from {} import", "type: {}."):
        text = text.replace(words.format("dagster_airbyte"), words.format(package))
    return text


def _names_of(file: Path, package: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": file.stem, "__file__": str(file)}
    exec(compile(_text_of(file, package), str(file), "exec"), names)
    return names


def _of_component(file: Path, package: str) -> dg.Definitions:
    """As `dg` loads it after a refresh of its state."""
    written = yaml.safe_load(_text_of(file, package))
    module, _, name = written["type"].rpartition(".")
    own = file.with_suffix(".py")
    known = _names_of(own, package) if own.exists() else vars(importlib.import_module(module))
    component = known[name].resolve_from_yaml(yaml.safe_dump(written["attributes"]))
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        writing = component.write_state_to_path(state)
        if inspect.isawaitable(writing):
            asyncio.run(_awaited(writing))
        made: dg.Definitions = component.build_defs_from_state(
            dg.ComponentTree.for_test().load_context, state
        )
        return made


async def _awaited(writing: Any) -> None:
    await writing


def describe_definitions(defs: dg.Definitions) -> Described:
    repository = defs.get_repository_def()
    made = repository.assets_defs_by_key
    checked = {*made.values(), *repository.asset_checks_defs_by_key.values()}
    return {
        "assets": {
            spec.key.to_user_string(): _describe(made[spec.key], spec)
            for definition in set(made.values())
            for spec in definition.specs
        },
        "jobs": sorted(name for name in repository.job_names if not name.startswith("__")),
        "schedules": sorted(each.name for each in repository.schedule_defs),
        "sensors": sorted(each.name for each in repository.sensor_defs),
        "checks": sorted(each.name for defined in checked for each in defined.check_specs),
        "resources": sorted(repository.get_top_level_resources()),
    }


def _describe(made: dg.AssetsDefinition, spec: dg.AssetSpec) -> Described:
    return {
        "op": made.op.name if made.is_executable else None,
        "can_subset": made.can_subset if made.is_executable else None,
        "group": spec.group_name,
        "description": spec.description,
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
