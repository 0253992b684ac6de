"""What tests and alerts notice of a package for Airbyte, as plain JSON.

Also a program, for an environment in which only dagster-airbyte is installed: its arguments are the
package, a connection whose syncs fail, and one that is busy.
"""

import importlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

_HOST = ("AIRBYTE_HOST", "AIRBYTE_PORT", "AIRBYTE_USERNAME", "AIRBYTE_PASSWORD")


def noticed(package: str, environ: Mapping[str, str], failing: str, busy: str) -> dict[str, Any]:
    module = importlib.import_module(package)
    settings = {
        name: environ[f"AIRBYTE_{name.upper()}"]
        for name in module.AirbyteWorkspace.model_fields
        if f"AIRBYTE_{name.upper()}" in environ
    }
    workspace = module.AirbyteWorkspace(**settings, poll_interval=0.1, request_max_retries=0)
    nowhere = {**settings, "rest_api_base_url": "http://127.0.0.1:9/api/public/v1"}
    nowhere["configuration_api_base_url"] = "http://127.0.0.1:9/api/v1"
    down = module.AirbyteWorkspace(**nowhere, request_max_retries=0)
    host, port, user, password = (environ[name] for name in _HOST)
    resource = {"host": host, "port": port, "username": user, "password": password}
    return {
        "failed_sync": _failure(_assets(module, workspace, failing), workspace),
        "busy": _failure(_assets(module, workspace, busy), workspace),
        "unknown_connection": _outcome(lambda: _assets(module, workspace, "no-such-connection")),
        "none_selected": _outcome(
            lambda: module.build_airbyte_assets_definitions(
                workspace=workspace, connection_selector_fn=lambda connection: False
            )
        ),
        "down": _outcome(lambda: module.load_airbyte_asset_specs(down)),
        "legacy_loader_down": _outcome(
            lambda: module.load_assets_from_airbyte_instance(
                module.AirbyteResource(**{**resource, "port": "9"}, request_max_retries=0)
            )
        ),
    }


def _assets(module: Any, workspace: Any, connection_id: str) -> dg.AssetsDefinition:
    @module.airbyte_assets(  # type: ignore[untyped-decorator]
        connection_id=connection_id, workspace=workspace, name="synced"
    )
    def synced(context: dg.AssetExecutionContext, airbyte: dg.ResourceParam[Any]) -> Any:
        yield from airbyte.sync_and_poll(context=context)

    made: dg.AssetsDefinition = synced
    return made


def _outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "loads"


def _failure(assets: dg.AssetsDefinition, workspace: Any) -> str:
    """What the failed step of a run says first."""
    result = dg.materialize([assets], resources={"airbyte": workspace}, raise_on_error=False)
    (failed,) = (event for event in result.all_events if event.is_step_failure)
    data = failed.step_failure_data
    return str(data.user_failure_data.description if data.user_failure_data else data.error)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    print(json.dumps(noticed(sys.argv[1], os.environ, *sys.argv[2:])))
