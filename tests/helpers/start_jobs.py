"""Runs of a start job, and what became of its syncs."""

import dagster as dg

from dagster_airbyte_sync import build_airbyte_start_job
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import Deployment

SHOP = ["orders", "users"]
JOBS = "/api/public/v1/jobs"


def start(deployment: Deployment, **options: object) -> dg.ExecuteInProcessResult:
    job = build_airbyte_start_job(workspace=deployment.workspace, **options)  # type: ignore[arg-type]
    return job.execute_in_process(
        instance=deployment.instance,
        resources={"airbyte": deployment.workspace},
        raise_on_error=False,
    )


def starts(airbyte: AirbyteSimulator) -> int:
    return sum((r.method, r.path) == ("POST", JOBS) for r in airbyte.requests)


def finish_all(airbyte: AirbyteSimulator) -> None:
    airbyte.advance(60)
    assert all(job.is_finished for job in airbyte.jobs)


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    (failed,) = result.filter_events(lambda event: event.is_step_failure)
    data = failed.step_failure_data.user_failure_data
    assert data is not None
    return data.description or ""


def lines(instance: dg.DagsterInstance, run_id: str) -> str:
    return "\n".join(entry.user_message for entry in instance.all_logs(run_id))


def shown(deployment: Deployment, name: str) -> dict[str, object]:
    return {key: value.value for key, value in deployment.last(name).metadata.items()}
