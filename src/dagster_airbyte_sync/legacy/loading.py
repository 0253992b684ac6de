"""The loader that dagster-airbyte had before its workspaces."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import dagster as dg

from dagster_airbyte_sync.assets import (
    AirbyteChecks,
    DuplicateAssetKey,
    Table,
    clean_name,
    load_tables,
    syncing_assets,
)
from dagster_airbyte_sync.legacy.connection_metadata import AirbyteConnectionMetadata, metadata_of
from dagster_airbyte_sync.legacy.freshness import Freshness
from dagster_airbyte_sync.legacy.loaded import LoadedAirbyteAssets
from dagster_airbyte_sync.legacy.migration_notes import migration_notes
from dagster_airbyte_sync.legacy.resource import AirbyteResource
from dagster_airbyte_sync.legacy.translator import Automation, LegacyTranslator, LoaderArguments
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteSettingsError,
    AirbyteUnavailable,
    LegacyWarning,
    NotLoaded,
)

_NO_NORMALIZATION = (
    "create_assets_for_normalization_tables no longer has an effect: Airbyte itself has no"
    " normalization since its Destinations V2, so there are no such tables."
)

_NO_SNAPSHOT = (
    "(An AirbyteResource makes its addresses of host, port and use_https.) This loader always asks"
    " Airbyte; build_airbyte_assets_definitions(snapshot=...) need not."
)

_OTHER_KEYS = (
    "Give them different keys with connection_to_asset_key_fn, set a stream prefix in Airbyte, or"
    " leave one connection out with connection_filter."
)


def load_assets_from_airbyte_instance(
    airbyte: AirbyteResource | dg.ResourceDefinition,
    workspace_id: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    create_assets_for_normalization_tables: bool | None = None,
    connection_to_group_fn: Callable[[str], str | None] | None = clean_name,
    connection_meta_to_group_fn: Callable[[AirbyteConnectionMetadata], str | None] | None = None,
    io_manager_key: str | None = None,
    connection_to_io_manager_key_fn: Callable[[str], str | None] | None = None,
    connection_filter: Callable[[AirbyteConnectionMetadata], bool] | None = None,
    connection_to_asset_key_fn: (
        Callable[[AirbyteConnectionMetadata, str], dg.AssetKey] | None
    ) = None,
    connection_to_freshness_policy_fn: (
        Callable[[AirbyteConnectionMetadata], Freshness | None] | None
    ) = None,
    connection_to_auto_materialize_policy_fn: (
        Callable[[AirbyteConnectionMetadata], Automation | None] | None
    ) = None,
    *,
    checks: bool | AirbyteChecks = False,
    resource_key: str = "airbyte",
) -> LoadedAirbyteAssets:
    """Build the assets of dagster-airbyte's function of this name, with the same keys and groups.

    Each connection is one definition that carries its resource, so
    `Definitions(assets=[load_assets_from_airbyte_instance(...)])` is all you need. It warns, and
    says what replaces this function and its arguments.

    Args:
        airbyte: An AirbyteResource, or what `airbyte_resource.configured` returned.
        workspace_id: Only needed if the server has several workspaces.
        connection_to_group_fn: Default: the connection's name, made valid; None for no groups.
        connection_to_freshness_policy_fn: What it returns is converted to a current policy.
        connection_to_auto_materialize_policy_fn: What it returns is converted to an automation
            condition.
        checks: As in `build_airbyte_assets_definitions`.
        resource_key: The key of the resource of the sensor that also evaluates the checks.

    Raises:
        AirbyteSettingsError: If arguments contradict each other.
        AirbyteError: If Airbyte cannot be asked.
    """
    if create_assets_for_normalization_tables is not None:
        warnings.warn(_NO_NORMALIZATION, LegacyWarning, stacklevel=2)
    if connection_meta_to_group_fn and connection_to_group_fn is clean_name:
        connection_to_group_fn = None
    _refuse_both(
        connection_meta_to_group_fn=connection_meta_to_group_fn,
        connection_to_group_fn=connection_to_group_fn,
    )
    _refuse_both(
        io_manager_key=io_manager_key,
        connection_to_io_manager_key_fn=connection_to_io_manager_key_fn,
    )
    arguments = LoaderArguments(
        key_prefix=[key_prefix] if isinstance(key_prefix, str) else tuple(key_prefix or ()),
        connection_to_group_fn=connection_to_group_fn,
        connection_meta_to_group_fn=connection_meta_to_group_fn,
        io_manager_key=io_manager_key,
        connection_to_io_manager_key_fn=connection_to_io_manager_key_fn,
        connection_filter=connection_filter,
        connection_to_asset_key_fn=connection_to_asset_key_fn,
        connection_to_freshness_policy_fn=connection_to_freshness_policy_fn,
        connection_to_auto_materialize_policy_fn=connection_to_auto_materialize_policy_fn,
    )
    resource = _in_workspace(_as_resource(airbyte), workspace_id)
    metadata, workspace_id = _read(resource)
    notes = migration_notes({**vars(arguments), "checks": checks}, resource.given(), workspace_id)
    warnings.warn(notes, LegacyWarning, stacklevel=2)
    return _load(resource, arguments, metadata, checks=checks, watched_as=resource_key)


def _read(resource: AirbyteResource) -> tuple[Mapping[str, AirbyteConnectionMetadata], str]:
    """What the functions of the caller are given, by connection, and the workspace's id."""
    try:
        with resource.resolved() as ready:
            client = ready.get_client()
            return metadata_of(client.catalog()), client.settings.scope
    except AirbyteUnavailable as down:
        raise NotLoaded.because_of(down, _NO_SNAPSHOT) from None
    except AirbyteError as error:
        raise error from None


