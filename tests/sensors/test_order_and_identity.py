"""Sequences in which an event could be lost, repeated or reported in the wrong order."""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, Connection, build_airbyte_polling_sensor
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import Deployment, deployed, version_of

Deploy = Callable[..., Deployment]


def test_after_a_backfill_a_lost_cursor_still_repeats_nothing(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    old = []
    for hours in (30, 20):
        ended = airbyte.now - timedelta(hours=hours)
        old.append(airbyte.add_finished_job(shop, created_at=ended, updated_at=ended, rows=1))
    recent = airbyte.run_sync(shop)
    deployment = deployed(airbyte, instance)
    deployment.tick()

    backfill = deployed(airbyte, instance, start_from=timedelta(days=2))
    for _ in range(3):
        backfill.tick()
        backfill.cursor = None

    reported = [job.job_id for job in (recent, *old)]
    assert deployment.reported("orders") == reported
    assert backfill.last("orders").tags == {"dagster/data_version": version_of(recent)}


def test_a_changed_prefix_does_not_lose_the_tables_that_are_defined(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    airbyte.update_connection(shop, prefix="raw_", name="renamed")
    deployment.workspace.get_client().catalog(fresh=True)
    job = airbyte.run_sync(shop)

    deployment.tick()

    assert deployment.reported("orders") == [job.job_id]


def test_assets_that_were_not_made_by_this_package_are_found_by_their_key(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders", "users"])

    @dg.asset
    def orders() -> None: ...

    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    defs = dg.Definitions(
        [orders],
        sensors=[build_airbyte_polling_sensor(workspace=workspace)],
        resources={"airbyte": workspace},
    )
    job = airbyte.run_sync(shop)

    tick = Deployment(airbyte, workspace, defs, instance).tick()

    assert tick.materialized == [("orders", job.job_id), ("users", job.job_id)]


def test_a_selector_that_raises_stops_only_its_connection_and_only_until_it_is_mended(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    crm = airbyte.add_connection("crm", streams=["leads"])
    broken = False

    def select(connection: Connection) -> bool:
        if broken and connection.name == "crm":
            raise KeyError("tags")
        return True

    deployment = deployed(airbyte, instance, connection_selector_fn=select)
    broken = True
    jobs = [airbyte.run_sync(crm).job_id, airbyte.run_sync(shop).job_id]

    first = deployment.tick().materialized
    broken = False
    seen = deployment.tick()
    second = deployment.tick().materialized

    assert (first, seen.materialized, second) == (
        [("orders", jobs[1])],
        [],
        [("leads", jobs[0])],
    )


def test_a_job_number_of_another_airbyte_is_not_taken_for_reported(
    instance: dg.DagsterInstance,
) -> None:
    for _ in range(2):
        with AirbyteSimulator() as airbyte:
            shop = airbyte.add_connection("shop", streams=["orders"])
            deployment = deployed(airbyte, instance)
            assert airbyte.run_sync(shop).job_id == 1
            deployment.tick()

    assert deployment.reported("orders") == [1, 1]


def test_one_clock_that_is_ahead_loses_no_other_job(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    crm = airbyte.add_connection("crm", streams=["leads"])
    deployment = deploy()
    deployment.tick()
    ahead = airbyte.now + timedelta(minutes=10)
    early = airbyte.add_finished_job(shop, created_at=airbyte.now, updated_at=ahead, rows=1)
    deployment.tick()
    airbyte.advance(timedelta(minutes=1))
    job = airbyte.run_sync(crm)

    for _ in range(3):
        deployment.tick()
        airbyte.advance(timedelta(minutes=6))

    assert deployment.reported_all(["orders", "leads"]) == {
        "orders": [early.job_id],
        "leads": [job.job_id],
    }


def test_a_check_shows_the_last_sync_even_after_a_tick_that_died(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deployed(airbyte, instance, checks=True)
    airbyte.fail(airbyte.start_sync(shop), reason="no")
    airbyte.advance(timedelta(seconds=60))
    airbyte.run_sync(shop)

    # Both checks of each of the two.
    deployment.tick(crash_after=4)
    deployment.cursor = None
    again = deployment.tick()

    checks = [event for event in again.events if isinstance(event, dg.AssetCheckEvaluation)]
    assert [check.passed for check in checks] == []
