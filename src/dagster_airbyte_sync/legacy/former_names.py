"""The names of dagster-airbyte that are not here, and what takes the place of each. Pure.

Errors of imports, the command `migrate` and docs/guides/moving-over.md say the same of them.
"""

from dataclasses import dataclass

THEIRS = "dagster_airbyte"
OURS = "dagster_airbyte_sync"
GUIDE = "https://dagster-airbyte-sync.github.io/dagster-airbyte-sync/guides/moving-over.html"


@dataclass(frozen=True)
class Former:
    """Names of dagster-airbyte, and what to write instead of them.

    `renamed` is the public name here of the same thing, where nothing but the name has changed.
    Words in backticks are code.
    """

    names: tuple[str, ...]
    instead: str
    renamed: str | None = None


_START_JOB = "`build_airbyte_start_job(...)`, or `dg.define_asset_job` of the assets"
_BUILDER = "`build_airbyte_assets_definitions(workspace=...)`"
_TERRAFORM = "Airbyte's Terraform provider"

GONE = (
    Former(
        ("AirbyteCloudWorkspaceComponent",),
        "`AirbyteWorkspaceComponent`: without base URLs, its workspace is on Airbyte Cloud",
        "AirbyteWorkspaceComponent",
    ),
    Former(("AirbyteConnection",), "`Connection`, with the same attributes and more", "Connection"),
    Former(
        ("AirbyteDestination",), "`Destination`, with the same attributes and more", "Destination"
    ),
    Former(("AirbyteStream",), "`Stream`, with the same attributes and more", "Stream"),
    Former(
        ("AirbyteJobStatusType",),
        "`JobStatus`, with the same members but `ERROR`, which Airbyte does not have",
    ),
    Former(("AirbyteOutput",), "`Job`; each materialization has its counts in its metadata"),
    Former(
        ("AirbyteWorkspaceData",),
        "`workspace.fetch_catalog()`: its `connections` and `destinations` are keyed by id",
    ),
    Former(
        ("AirbyteMetadataSet",),
        '`spec.metadata["dagster-airbyte/connection_id"]`, `.../connection_name` and'
        " `.../stream_prefix`: the keys are unchanged",
    ),
    Former(
        ("AirbyteCloudResource", "airbyte_cloud_resource"),
        "`AirbyteCloudWorkspace`, which needs a `workspace_id`",
    ),
    Former(
        ("build_airbyte_assets",),
        "`@airbyte_assets(connection_id=..., workspace=...)`, which reads the tables from Airbyte",
    ),
    Former(("airbyte_sync_op", "AirbyteSyncConfig"), _START_JOB),
    Former(
        (
            "AirbyteCoreCacheableAssetsDefinition",
            "AirbyteInstanceCacheableAssetsDefinition",
            "AirbyteYAMLCacheableAssetsDefinition",
            "AirbyteManagedElementCacheableAssetsDefinition",
            "AirbyteWorkspaceDefsLoader",
        ),
        _BUILDER,
    ),
    Former(("BaseAirbyteResource", "AirbyteResourceState"), "`BaseAirbyteWorkspace`"),
    Former(
        (
            "AirbyteManagedElementReconciler",
            "AirbyteSource",
            "AirbyteSyncMode",
            "AirbyteDestinationNamespace",
        ),
        f"{_TERRAFORM}, which creates connections in Airbyte",
    ),
    Former(
        ("load_assets_from_connections",), f"{_BUILDER}, for connections that {_TERRAFORM} creates"
    ),
    Former(
        (
            "BaseAirbyteWorkspaceModel",
            "AirbyteWorkspaceModel",
            "AirbyteCloudWorkspaceModel",
            "AirbyteConnectionSelectorByName",
            "AirbyteConnectionSelectorById",
            "AirbyteComponentTranslator",
            "AirbyteWorkspaceComponentScaffolder",
            "AirbyteScaffolderParams",
            "resolve_airbyte_workspace_type",
            "resolve_connection_selector",
        ),
        "`AirbyteWorkspaceComponent`: override its `get_asset_spec` or `execute`",
    ),
    Former(
        (
            "get_airbyte_connection_table_name",
            "generate_table_schema",
            "generate_materializations",
            "get_translator_from_airbyte_assets",
            "is_basic_normalization_operation",
            "clean_name",
            "AirbyteTableMetadata",
            "DAGSTER_AIRBYTE_TRANSLATOR_METADATA_KEY",
        ),
        "`get_asset_spec(props)` of a `DagsterAirbyteTranslator`, where `props` has `table_name`,"
        " `connection_group` and `json_schema`",
    ),
    Former(
        (
            "AIRBYTE_CLOUD_REST_API_BASE",
            "AIRBYTE_CLOUD_REST_API_BASE_URL",
            "AIRBYTE_CLOUD_REST_API_VERSION",
            "AIRBYTE_CLOUD_CONFIGURATION_API_BASE",
            "AIRBYTE_CLOUD_CONFIGURATION_API_BASE_URL",
            "AIRBYTE_CLOUD_CONFIGURATION_API_VERSION",
            "AIRBYTE_REFRESH_TIMEDELTA_SECONDS",
            "AIRBYTE_RECONSTRUCTION_METADATA_KEY_PREFIX",
            "DEFAULT_POLL_INTERVAL_SECONDS",
        ),
        "the fields of `AirbyteWorkspace` and `AirbyteCloudWorkspace`, and their defaults",
    ),
)

