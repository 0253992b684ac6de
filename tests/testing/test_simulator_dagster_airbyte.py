"""dagster-airbyte's own client works against the simulator.

It pins a version of Dagster, so it lives in an environment of its own: DAGSTER_AIRBYTE_PYTHON is
the path of that environment's Python.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock, SimulatedStream

PYTHON = os.environ.get("DAGSTER_AIRBYTE_PYTHON")
pytestmark = pytest.mark.skipif(
    not PYTHON, reason="DAGSTER_AIRBYTE_PYTHON does not name a Python with dagster-airbyte"
)

PROGRAM = """
import json, logging, sys
from dagster_airbyte import AirbyteWorkspace, load_airbyte_asset_specs

logging.disable(logging.CRITICAL)
settings = json.loads(sys.argv[1])
connection_id = settings.pop("connection_id")
workspace = AirbyteWorkspace(**settings, poll_interval=0.01, request_retry_delay=0.01)
specs = load_airbyte_asset_specs(workspace=workspace)
with workspace.process_config_and_initialize_cm_cached() as ready:
    output = ready.get_client().sync_and_poll(connection_id)
print(json.dumps({
    "specs": {
        spec.key.to_user_string(): spec.metadata["dagster-airbyte/connection_name"]
        for spec in specs
    },
    "kinds": sorted({kind for spec in specs for kind in spec.kinds}),
    "job": output.job_details,
}))
"""


@pytest.mark.parametrize("auth", ["oauth", "basic", "none"])
def test_it_loads_specs_and_syncs_a_connection(auth: Literal["oauth", "basic", "none"]) -> None:
    """Every request takes a second of simulated time, so that polling comes to an end."""
    with AirbyteSimulator(auth=auth, clock=SimulatedClock(step=1)) as airbyte:
        hidden = SimulatedStream("hidden", selected=False)
        shop = airbyte.add_connection("shop", ["orders", "users", hidden], prefix="raw_")
        seen = run({**airbyte.workspace_config(), "connection_id": shop.connection_id})
        [job] = airbyte.jobs
    assert seen["specs"] == {"raw_orders": "shop", "raw_users": "shop"}
    assert seen["kinds"] == ["airbyte", "postgres"]
    assert (seen["job"]["jobId"], seen["job"]["rowsSynced"]) == (job.job_id, 20)
    assert (seen["job"]["status"], job.status) == ("succeeded", "succeeded")


def run(settings: Mapping[str, object]) -> Any:
    assert PYTHON
    command = [PYTHON, "-c", PROGRAM, json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
