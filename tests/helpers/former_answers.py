"""What the client of a workspace answers to the calls that dagster-airbyte has, as plain JSON.

Also a program, for an environment in which only dagster-airbyte is installed. The argument is the
package, a connection with one finished job, its destination, that job, and another connection.
"""

import importlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

JOB = ("id", "status", "type", "connection_id", "start_time", "last_updated_at", "duration")
LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)


def answers(package: str, environ: Mapping[str, str], *ids: str) -> dict[str, Any]:
    finished, destination, job, idle = ids
    module = importlib.import_module(package)
    names = module.AirbyteWorkspace.model_fields
    settings = {
        name: environ[f"AIRBYTE_{name.upper()}"]
        for name in names
        if f"AIRBYTE_{name.upper()}" in environ
    }
    workspace = module.AirbyteWorkspace(**settings)
    client = workspace.get_client()
    client.validate_workspace_id()
    jobs = client.get_jobs_for_connection(finished, created_after=LONG_AGO)
    data = workspace.fetch_airbyte_workspace_data()
    before = {
        "connections": sorted(client.get_connections(), key=lambda row: str(row["connectionId"])),
        "connection": client.get_connection_details(finished),
        "destination": client.get_destination_details(destination),
        "job": client.get_job_details(int(job)),
        "jobs": [[str(getattr(each, name)) for name in JOB] for each in jobs],
        "rows": [each.rows_synced for each in jobs],
        "streams": {
            each.id: {name: stream.selected for name, stream in each.streams.items()}
            for each in data.connections_by_id.values()
        },
        "destinations": {each.id: each.type for each in data.destinations_by_id.values()},
    }
    started = client.start_sync_job(idle)
    cancelled = client.cancel_job(started["jobId"])
    return {
        **before,
        "started": sorted(started),
        "cancelled": [cancelled["status"], len(cancelled)],
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    print(json.dumps(answers(sys.argv[1], os.environ, *sys.argv[2:])))
