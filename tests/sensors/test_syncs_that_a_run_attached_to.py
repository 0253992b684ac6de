"""A sync that a run found running, and reported: the sensor reports what the run left out."""

import threading
from collections.abc import Iterator

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedConnection
from helpers.deployment import Deployment
from helpers.job_process import wait_until_followed


@dg.asset(deps=["orders"])
def report() -> None: ...


@pytest.fixture
def live() -> Iterator[AirbyteSimulator]:
    """An Airbyte for runs, which wait in real time."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(live: AirbyteSimulator) -> SimulatedConnection:
    return live.add_connection("shop", streams=["orders"])


@pytest.fixture
def deployment(
    live: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> Deployment:
    """Its last tick reported of a sync that failed."""
    workspace = AirbyteWorkspace(
        **live.workspace_config(), poll_interval=0.02, on_active_sync="attach"
    )
    built = build_airbyte_definitions(workspace, downstream=dg.AssetSelection.assets("report"))
    only_tables = dg.AssetSelection.assets("orders").without_checks()
    jobs = [dg.define_asset_job("without_checks", only_tables)]
    defs = dg.Definitions.merge(built, dg.Definitions(assets=[report], jobs=jobs))
    deployment = Deployment(live, workspace, defs, instance)
    live.fail(live.start_sync(shop), reason="password expired")
    assert checks_of(deployment) == [False, False]
    return deployment


def checks_of(deployment: Deployment) -> list[bool]:
    events = deployment.tick().events
    return [event.passed for event in events if isinstance(event, dg.AssetCheckEvaluation)]


def attach_to(airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment) -> int:
    """A run without checks that finds the sync running, follows and reports it: its job's id."""
    job = airbyte.begin(airbyte.start_sync(shop))

    def end_it_when_it_is_followed() -> None:
        wait_until_followed(airbyte)
        airbyte.succeed(job)

    ends = threading.Thread(target=end_it_when_it_is_followed)
    ends.start()
    run = deployment.defs.resolve_job_def("without_checks")
    assert run.execute_in_process(instance=deployment.instance).success
    ends.join()
    assert deployment.reported("orders") == [job.job_id]
    return job.job_id


def test_its_check_turns_green_by_the_sensor(
    live: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    attach_to(live, shop, deployment)
    assert checks_of(deployment) == [True, True]
    assert checks_of(deployment) == []


def test_it_requests_no_run_of_what_is_downstream_as_no_sync_does_that_a_run_reported(
    live: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    attach_to(live, shop, deployment)
    assert deployment.tick().requests == []
