"""Real runs in processes of their own: they sync, and terminated they cancel what is theirs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedConnection
from helpers.job_process import (
    JobProcess,
    is_reported,
    last_job_reported,
    only_run,
    wait_until_followed,
)
from helpers.variables import variables

LOCATION = Path(__file__).parent / "location.py"
EXAMPLE = Path(__file__).parents[2] / "examples" / "on_demand_assets.py"
Run = Callable[..., JobProcess]

both_executors = pytest.mark.parametrize("executor", ["one process", "many"])


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders", "users"], sync_seconds=0.2)


@pytest.fixture
def run(airbyte: AirbyteSimulator, tmp_path: Path) -> Iterator[Run]:
    """Starts a run of all assets of a file."""
    started: list[JobProcess] = []

    def start(file: Path, executor: str = "", cancel: str = "true") -> JobProcess:
        environ = {
            "EXECUTOR": executor,
            "CANCEL_ON_TERMINATION": cancel,
            **variables(airbyte.workspace_config()),
        }
        started.append(JobProcess(file, "sync_all", tmp_path, environ))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def test_the_example_syncs_in_a_process_for_each_step_and_what_follows_goes_on(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, run: Run, tmp_path: Path
) -> None:
    run(EXAMPLE).end()

    (job,) = airbyte.jobs
    assert only_run(tmp_path).status is dg.DagsterRunStatus.SUCCESS
    assert [last_job_reported(tmp_path, table) for table in ("orders", "users")] == [job.job_id] * 2
    assert is_reported(tmp_path, "revenue")


@both_executors
def test_a_terminated_run_cancels_its_sync(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, run: Run, tmp_path: Path, executor: str
) -> None:
    airbyte.plan(shop, outcome="never")
    process = run(LOCATION, executor)
    wait_until_followed(airbyte)
    process.interrupt()

    (job,) = airbyte.jobs
    assert job.status == "cancelled"
    assert only_run(tmp_path).is_finished
    assert last_job_reported(tmp_path, "orders") is None


def test_a_terminated_run_leaves_its_sync_alone_if_that_is_wanted(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, run: Run
) -> None:
    airbyte.plan(shop, outcome="never")
    process = run(LOCATION, "one process", cancel="false")
    wait_until_followed(airbyte)
    process.interrupt()

    assert [job.status for job in airbyte.jobs] == ["running"]
