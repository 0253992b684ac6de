"""A run that starts syncs, in a process of its own, so that a test can kill it."""

import multiprocessing
from multiprocessing.context import SpawnProcess
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_start_job
from dagster_airbyte_sync.testing import AirbyteSimulator


def starting_process(airbyte: AirbyteSimulator, home: Path, assets: list[str]) -> SpawnProcess:
    """Not started yet. `home` is the folder of the Dagster instance."""
    (home / "dagster.yaml").touch()
    config = {name: str(value) for name, value in airbyte.workspace_config().items()}
    context = multiprocessing.get_context("spawn")
    return context.Process(target=_start, args=(home, config, assets))


def _start(home: Path, config: dict[str, str], assets: list[str]) -> None:
    workspace = AirbyteWorkspace(**config)  # type: ignore[arg-type]
    job = build_airbyte_start_job(workspace=workspace, assets=assets)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        job.execute_in_process(instance=instance, resources={"airbyte": workspace})
