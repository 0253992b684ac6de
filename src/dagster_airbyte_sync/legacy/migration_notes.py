"""What the warning of the former loader says: the new call, and what replaces what was given.

Pure. No value but the workspace's id is part of it: values may be secrets.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster_airbyte_sync.legacy.former_names import GUIDE
from dagster_airbyte_sync.legacy.new_settings import settings_for_requests

# The loader's arguments, and what get_asset_spec sets instead.
_IN_TRANSLATOR = {
    "key_prefix": "key",
    "connection_to_asset_key_fn": "key",
    "connection_to_group_fn": "group_name (by default it was props.connection_group)",
    "connection_meta_to_group_fn": "group_name",
    "io_manager_key": "with_io_manager_key(...)",
    "connection_to_io_manager_key_fn": "with_io_manager_key(...)",
    "connection_to_freshness_policy_fn": "freshness_policy",
    "connection_to_auto_materialize_policy_fn": "automation_condition",
}


def migration_notes(
    arguments: Mapping[str, Any], fields: Mapping[str, Any], workspace_id: str
) -> str:
    """The text of the warning.

    Args:
        arguments: Those of the loader, by name. What is empty was not given.
        fields: Those of the AirbyteResource.
        workspace_id: The workspace that was loaded.
    """
    call = ["workspace=AirbyteWorkspace(...)"]
    notes = [f"AirbyteWorkspace: {'; '.join(_workspace_notes(fields, workspace_id))}."]
    if arguments["connection_filter"]:
        call.append("connection_selector_fn=...")
        notes.append("connection_filter is now connection_selector_fn.")
    changes = [f"{name} -> {new}" for name, new in _IN_TRANSLATOR.items() if arguments[name]]
    if changes:
        call.append("dagster_airbyte_translator=...")
        notes.append(f"get_asset_spec of a DagsterAirbyteTranslator: {'; '.join(changes)}.")
    if arguments["checks"]:
        call.append("checks=...")
    summary = (
        "load_assets_from_airbyte_instance and AirbyteResource are from before Airbyte's"
        f" workspaces. Use build_airbyte_assets_definitions({', '.join(call)}). From old to new on"
        f" one page: {GUIDE}"
    )
    return "\n- ".join([summary, *notes])


def _workspace_notes(fields: Mapping[str, Any], workspace_id: str) -> Iterator[str]:
    yield f'workspace_id="{workspace_id}"'
    yield (
        "host, port, use_https -> rest_api_base_url (.../api/public/v1) and"
        " configuration_api_base_url (.../api/v1)"
    )
    if fields["cancel_sync_on_run_termination"] is not None:
        yield "cancel_sync_on_run_termination -> cancel_on_termination"
    if settings := settings_for_requests(fields["request_additional_params"]):
        yield f"request_additional_params -> {', '.join(settings)}"
    yield "all other fields keep their names"
