"""A component from YAML text, and its definitions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspaceComponent

WORKSPACE = """\
workspace:
  rest_api_base_url: "{{ env.AIRBYTE_REST_API_BASE_URL }}"
  configuration_api_base_url: "{{ env.AIRBYTE_CONFIGURATION_API_BASE_URL }}"
  workspace_id: "{{ env.AIRBYTE_WORKSPACE_ID }}"
  client_id: "{{ env.AIRBYTE_CLIENT_ID }}"
  client_secret: "{{ env.AIRBYTE_CLIENT_SECRET }}"
  poll_interval: 0.1
"""


@dataclass(frozen=True)
class SensorTick:
    asset_events: Sequence[dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation]
    requests: Sequence[dg.RunRequest]


@dataclass(frozen=True)
class Loaded:
    component: AirbyteWorkspaceComponent
    defs: dg.Definitions

    @property
    def keys(self) -> set[str]:
        return {key.to_user_string() for key in self.defs.resolve_all_asset_keys()}

    @property
    def sensors(self) -> list[dg.SensorDefinition]:
        return list(self.defs.get_repository_def().sensor_defs)

    @property
    def schedules(self) -> dict[str, dg.ScheduleDefinition]:
        return {one.name: one for one in self.defs.get_repository_def().schedule_defs}

    def tick(self, instance: dg.DagsterInstance) -> SensorTick:
        """The first tick of the sensor."""
        (sensor,) = self.sensors
        with dg.build_sensor_context(
            instance=instance,
            repository_def=self.defs.get_repository_def(),
            sensor_name=sensor.name,
            resources={"airbyte": self.component.workspace},
        ) as context:
            result = sensor.evaluate_tick(context)
        return SensorTick(result.asset_events, list(result.run_requests or ()))

    def spec(self, key: str) -> dg.AssetSpec:
        every = {spec.key.to_user_string(): spec for spec in self.defs.resolve_all_asset_specs()}
        return every[key]


Load = Callable[..., Loaded]


def read_yaml(
    kind: type[AirbyteWorkspaceComponent],
    attributes: str,
    scope: Mapping[str, object] | None = None,
) -> AirbyteWorkspaceComponent:
    text = attributes if "workspace:" in attributes else f"{WORKSPACE}{attributes}"
    component = kind.resolve_from_yaml(text, scope=scope)
    assert isinstance(component, kind)
    return component


def load_yaml(
    kind: type[AirbyteWorkspaceComponent],
    attributes: str,
    state: Path,
    scope: Mapping[str, object] | None = None,
) -> Loaded:
    """The component's definitions, from a state written for it now."""
    component = read_yaml(kind, attributes, scope)
    component.write_state_to_path(state)
    return Loaded(component, built(component, state))


def built(component: AirbyteWorkspaceComponent, state: Path | None) -> dg.Definitions:
    context = dg.ComponentTree.for_test().load_context
    return component.build_defs_from_state(context, state)
