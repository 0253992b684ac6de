"""The code location of the kill test: everything in the workspace of the environment, an asset
that follows one table, and a sensor that syncs what a file asks for."""

import os
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.assets.sync import reporting
from dagster_airbyte_sync.sensors import tick as polling

FOLLOWED = os.environ["FOLLOWED_TABLE"]
DEMANDS = Path(os.environ["DEMANDS"])
EXECUTORS = {"in-process": dg.in_process_executor, "multiprocess": dg.multiprocess_executor}

# So long, in seconds, the job of a run that is over waits for the run's step. A step's last look at
# its run is a second old at most; the rest is for storing one event, which takes tenths of a second
# here (the summary says how late the last was) and half a minute at most elsewhere. Without this
# most of the test would be waiting.
for module in (polling, reporting):
    vars(module)["GRACE"] = 5.0

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
    request_retry_delay=0.05,
    poll_interval=0.2,
    poll_previous_running_sync=True,
)


@dg.asset(deps=[FOLLOWED])
def report() -> int:
    return 1


@dg.sensor(
    asset_selection=dg.AssetSelection.all(),
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def demanded_syncs(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """One run for each line of the file: the connection, then its tables."""
    lines = DEMANDS.read_text().splitlines()
    done = int(context.cursor or 0)
    wanted = enumerate(lines[done:], start=done)
    return dg.SensorResult(
        run_requests=[demanded(number, *line.split()) for number, line in wanted],
        cursor=str(len(lines)),
    )


def demanded(number: int, connection: str, *tables: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"demand:{number}",
        asset_selection=[dg.AssetKey(table) for table in tables],
        # Before the runs that follow a sync, which would keep them waiting.
        tags={"connection": connection, "dagster/priority": "1"},
    )


defs = dg.Definitions.merge(
    build_airbyte_definitions(
        airbyte, minimum_interval_seconds=1, downstream=dg.AssetSelection.assets("report")
    ),
    dg.Definitions([report], sensors=[demanded_syncs], executor=EXECUTORS[os.environ["EXECUTOR"]]),
)