def _load(
    resource: AirbyteResource,
    arguments: LoaderArguments,
    metadata: Mapping[str, AirbyteConnectionMetadata],
    *,
    checks: bool | AirbyteChecks,
    watched_as: str,
) -> LoadedAirbyteAssets:
    try:
        tables = load_tables(
            resource,
            LegacyTranslator(arguments, metadata),
            lambda connection: arguments.is_wanted(metadata[connection.id]),
        )
    except DuplicateAssetKey as clash:
        raise DuplicateAssetKey(clash.found, _OTHER_KEYS, clash.by_namespace) from None
    key = _resource_key(tables)
    with warnings.catch_warnings():
        # To give an asset its own resource is "beta" in Dagster for years.
        warnings.simplefilter("ignore", dg.BetaWarning)
        definitions = syncing_assets(
            tables,
            key,
            checks=checks,
            watched_as=watched_as,
            name_prefix="airbyte",
            resource_defs={key: resource},
        )
    name = "-".join(["airbyte", *(definition.op.name for definition in definitions)])
    return LoadedAirbyteAssets(name, definitions)


def _resource_key(tables: Sequence[Table]) -> str:
    """The key of the resource that these assets bring with them.

    Dagster refuses an asset's own resource under a key that other definitions use: neither
    "airbyte", under which a sensor or schedule looks for its workspace, nor that of another call
    of the loader. No two calls in one code location load the same connection.
    """
    first = min((table.connection_id for table in tables), default="none")
    return clean_name(f"airbyte_of_{first}")


def _as_resource(airbyte: AirbyteResource | dg.ResourceDefinition) -> AirbyteResource:
    made = airbyte
    if isinstance(airbyte, dg.ResourceDefinition):
        made = airbyte(dg.build_init_resource_context())
    if not isinstance(made, AirbyteResource):
        raise AirbyteSettingsError(
            f"airbyte is a {type(made).__name__}, not an AirbyteResource or airbyte_resource. For"
            " a workspace there is build_airbyte_assets_definitions(workspace=...)."
        )
    return made


def _in_workspace(airbyte: AirbyteResource, workspace_id: str | None) -> AirbyteResource:
    if workspace_id is None:
        return airbyte
    return type(airbyte)(**{**airbyte.given(), "workspace_id": workspace_id})


def _refuse_both(**given: object) -> None:
    if all(value is not None for value in given.values()):
        raise AirbyteSettingsError(f"{' and '.join(given)} are both set: remove one of them.")
