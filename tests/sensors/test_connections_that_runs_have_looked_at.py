"""How a connection stands is not said again after a run that has said it, and is always shown."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteChecks,
    AirbyteWorkspace,
    build_airbyte_assets_definitions,
    build_airbyte_polling_sensor,
)
from dagster_airbyte_sync.assets.checks.check_settings import CHECKS_OF_CONNECTIONS
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RealClock,
    RecordedRequest,
    SimulatedConnection,
)
from helpers.dagster_private import reads_as_evaluated
from helpers.deployment import Deployment, Tick, deployed

ALL = AirbyteChecks(schema=True, connection=True)
TABLES = ("orders", "users")
CHECKS = [dg.AssetCheckKey(dg.AssetKey(table), name) for table in TABLES for name in ALL.names]
# So long after a look another is due; and not yet.
DUE, SOON = timedelta(minutes=6), timedelta(minutes=1)


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=TABLES, sync_seconds=0.01)


@pytest.fixture(params=["beside", "carried"])
def deployment(
    request: pytest.FixtureRequest,
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    memory: dg.DagsterInstance,
) -> Deployment:
    """A run has just synced and evaluated all its checks."""
    made = deployed(airbyte, memory, checks=ALL)
    deployment = made if request.param == "beside" else carrying(made)
    deployment.tick()
    result = deployment.materialize(*TABLES)
    assert len(result.get_asset_check_evaluations()) == len(CHECKS)
    return deployment


def carrying(made: Deployment) -> Deployment:
    workspace = AirbyteWorkspace(
        **made.airbyte.workspace_config(), poll_interval=0.02, request_retry_delay=0.01
    )
    defs = dg.Definitions(
        assets=build_airbyte_assets_definitions(workspace=workspace, checks=ALL),
        sensors=[build_airbyte_polling_sensor(workspace=workspace)],
        resources={"airbyte": workspace},
    )
    return Deployment(made.airbyte, workspace, defs, made.instance)


def later(deployment: Deployment, by: timedelta = DUE) -> Tick:
    deployment.later += by
    return deployment.tick()


def not_evaluated(deployment: Deployment) -> list[dg.AssetCheckKey]:
    """What Dagster shows no evaluation of."""
    return [each for each in CHECKS if not reads_as_evaluated(deployment.instance, each)]


def test_a_look_after_a_run_stores_nothing(deployment: Deployment) -> None:
    assert [later(deployment).events for _ in range(3)] == [[], [], []]
    assert not_evaluated(deployment) == []


def by_hand(deployment: Deployment) -> None:
    job = dg.define_asset_job("by_hand", dg.AssetSelection.checks(*CHECKS))
    defs = dg.Definitions.merge(deployment.defs, dg.Definitions(jobs=[job]))
    run = defs.resolve_job_def("by_hand").execute_in_process(instance=deployment.instance)
    assert len(run.get_asset_check_evaluations()) == len(CHECKS)


def test_nor_does_one_after_they_were_evaluated_by_hand(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    deployment.airbyte.run_sync(shop)
    later(deployment)
    by_hand(deployment)

    assert later(deployment).events == []
    assert not_evaluated(deployment) == []


def test_but_one_does_if_a_table_was_materialized_while_they_were(
    deployment: Deployment,
) -> None:
    """Dagster takes down what was the last materialization as the step begins."""

    def materialize(request: RecordedRequest) -> None:
        if request.path.endswith("/connections/get"):
            orders = dg.AssetMaterialization("orders")
            deployment.instance.report_runless_asset_event(orders)

    deployment.airbyte.on_request(materialize)
    # Dagster has the time of an evaluation to the second.
    deployment.airbyte.add_fault(Fault.slow(1.1), path="/connections/get")
    by_hand(deployment)

    later(deployment)

    hidden = not_evaluated(deployment)
    assert [each for each in hidden if each.name in CHECKS_OF_CONNECTIONS] == []


@pytest.mark.parametrize("by", [SOON, DUE], ids=["before a look", "with a look"])
def test_all_is_shown_behind_the_next_sync_that_no_run_has_started(
    deployment: Deployment, shop: SimulatedConnection, by: timedelta
) -> None:
    later(deployment)
    deployment.airbyte.run_sync(shop)

    later(deployment, by)

    assert not_evaluated(deployment) == []
    assert later(deployment).events == []
    assert not_evaluated(deployment) == []


@pytest.mark.parametrize("by", [SOON, DUE], ids=["before a look", "with a look"])
@pytest.mark.parametrize("crash_after", [2, 5])
def test_and_also_if_the_tick_died_that_reported_it(
    deployment: Deployment, shop: SimulatedConnection, by: timedelta, crash_after: int
) -> None:
    later(deployment)
    deployment.airbyte.run_sync(shop)
    deployment.later += by
    deployment.tick(crash_after=crash_after)

    deployment.tick()
    later(deployment)

    assert not_evaluated(deployment) == []
    assert later(deployment).events == []
