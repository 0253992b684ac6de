"""What Airbyte has and the definitions do not know yet: reported, or said aloud."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    build_airbyte_definitions,
)
from dagster_airbyte_sync.assets.tables.keys import JOB_ID, int_in
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, RealClock, SimulatedConnection
from helpers.deployment import Deployment, deployed
from helpers.simulated import clock_from_now

NEWER = "has streams that are newer than the definitions"


class Prefixed(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return super().get_asset_spec(props).replace_attributes(key=["raw", props.table_name])


@pytest.fixture
def shop(either: AirbyteSimulator) -> SimulatedConnection:
    return either.add_connection("shop", streams=["orders"])


@pytest.fixture
def deployment(
    either: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> Deployment:
    return deployed(either, instance, checks=True, dagster_airbyte_translator=Prefixed())


def reloaded(deployment: Deployment, **options: Any) -> None:
    """The code location is loaded again, in a process that remembers nothing."""
    workspace = AirbyteWorkspace(
        **deployment.airbyte.workspace_config(), catalog_ttl=299, request_retry_delay=0.01
    )
    usual = {"checks": True, "dagster_airbyte_translator": Prefixed()}
    deployment.workspace = workspace
    deployment.defs = build_airbyte_definitions(workspace, **{**usual, **options})


def reported(deployment: Deployment, name: str) -> list[int | None]:
    events = deployment.instance.fetch_materializations(dg.AssetKey(["raw", name]), limit=100)
    found = [r.asset_materialization for r in reversed(events.records)]
    return [int_in(each.metadata, JOB_ID) for each in found if each]


def test_a_stream_added_since_is_reported_by_the_sensor_and_its_asset_finds_its_history(
    either: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment.tick()
    deployment.wait(timedelta(hours=2))
    either.update_connection(shop, streams=["orders", "returns"])
    jobs = []
    for _ in range(3):
        jobs.append(either.run_sync(shop).job_id)
        deployment.tick()
        deployment.wait(timedelta(hours=1))
    assert f"Connection 'shop' {NEWER}" in (said := capsys.readouterr().err)
    assert "reported as: raw/returns" in said

    reloaded(deployment)
    jobs.append(either.run_sync(shop).job_id)
    after = deployment.tick()
    deployment.cursor = None
    again = deployment.tick()

    assert reported(deployment, "orders") == reported(deployment, "returns") == jobs
    assert [name for name, _ in after.materialized] == ["raw/orders", "raw/returns"]
    # Of what was reported while the asset had no check, the last is no news.
    assert again.events == []
    assert NEWER not in capsys.readouterr().err


@pytest.mark.parametrize("fault", [Fault.status(503), Fault.status(401), Fault.html()])
def test_a_list_of_connections_that_cannot_be_read_just_then_loses_no_newer_table(
    either: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, fault: Fault
) -> None:
    deployment.tick()
    either.update_connection(shop, streams=["orders", "returns"])
    deployment.wait(timedelta(minutes=1))
    job = either.run_sync(shop)
    either.add_fault(fault, path="/connections", times=None)
    assert deployment.tick().events == []

    either.clear_faults()
    deployment.wait(timedelta(minutes=1))
    deployment.tick()

    assert reported(deployment, "orders") == reported(deployment, "returns") == [job.job_id]


def test_nor_does_one_that_cannot_be_read_though_its_connection_can(
    instance: dg.DagsterInstance,
) -> None:
    with AirbyteSimulator(configuration_api=False, clock=clock_from_now()) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        deployment = deployed(airbyte, instance, dagster_airbyte_translator=Prefixed())
        deployment.tick()
        airbyte.update_connection(shop, streams=["orders", "returns"])
        deployment.wait(timedelta(minutes=1))
        job = airbyte.run_sync(shop)
        airbyte.add_fault(Fault.status(503), path="/public/v1/connections", times=None, after=1)
        assert deployment.tick().events == []

        airbyte.clear_faults()
        deployment.wait(timedelta(minutes=1))
        deployment.tick()

    assert reported(deployment, "returns") == [job.job_id]


@pytest.mark.parametrize("is_open", [True, False])
def test_a_list_that_stays_unreadable_delays_its_syncs_by_minutes_and_no_other_connection(
    instance: dg.DagsterInstance, is_open: bool
) -> None:
    with AirbyteSimulator(configuration_api=is_open, clock=clock_from_now()) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        delays_its_syncs(airbyte, shop, instance, is_open=is_open)


def delays_its_syncs(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    *,
    is_open: bool,
) -> None:
    crm = airbyte.add_connection("crm", streams=["people"])
    deployment = deployed(airbyte, instance, dagster_airbyte_translator=Prefixed())
    deployment.tick()
    # Where its jobs name no streams, each connection that synced is asked for.
    path = "/connections" if is_open else f"/connections/{shop.connection_id}"
    airbyte.update_connection(shop, streams=["orders", "returns"])
    airbyte.add_fault(Fault.status(503), path=path, times=None)
    jobs = []
    for _ in range(3):
        deployment.wait(timedelta(minutes=1))
        jobs.append(airbyte.run_sync(shop).job_id)
        other = airbyte.run_sync(crm)
        deployment.tick()
        assert reported(deployment, "people")[-1] == other.job_id
        assert reported(deployment, "orders") == []

    deployment.wait(timedelta(minutes=4))
    deployment.tick()

    assert reported(deployment, "orders") == jobs


def test_a_refresh_of_the_new_stream_alone_is_reported(
    either: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    deployment.tick()
    either.update_connection(shop, streams=["orders", "returns"])
    deployment.wait(timedelta(minutes=10))
    job = either.run_refresh(shop, ["returns"])

    deployment.tick()

    assert reported(deployment, "returns") == [job.job_id]


@pytest.mark.parametrize("whose", ["of another connection", "of somebody else"])
def test_not_under_a_key_that_stands_for_something_else(
    either: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    capsys: pytest.CaptureFixture[str],
    whose: str,
) -> None:
    if whose == "of another connection":
        either.add_connection("crm", streams=["returns"])
        deployment = deployed(either, instance)
    else:
        # Not one of ours that could be meant: a table of the same name that somebody else makes.
        mine = dg.AssetsDefinition(
            specs=[
                dg.AssetSpec(
                    "returns",
                    metadata={
                        "dagster-airbyte/connection_id": "another",
                        "dagster-airbyte/stream_name": "returns",
                    },
                )
            ]
        )
        deployment = deployed(either, instance, mine)
    deployment.tick()
    either.update_connection(shop, streams=["orders", "returns"])
    deployment.wait(timedelta(minutes=10))
    job = either.run_sync(shop)

    deployment.tick()

    assert deployment.reported_all(["orders", "returns"]) == {"orders": [job.job_id], "returns": []}
    assert "stand for something else" in capsys.readouterr().err


def test_two_new_streams_with_one_key_are_not_reported_as_one(
    either: AirbyteSimulator, instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one connection or in two."""
    shop, crm = (either.add_connection(name, streams=[name]) for name in ("shop", "crm"))
    deployment = deployed(either, instance)
    deployment.tick()
    for connection in (shop, crm):
        either.update_connection(connection, streams=[connection.name, "returns"])
    deployment.wait(timedelta(minutes=10))
    jobs = [either.run_sync(connection).job_id for connection in (shop, crm)]

    deployment.tick()

    assert deployment.reported_all(["shop", "crm"]) == {"shop": [jobs[0]], "crm": [jobs[1]]}
    assert len(deployment.reported("returns")) <= 1
    assert "stand for something else" in capsys.readouterr().err


