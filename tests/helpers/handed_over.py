"""A program for an environment with dagster-airbyte: hands its objects to this package's builders.

AIRBYTE_* in its environment are the workspace's settings. It prints what came of it, as JSON.
"""

import importlib
import json
import logging
from typing import Any

import dagster as dg

import dagster_airbyte_sync as ours

# Not installed where the types are checked.
theirs: Any = importlib.import_module("dagster_airbyte")

NAMES = (
    "rest_api_base_url",
    "configuration_api_base_url",
    "workspace_id",
    "client_id",
    "client_secret",
)
FIELDS = {name: dg.EnvVar(f"AIRBYTE_{name.upper()}") for name in NAMES}


class TheirTranslator(theirs.DagsterAirbyteTranslator):  # type: ignore[misc]
    """Reads every prop of dagster-airbyte's, as a user's translator may."""

    def get_asset_spec(self, props: Any) -> dg.AssetSpec:
        spec: dg.AssetSpec = super().get_asset_spec(props)
        known = {name: getattr(props, name) for name in theirs_props()}
        return spec.replace_attributes(
            key=spec.key.with_prefix(props.connection_name), group_name=props.destination_type
        ).merge_attributes(metadata={"props": json.dumps(known, default=str)})


def theirs_props() -> list[str]:
    return list(theirs.translator.AirbyteConnectionTableProps.__annotations__)


def handed_over() -> dict[str, object]:
    workspace, translator = theirs.AirbyteWorkspace(**FIELDS, poll_interval=0.1), TheirTranslator()
    both: dict[str, Any] = {"workspace": workspace, "dagster_airbyte_translator": translator}
    defs = dg.Definitions.merge(
        ours.build_airbyte_definitions(**both),
        dg.Definitions(schedules=ours.build_schedules_from_airbyte(**both)),
    )
    specs = ours.load_airbyte_asset_specs(**both)
    with dg.DagsterInstance.ephemeral() as instance:
        run = defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
        reported = tick(defs, workspace, instance)
    cloud = theirs.AirbyteCloudWorkspace(
        **{name: FIELDS[name] for name in ("workspace_id", "client_id", "client_secret")}
    )
    return {
        "groups": {spec.key.to_user_string(): spec.group_name for spec in specs},
        "table_names": [spec.metadata["dagster/table_name"] for spec in specs],
        "props": [json.loads(spec.metadata["props"]) for spec in specs],
        "names": theirs_props(),
        "definitions": [made.op.name for made in ours.build_airbyte_assets_definitions(**both)],
        "schedules": [schedule.name for schedule in defs.schedules or ()],
        "materialized": sorted(
            event.asset_key.to_user_string()
            for event in run.get_asset_materialization_events()
            if event.asset_key
        ),
        "reported_by_the_sensor": reported,
        "cloud": describe(cloud),
        "refused_by_the_decorator": refused(workspace),
    }


def refused(workspace: Any) -> str:
    try:
        ours.airbyte_assets(connection_id="any", workspace=workspace)
    except ours.AirbyteSettingsError as refusal:
        return str(refusal)
    return ""


def tick(defs: dg.Definitions, workspace: object, instance: dg.DagsterInstance) -> list[str]:
    repository = defs.get_repository_def()
    (sensor,) = repository.sensor_defs
    with dg.build_sensor_context(
        instance=instance,
        repository_def=repository,
        sensor_name=sensor.name,
        resources={"airbyte": workspace},
    ) as context:
        events = sensor.evaluate_tick(context).asset_events
    return [type(event).__name__ for event in events]


def describe(workspace: object) -> dict[str, str]:
    taken = ours.resources.as_workspace(workspace)
    variables = {name: getattr(taken, name) for name in ("workspace_id", "client_secret")}
    return {"type": type(taken).__name__} | {
        name: value.env_var_name for name, value in variables.items()
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps(handed_over()))