# Names that are here and work, with a warning.
SUPERSEDED = (
    Former(
        ("load_airbyte_cloud_asset_specs",),
        "`load_airbyte_asset_specs`, with the same arguments",
        "load_airbyte_asset_specs",
    ),
    Former(
        ("AirbyteResource", "airbyte_resource"),
        "`AirbyteWorkspace(...)`, with its base URLs",
    ),
    Former(("load_assets_from_airbyte_instance",), _BUILDER),
)

# The arguments of those, and what takes their place.
ARGUMENTS = (
    Former(
        ("host", "port", "use_https"),
        "`rest_api_base_url`, such as `http://airbyte:8000/api/public/v1`, and"
        " `configuration_api_base_url`, such as `http://airbyte:8000/api/v1`",
    ),
    Former(("cancel_sync_on_run_termination",), "`cancel_on_termination`"),
    Former(
        ("request_additional_params",),
        "`request_headers`, `proxies`, `verify`, `request_timeout`, `username` and `password`",
    ),
    Former(
        ("create_assets_for_normalization_tables", "forward_logs"),
        "nothing: they no longer have any effect",
    ),
    Former(
        ("connection_filter",),
        "`connection_selector_fn(connection)`: a connection has `stream_prefix` (`None` if there is"
        " none), `all_streams` and `destination_id`",
    ),
    Former(("key_prefix",), "`key=spec.key.with_prefix(...)` in a translator"),
    Former(("connection_to_asset_key_fn",), "`key` in a translator"),
    Former(
        ("connection_to_group_fn", "connection_meta_to_group_fn"),
        "`group_name` in a translator: the old default is `props.connection_group`",
    ),
    Former(
        ("connection_to_freshness_policy_fn",),
        "`freshness_from_airbyte_schedule=True`, or `freshness_policy` in a translator: a"
        " `dg.FreshnessPolicy`, as Dagster no longer acts on a `LegacyFreshnessPolicy`",
    ),
    Former(("connection_to_auto_materialize_policy_fn",), "`automation_condition` in a translator"),
    Former(
        ("io_manager_key", "connection_to_io_manager_key_fn"),
        "`spec.with_io_manager_key(...)` in a translator",
    ),
)

# Methods of workspaces, clients and resources that are gone.
METHODS = (
    Former(("process_config_and_initialize_cm_cached",), "`with workspace.resolved() as ready:`"),
    Former(("get_job_status",), "`get_client().job(job_id)`, which returns the `Job`"),
    Former(("get_default_workspace",), "`settings().workspace_id`"),
    Former(("get_source_schema",), "`fetch_catalog()`: each connection has its streams"),
    Former(
        ("to_airbyte_connection_table_props_data",),
        "`get_asset_spec(props)` of a `DagsterAirbyteTranslator`, called once for each table",
    ),
    Former(
        ("make_request", "make_request_cached"),
        "`requests`: this package sends no arbitrary requests for you",
    ),
)

_BY_NAME = {name: former for former in (*GONE, *SUPERSEDED) for name in former.names}

# Modules from which dagster-airbyte's names are imported. All of ours are in the package itself.
MODULES = (
    "asset_decorator",
    "asset_defs",
    "components",
    "components.workspace_component",
    "components.workspace_component.component",
    "components.workspace_component.scaffolder",
    "legacy_resources",
    "managed",
    "managed.generated",
    "managed.generated.destinations",
    "managed.generated.sources",
    "managed.reconciliation",
    "managed.types",
    "ops",
    "resources",
    "translator",
    "types",
    "utils",
    "version",
)

# In `dagster_airbyte.managed` and the package itself, other things have these names, too.
_OF_CODE = ("AirbyteConnection", "AirbyteDestination")
_MANAGED = Former(_OF_CODE, f"{_TERRAFORM}, which creates connections in Airbyte")


def former(name: str, module: str = "") -> Former | None:
    """What is known of a name that has a successor, where dagster-airbyte has it.

    `module` is "" for the package itself, or such as "translator". None if the name is not known.
    """
    if module.partition(".")[0] == "managed":
        return _BY_NAME.get(name) if name.startswith("load_") else _MANAGED
    if module == "" and name in _OF_CODE:
        return _MANAGED
    return _BY_NAME.get(name)


def sentence(name: str) -> str | None:
    """What an error says of a name that is not here, or None if it never was one."""
    found = _BY_NAME.get(name)
    if found is None or found in SUPERSEDED:
        return None
    return f"{name} of {THEIRS} is not in {OURS}: use {without_marks(found.instead)}."


def module_sentence(module: str) -> str | None:
    """What an error says of a module that is not here, or None if it never was one."""
    if module not in MODULES or module == "resources":
        return None
    if module.partition(".")[0] == "managed":
        return (
            f"{OURS} has no module {module!r}: connections are made in Airbyte, for example with"
            f" {_TERRAFORM}."
        )
    return (
        f"{OURS} has no module {module!r}: its names are in the package itself,"
        f" from {OURS} import ..."
    )


def without_marks(markdown: str) -> str:
    """The text as it is read outside of Markdown."""
    return markdown.replace("`", "")