def test_of_many_connections_each_is_not_asked_by_itself_what_it_syncs_now(
    instance: dg.DagsterInstance,
) -> None:
    """The public API does not say which streams a job was of."""
    with AirbyteSimulator(configuration_api=False) as airbyte:
        names = [f"table_{number}" for number in range(40)]
        connections = [airbyte.add_connection(name, streams=[name]) for name in names]
        deployment = deployed(airbyte, instance)
        deployment.tick()
        deployment.wait(timedelta(minutes=3))
        airbyte.update_connection(connections[-1], streams=[names[-1], "newer"])
        jobs = {connection.name: airbyte.run_sync(connection) for connection in connections}

        tick = deployment.tick()

    assert dict(tick.materialized) == {name: job.job_id for name, job in jobs.items()} | {
        "newer": jobs[names[-1]].job_id
    }
    assert tick.sent < 20


@pytest.fixture
def live() -> Iterator[AirbyteSimulator]:
    """An Airbyte whose syncs end by themselves."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.3)
        yield airbyte


@pytest.mark.parametrize("is_open", [True, False], ids=["configuration", "public"])
def test_a_stream_added_since_is_reported_by_the_run_that_syncs_it(
    live: AirbyteSimulator, instance: dg.DagsterInstance, is_open: bool
) -> None:
    if not is_open:
        live.add_fault(Fault.status(403), path="/api/v1/", times=None)
    deployment = deployed(live, instance, dagster_airbyte_translator=Prefixed())
    live.update_connection(live.connection("shop"), streams=["orders", "returns"])
    job = deployment.defs.resolve_implicit_global_asset_job_def()

    result = job.execute_in_process(instance=instance)
    ticks = [deployment.tick() for _ in range(2)]

    (synced,) = live.jobs
    assert reported(deployment, "orders") == reported(deployment, "returns") == [synced.job_id]
    assert [tick.materialized for tick in ticks] == [[], []]
    said = "\n".join(entry.user_message for entry in instance.all_logs(result.run_id))
    assert f"Connection 'shop' {NEWER}" in said
    assert "reported as: raw/returns" in said


def test_a_connection_that_was_deleted_and_made_again_is_named(
    either: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Under its name it has another id: until the reload its syncs are not reported."""
    deployment.tick()
    deployment.wait(timedelta(hours=1))
    either.delete_connection(shop)
    again = either.add_connection("shop", streams=["orders"])
    deployment.wait(timedelta(hours=1))
    either.run_sync(again)
    deployment.tick()

    said = capsys.readouterr().err
    assert "Connection 'shop' was deleted in Airbyte and created again" in said
    assert "and only those that end after the reload" in said
    assert again.connection_id in said
    assert reported(deployment, "orders") == []

    reloaded(deployment)
    deployment.wait(timedelta(minutes=20))
    job = either.run_sync(again)
    deployment.tick()

    assert reported(deployment, "orders") == [job.job_id]
    assert "made again" not in capsys.readouterr().err
