"""One run once all members have synced, and not before."""

from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.deployment import deployed
from helpers.downstream import DOWNSTREAM, forecast, names
from helpers.when_all import Deploy, Triggered, triggered

pytestmark = pytest.mark.usefixtures("sources")

ALL = ["shop", "crm", "billing"]


@pytest.fixture
def nightly(deploy: Deploy) -> Triggered:
    return triggered(deploy, *DOWNSTREAM, members=ALL)


def test_it_starts_once_when_all_are_in(nightly: Triggered) -> None:
    waits = []
    for name in ALL[:2]:
        nightly.sync(name)
        waits.append(nightly.tick())
    assert [tick.requests for tick in waits] == [[], []]

    nightly.sync("billing")
    (request,) = nightly.tick().requests

    assert names(request) == ["forecast", "funnel", "revenue"]
    assert nightly.tick().requests == []


def test_each_round_has_a_run_of_its_own(nightly: Triggered) -> None:
    for _ in range(3):
        nightly.sync(*ALL)
        nightly.tick()
        nightly.wait(days=1)

    assert len({request.run_key for request in nightly.started}) == 3


def test_who_is_waited_for_is_said_at_each_tick(nightly: Triggered) -> None:
    assert nightly.tick().summary == "Waiting for the first of 3."
    nightly.sync("shop")
    waits = nightly.tick().summary
    assert waits is not None
    assert waits.startswith("1 of 3 in since ")
    assert waits.endswith(" UTC: waiting for billing, crm.")


def test_a_second_sync_of_one_member_counts_for_no_other(nightly: Triggered) -> None:
    nightly.sync("shop", "crm")
    nightly.tick()
    nightly.wait(hours=1)
    nightly.sync("shop")
    assert nightly.tick().requests == []


def test_a_second_sync_within_a_round_begins_no_other_round(nightly: Triggered) -> None:
    nightly.sync("shop")
    nightly.tick()
    nightly.wait(hours=1)
    nightly.sync(*ALL)
    assert len(nightly.tick().requests) == 1
    assert nightly.tick().summary == "Waiting for the first of 3."


def test_what_was_reported_before_the_first_tick_does_not_count(
    deploy: Deploy, airbyte: AirbyteSimulator
) -> None:
    for name in ALL:
        airbyte.run_sync(airbyte.connection(name))
    nightly = triggered(deploy, *DOWNSTREAM, members=ALL)
    assert nightly.started == []
    nightly.wait(minutes=5)
    nightly.sync(*ALL)
    assert len(nightly.tick().requests) == 1


def test_an_empty_sync_counts_as_in(nightly: Triggered) -> None:
    nightly.sync("shop", "crm")
    nightly.sync("billing", rows=0)
    assert len(nightly.tick().requests) == 1


def test_a_failed_sync_and_a_clear_do_not_count(
    nightly: Triggered, airbyte: AirbyteSimulator
) -> None:
    nightly.sync("shop", "crm")
    airbyte.fail(airbyte.start_sync(airbyte.connection("billing")))
    nightly.report()
    assert nightly.tick().requests == []
    airbyte.run_clear(airbyte.connection("billing"))
    nightly.report()
    assert nightly.tick().requests == []


def test_a_table_that_was_materialized_without_a_sync_does_not_count(nightly: Triggered) -> None:
    nightly.sync("shop", "crm")
    by_hand = dg.AssetMaterialization("invoices")
    nightly.sensor.instance.report_runless_asset_event(by_hand)
    assert nightly.tick().requests == []


def test_a_member_stays_in_though_its_table_is_materialized_by_hand(nightly: Triggered) -> None:
    nightly.sync("billing")
    nightly.tick()
    nightly.sensor.instance.report_runless_asset_event(dg.AssetMaterialization("invoices"))
    nightly.sync("shop", "crm")
    assert len(nightly.tick().requests) == 1


