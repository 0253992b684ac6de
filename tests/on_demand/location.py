"""Assets that sync, for runs in processes of their own; `EXECUTOR` says in how many."""

import os

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.assets.sync import reporting

# Of two runs that follow one sync, the second waits so long (seconds) for the first if that is
# over. The tests are about what comes after the half minute that it takes elsewhere.
vars(reporting)["GRACE"] = 3.0

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    poll_interval=0.1,
    on_active_sync="attach",
    cancel_on_termination=os.environ["CANCEL_ON_TERMINATION"] == "true",
)


@dg.asset(deps=["orders"])
def revenue() -> None: ...


executors = {"one process": dg.in_process_executor, "many": dg.multiprocess_executor}

defs = dg.Definitions.merge(
    build_airbyte_definitions(airbyte, checks=False),
    dg.Definitions(
        [revenue],
        jobs=[dg.define_asset_job("sync_all", selection=dg.AssetSelection.all())],
        executor=executors[os.environ["EXECUTOR"]],
    ),
)
