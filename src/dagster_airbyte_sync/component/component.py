"""AirbyteWorkspaceComponent: users name it in their `defs.yaml`, or write subclasses of it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import dagster as dg
from dagster.components import DefsStateConfig, DefsStateConfigArgs, ResolvedDefsStateConfig

from dagster_airbyte_sync.assets import (
    AirbyteConnectionTableProps,
    DagsterAirbyteTranslator,
    DbtSourcesTranslator,
    DuplicateAssetKey,
    SyncEvent,
)
from dagster_airbyte_sync.component.definitions import ComponentDefinitions
from dagster_airbyte_sync.component.scaffolder import AirbyteWorkspaceScaffolder
from dagster_airbyte_sync.component.schedule_fields import ResolvedSchedules, ResolvedTakenOver
from dagster_airbyte_sync.component.selector import ResolvedSelector
from dagster_airbyte_sync.component.sensor_fields import (
    ResolvedChecks,
    ResolvedSensor,
    SensorFields,
)
from dagster_airbyte_sync.component.state import (
    NoState,
    check_selected,
    key_of,
    log,
    read_state,
    without_state,
    write_state,
)
from dagster_airbyte_sync.component.translation import (
    ResolvedDbtManifest,
    ResolvedPool,
    ResolvedSourceAssets,
    ResolvedTranslation,
    in_yaml,
)
from dagster_airbyte_sync.component.workspace_fields import WorkspaceFields, resolve_workspace
from dagster_airbyte_sync.resources import (
    AirbyteUnavailable,
    BaseAirbyteWorkspace,
    PoorerCatalog,
)
from dagster_airbyte_sync.workspace import AirbyteCloudWorkspace, AirbyteWorkspace


@dg.scaffold_with(AirbyteWorkspaceScaffolder)
class AirbyteWorkspaceComponent(dg.StateBackedComponent, dg.Model, dg.Resolvable):
    """Assets, checks, sensor, schedules and resource of one or several Airbyte workspaces, in YAML.

    Definitions are made from a snapshot of the workspace, without Airbyte.
    `dg utils refresh-defs-state` writes it. Under `dg dev`, each load writes it anew, unless
    `defs_state` says otherwise, and uses the last one if Airbyte does not answer.

        type: dagster_airbyte_sync.AirbyteWorkspaceComponent
        attributes:
          workspace:
            rest_api_base_url: "{{ env.AIRBYTE_REST_API_BASE_URL }}"
            configuration_api_base_url: "{{ env.AIRBYTE_CONFIGURATION_API_BASE_URL }}"
            workspace_id: "{{ env.AIRBYTE_WORKSPACE_ID }}"
            client_id: "{{ env.AIRBYTE_CLIENT_ID }}"
            client_secret: "{{ env.AIRBYTE_CLIENT_SECRET }}"
          connection_selector:
            by_tag: dagster
          translation:
            group_name: "{{ props.connection_group }}"
          sensor:
            interval: 60

    With `workspace_ids: [...]` or `all_workspaces: true` instead of `workspace_id`, the workspace
    is an `AirbyteInstance`, with one sensor for all of them.
    """

    workspace: Annotated[
        BaseAirbyteWorkspace,
        dg.Resolver(
            resolve_workspace,
            model_field_type=WorkspaceFields,
            inject_before_resolve=False,
            description=(
                "The workspace, with the fields of the resource. Without addresses, it is on"
                " Airbyte Cloud."
            ),
        ),
    ]
    connection_selector: ResolvedSelector = None
    translation: ResolvedTranslation = None
    dbt_manifest: ResolvedDbtManifest = None
    sync: Annotated[
        bool,
        dg.Resolver.default(
            description=(
                "Whether materializing the tables starts a sync. With false, Dagster only observes"
                " them."
            )
        ),
    ] = True
    pool: ResolvedPool = None
    checks: ResolvedChecks = True
    include_inactive: Annotated[
        bool,
        dg.Resolver.default(
            description="Whether connections that are paused in Airbyte have assets."
        ),
    ] = True
    freshness: Annotated[
        bool,
        dg.Resolver.default(
            description=(
                "Whether tables have freshness policies made from Airbyte's own schedules and those"
                " in taken_over."
            )
        ),
    ] = False
    source_assets: ResolvedSourceAssets = False
    sensor: ResolvedSensor = SensorFields()
    schedules: ResolvedSchedules = ()
    taken_over: ResolvedTakenOver = None
    resource_key: Annotated[
        str,
        dg.Resolver.default(
            description=(
                "The key of the workspace among the resources. The names of its sensor, schedules"
                " and ops begin with it. A second component in a project needs another key."
            )
        ),
    ] = "airbyte"
    defs_state: ResolvedDefsStateConfig = DefsStateConfigArgs.local_filesystem()

    @property
    def defs_state_config(self) -> DefsStateConfig:
        default_key = key_of(self.workspace, type(self).__name__)
        return DefsStateConfig.from_args(self.defs_state, default_key=default_key)

    @property
    def translator(self) -> DagsterAirbyteTranslator:
        """Makes the asset of each table, by `get_asset_spec`, `translation`, `dbt_manifest`."""
        own = _ComponentTranslator(self)
        return DbtSourcesTranslator(self.dbt_manifest, base=own) if self.dbt_manifest else own

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        """Return the spec of one table, before `translation`. Override it to change anything."""
        return DagsterAirbyteTranslator().get_asset_spec(props)

    def execute(
        self,
        context: dg.AssetExecutionContext,
        airbyte: AirbyteWorkspace | AirbyteCloudWorkspace,
    ) -> Iterable[SyncEvent]:
        """Sync the connection of the running asset definition. Override it to do more than that."""
        yield from airbyte.sync_and_poll(context=context)

    def write_state_to_path(self, state_path: Path) -> None:
        """Read the workspace from Airbyte and write it to the file, for `build_defs_from_state`."""
        write_state(self.workspace, state_path)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Build the definitions; under `dg dev`, from a new state.

        If Airbyte is down, or its Configuration API is closed now, from the last one.
        """
        try:
            return super().build_defs(context)
        except (AirbyteUnavailable, PoorerCatalog) as down:
            if not self.defs_state.refresh_if_dev:
                raise
            log.warning("Loading what Airbyte had at the last refresh, because now: %s", down)
            try:
                return self._without_refresh().build_defs(context)
            except NoState:
                raise (down if isinstance(down, PoorerCatalog) else without_state(down)) from None

    def build_defs_from_state(
        self, context: dg.ComponentLoadContext, state_path: Path | None
    ) -> dg.Definitions:
        """Build the definitions of what Airbyte had when the state was written, without asking it.

        Raises AirbyteSettingsError if there is no state, or it cannot be used.
        """
        catalog = read_state(self.workspace, state_path, self.defs_state_config.key)
        check_selected(catalog, self.connection_selector)
        assert state_path is not None
        try:
            return ComponentDefinitions(self, state_path).build()
        except DuplicateAssetKey as clash:
            raise in_yaml(clash) from None

    def _without_refresh(self) -> "AirbyteWorkspaceComponent":
        kept = self.defs_state.model_copy(update={"refresh_if_dev": False})
        return self.model_copy(update={"defs_state": kept})


class _ComponentTranslator(DagsterAirbyteTranslator):
    def __init__(self, component: AirbyteWorkspaceComponent) -> None:
        self._component = component

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = self._component.get_asset_spec(props)
        translation = self._component.translation
        return spec if translation is None else translation(spec, props)
