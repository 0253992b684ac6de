"""A clear or refresh of some streams is reported on their tables, and on no others."""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.tables.keys import CHECK_NAME, VERDICT, text_in
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import Deployment, Tick, deployed

Deploy = Callable[..., Deployment]


@pytest.fixture
def deployment(airbyte: AirbyteSimulator, deploy: Deploy) -> Deployment:
    """Tables whose last sync failed, so that their checks are red."""
    shop = airbyte.add_connection("shop", streams=["orders", "users"])
    deployment = deploy(checks=True)
    airbyte.fail(airbyte.start_sync(shop))
    assert checks(deployment.tick()) == {"orders": "failed", "users": "failed"}
    airbyte.advance(timedelta(minutes=1))
    return deployment


def checks(tick: Tick) -> dict[str, str | None]:
    """What the check of each table says of its last sync."""
    return {
        event.asset_key.to_user_string(): text_in(event.metadata, VERDICT)
        for event in tick.events
        if isinstance(event, dg.AssetCheckEvaluation) and event.check_name == CHECK_NAME
    }


def test_a_clear_of_a_stream_that_is_gone_turns_no_red_check_green(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    airbyte.run_clear(airbyte.connection("shop"), ["gone"])
    assert deployment.tick().events == []


def test_a_clear_of_a_stream_that_was_just_removed_is_reported_on_no_other(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    shop = airbyte.connection("shop")
    airbyte.update_connection(shop, streams=["orders"])
    airbyte.run_clear(shop, ["users"])
    assert {event.asset_key.to_user_string() for event in deployment.tick().events} == {"users"}


def test_a_clear_of_one_stream_is_reported_on_its_table(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    airbyte.run_clear(airbyte.connection("shop"), ["users"])
    tick = deployment.tick()
    assert checks(tick) == {"users": "cleared"}
    assert [type(event) for event in tick.events[1:]] == [dg.AssetObservation]


def test_a_refresh_of_one_stream_makes_its_table_fresh(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    job = airbyte.run_refresh(airbyte.connection("shop"), ["orders"])
    tick = deployment.tick()
    assert tick.materialized == [("orders", job.job_id)]
    assert checks(tick) == {"orders": "succeeded"}


def test_what_syncs_along_with_a_refresh_is_fresh_too(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    job = airbyte.run_refresh(airbyte.connection("shop"), ["orders"], rest=True)
    assert deployment.tick().materialized == [("orders", job.job_id), ("users", job.job_id)]


@pytest.mark.parametrize("streams", [["orders", "users"], ["orders"]])
def test_a_clear_of_which_airbyte_does_not_say_the_streams_turns_no_red_check_green(
    instance: dg.DagsterInstance, streams: list[str]
) -> None:
    """But that of the only table a connection has."""
    with AirbyteSimulator(configuration_api=False) as airbyte:
        shop = airbyte.add_connection("shop", streams=streams)
        deployment = deployed(airbyte, instance, checks=True)
        airbyte.fail(airbyte.start_sync(shop))
        deployment.tick()
        airbyte.advance(timedelta(minutes=1))
        airbyte.run_clear(shop, ["orders"])

        tick = deployment.tick()

    assert checks(tick) == ({} if len(streams) > 1 else {"orders": "cleared"})
    observed = [e.asset_key.to_user_string() for e in tick.events if type(e) is dg.AssetObservation]
    assert observed == streams