def test_a_sync_that_a_dagster_run_reports_counts(instance: dg.DagsterInstance) -> None:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.1)
        airbyte.add_connection("crm", streams=["leads"], sync_seconds=0.1)

        def deploy(*more: dg.AssetsDefinition, **options: object) -> object:
            return deployed(airbyte, instance, *more, **options)

        nightly = triggered(deploy, forecast_of_both, members=["shop", "crm"])  # type: ignore[arg-type]
        assert nightly.sensor.materialize("orders").success
        assert nightly.tick().requests == []
        assert nightly.sensor.materialize("leads").success
        assert len(nightly.tick().requests) == 1


@dg.asset(deps=["orders", "leads"])
def forecast_of_both() -> None: ...


def test_a_tick_asks_airbyte_for_nothing(nightly: Triggered, airbyte: AirbyteSimulator) -> None:
    nightly.sync("shop")
    before = len(airbyte.requests)
    for _ in range(5):
        nightly.tick()
    assert len(airbyte.requests) == before


def test_it_starts_while_airbyte_is_down(nightly: Triggered, airbyte: AirbyteSimulator) -> None:
    nightly.sync(*ALL)
    airbyte.stop()
    assert len(nightly.tick().requests) == 1


def test_the_run_says_what_it_follows(nightly: Triggered, airbyte: AirbyteSimulator) -> None:
    *_, last = nightly.sync(*ALL)
    (request,) = nightly.tick().requests
    tags = request.tags
    assert tags["dagster-airbyte/when_all"] == "nightly"
    assert tags["dagster-airbyte/when_all_members"] == "billing, crm, shop"
    assert "dagster-airbyte/when_all_missing" not in tags
    assert tags["dagster-airbyte/job_id"] == str(last.job_id)
    assert tags["dagster-airbyte/job_url"].startswith(airbyte.url)


def test_nothing_runs_that_is_not_downstream_of_its_members(deploy: Deploy) -> None:
    nightly = triggered(deploy, *DOWNSTREAM, members=["billing"])
    nightly.sync("billing")
    tick = nightly.tick()
    assert tick.requests == []
    assert "nothing that depends on them can be run" in str(tick.summary)
    assert nightly.tick().summary == "Waiting for the first of 1."


def test_only_what_was_asked_for_is_run(deploy: Deploy) -> None:
    wanted = dg.AssetSelection.assets("forecast", "unrelated")
    nightly = triggered(deploy, *DOWNSTREAM, members=["shop", "crm"], downstream=wanted)
    nightly.sync("shop", "crm")
    assert [names(request) for request in nightly.tick().requests] == [["forecast"]]


def test_all_syncs_of_a_round_are_of_the_partition_of_the_last(
    deploy: Deploy, airbyte: AirbyteSimulator
) -> None:
    """Of two hours they would else be two runs, of which each lacks the other's tables."""
    hours = dg.HourlyPartitionsDefinition("2020-01-01-00:00", end_offset=3)
    by_hour = dg.asset(name="by_hour", deps=["orders", "leads"], partitions_def=hours)(lambda: None)
    nightly = triggered(deploy, by_hour, forecast, members=["shop", "crm"])
    nightly.sync("shop")
    airbyte.advance(timedelta(minutes=61))
    nightly.sync("crm")
    (request,) = nightly.tick().requests
    assert names(request) == ["by_hour", "forecast"]
    assert request.partition_key == airbyte.now.strftime("%Y-%m-%d-%H:00")


def test_the_asset_key_of_a_table_is_enough(deploy: Deploy, airbyte: AirbyteSimulator) -> None:
    """Its connection is in though its other table was never reported."""
    nightly = triggered(deploy, forecast, members=[dg.AssetKey("orders"), "crm"], downstream=ANY)
    airbyte.run_refresh(airbyte.connection("shop"), ["orders"])
    nightly.sync("crm")
    assert len(nightly.tick().requests) == 1


ANY = dg.AssetSelection.all()
