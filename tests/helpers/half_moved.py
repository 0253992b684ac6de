"""A program for an environment with dagster-airbyte: a project that keeps its assets, and has our
sensor beside them. AIRBYTE_* in its environment are the workspace's settings.

A run of dagster-airbyte's assets, then a sync that somebody starts in Airbyte; a tick after each.
It prints, as JSON, what was reported of one table and which runs were asked for.
"""

import importlib
import json
import logging
import time
from typing import Any

import dagster as dg

import dagster_airbyte_sync as ours
from helpers.handed_over import FIELDS

# Not installed where the types are checked.
theirs: Any = importlib.import_module("dagster_airbyte")


@dg.asset(deps=["orders"])
def revenue() -> None: ...


def half_moved() -> dict[str, object]:
    settings: dict[str, Any] = dict(FIELDS)
    workspace = theirs.AirbyteWorkspace(**settings, poll_interval=0.1)
    defs = dg.Definitions(
        [*theirs.build_airbyte_assets_definitions(workspace=workspace), revenue],
        sensors=[
            ours.build_airbyte_polling_sensor(
                workspace=workspace, downstream=dg.AssetSelection.assets("revenue")
            )
        ],
        resources={"airbyte": workspace},
    )
    with (
        dg.DagsterInstance.ephemeral() as instance,
        ours.AirbyteWorkspace(**settings).resolved() as resolved,
    ):
        client = resolved.get_client()
        cursor, _ = tick(defs, workspace, instance, None)
        (connection_id,) = client.catalog().connections
        run = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey("orders"), dg.AssetKey("users")]
        )
        cursor, after_run = tick(defs, workspace, instance, cursor)
        # Airbyte's times are whole seconds.
        time.sleep(2)
        sync_outside(client, connection_id)
        _, after_sync = tick(defs, workspace, instance, cursor)
        _, after_loss = tick(defs, workspace, instance, None)
        return {
            "succeeded": run.success,
            "reported": reported(instance),
            "run_requests": [after_run, after_sync, after_loss],
        }


def sync_outside(client: Any, connection_id: str) -> None:
    job = client.start_sync(connection_id)
    while not client.job_status(job.id).is_finished:
        time.sleep(0.1)


def reported(instance: dg.DagsterInstance) -> list[int | None]:
    """The job that each materialization of the table names, or None; the oldest first."""
    page = instance.fetch_materializations(dg.AssetKey("orders"), limit=10)
    made = [record.asset_materialization for record in reversed(page.records)]
    named = [each.metadata.get("dagster-airbyte/job_id") for each in made if each]
    return [None if job is None else int(str(job.value)) for job in named]


def tick(
    defs: dg.Definitions, workspace: object, instance: dg.DagsterInstance, cursor: str | None
) -> tuple[str | None, list[str | None]]:
    """A tick and the storing of what it found: its cursor, and the keys of the runs it asks for."""
    repository = defs.get_repository_def()
    (sensor,) = repository.sensor_defs
    with dg.build_sensor_context(
        instance=instance,
        cursor=cursor,
        repository_def=repository,
        sensor_name=sensor.name,
        resources={"airbyte": workspace},
    ) as context:
        result = sensor.evaluate_tick(context)
    for event in result.asset_events:
        instance.report_runless_asset_event(event)
    return result.cursor, [request.run_key for request in result.run_requests or ()]


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps(half_moved()))
