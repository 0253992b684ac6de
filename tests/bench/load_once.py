"""Loads definitions once, in a process that has done nothing else, and says what it cost.

A program: `python load_once.py PACKAGE WHAT FOLDER`, with the settings of a workspace as JSON in
its standard input. PACKAGE is ours, dagster_airbyte, or `dagster`: Dagster alone, which makes the
same of records in the folder. WHAT is `assets` (specs, asset definitions, a sensor) or
`definitions` (all that `build_airbyte_definitions` makes), perhaps `from a snapshot` or `from a
component's state`; or the name of one of these files, to write it.
"""

import json
import logging
import pickle
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg

# What only we keep in metadata: our own objects.
_OURS = ("dagster-airbyte/dagster_airbyte_translator", "dagster-airbyte/known_streams")
_FILES = _RECORDS, _SNAPSHOT, _STATE = "records", "a snapshot", "a component's state"


@dataclass(frozen=True)
class Record:
    """What Dagster must be given to make one asset, and its checks."""

    spec: Mapping[str, Any]
    checks: Sequence[tuple[str, str | None]]


# The assets of each connection, by the name of its op.
Records = Mapping[str, Sequence[Record]]


def main(package: str, what: str, folder: str) -> None:
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    settings = json.load(sys.stdin)
    if what in _FILES:
        write(what, settings, Path(folder))
        return
    load = loader(package, what, Path(folder), settings)
    start = time.perf_counter(), time.process_time()
    load().get_repository_def()
    seconds, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
    print(json.dumps({"seconds": seconds, "cpu": cpu, "megabytes": peak_megabytes()}))


def peak_megabytes() -> float:
    """The most memory that this process had, not the one that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (line,) = [each for each in status.read_text().splitlines() if each.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def loader(
    package: str, what: str, folder: Path, settings: Mapping[str, Any]
) -> Callable[[], dg.Definitions]:
    what, _, source = what.partition(" from ")
    if package == "dagster":
        records: Records = pickle.loads((folder / _RECORDS).read_bytes())
        assert "dagster_airbyte_sync" not in sys.modules
        return lambda: of_records(records, with_checks=what == "definitions")
    module = import_module(package)
    workspace = module.AirbyteWorkspace(**settings)
    if source == _STATE:
        # The context is only asked where the state lies, which is known here.
        component = module.AirbyteWorkspaceComponent(workspace=workspace)
        return lambda: component.build_defs_from_state(None, folder / _STATE)
    snapshot = {"snapshot": folder / _SNAPSHOT} if source else {}
    if what == "assets":
        return lambda: assets_of(module, workspace, snapshot)
    return lambda: module.build_airbyte_definitions(workspace, **snapshot)


def assets_of(module: Any, workspace: Any, snapshot: Mapping[str, Path]) -> dg.Definitions:
    """The assets of either package, with a sensor."""
    assets = module.build_airbyte_assets_definitions(workspace=workspace, **snapshot)
    sensor = getattr(module, "build_airbyte_polling_sensor", None)
    sensors = [sensor(workspace=workspace)] if sensor else [_idle]
    return dg.Definitions(assets=assets, sensors=sensors, resources={"airbyte": workspace})


def write(what: str, settings: Mapping[str, Any], folder: Path) -> None:
    module = import_module("dagster_airbyte_sync")
    workspace = module.AirbyteWorkspace(**settings)
    if what == _SNAPSHOT:
        import_module("dagster_airbyte_sync.cli.snapshot").write_snapshot(workspace, folder / what)
    elif what == _STATE:
        module.AirbyteWorkspaceComponent(workspace=workspace).write_state_to_path(folder / what)
    else:
        specs = module.load_airbyte_asset_specs(workspace)
        (folder / what).write_bytes(pickle.dumps(_records_of(specs, module.AirbyteChecks())))


def _records_of(specs: Sequence[dg.AssetSpec], checks: Any) -> Records:
    records: dict[str, list[Record]] = {}
    for spec in specs:
        made = [(each.name, each.description) for each in checks.specs_of(spec.key, "airbyte")]
        connection = str(spec.metadata["dagster-airbyte/connection_id"]).replace("-", "_")
        records.setdefault(f"airbyte_{connection}", []).append(Record(_fields(spec), made))
    return records


def _fields(spec: dg.AssetSpec) -> Mapping[str, Any]:
    return {
        "key": spec.key,
        "description": spec.description,
        "metadata": {key: spec.metadata[key] for key in spec.metadata if key not in _OURS},
        "group_name": spec.group_name,
        "tags": dict(spec.tags),
        "deps": [dep.asset_key for dep in spec.deps],
    }


def of_records(records: Records, *, with_checks: bool) -> dg.Definitions:
    """The same definitions, as directly as Dagster can make them."""
    made = [_assets(name, group) for name, group in records.items()]
    checks = [_checks(name, group) for name, group in records.items()] if with_checks else []
    return dg.Definitions(
        assets=made, asset_checks=checks, sensors=[_idle], resources={"airbyte": object()}
    )


def _assets(name: str, group: Sequence[Record]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=name,
        specs=[dg.AssetSpec(**record.spec) for record in group],
        can_subset=True,
        required_resource_keys={"airbyte"},
    )
    def sync() -> Iterator[dg.MaterializeResult[Any]]:
        yield from ()

    return sync


def _checks(name: str, group: Sequence[Record]) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(check, asset=record.spec["key"], description=words)
        for record in group
        for check, words in record.checks
    ]

    @dg.multi_asset_check(
        name=f"{name}_check", specs=specs, can_subset=True, required_resource_keys={"airbyte"}
    )
    def check() -> Iterator[dg.AssetCheckResult]:
        yield from ()

    return check


@dg.sensor(asset_selection="*", minimum_interval_seconds=30)
def _idle(context: dg.SensorEvaluationContext) -> None: ...


if __name__ == "__main__":
    main(*sys.argv[1:])
