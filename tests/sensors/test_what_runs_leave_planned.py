"""What a run has planned and never evaluates the sensor says again, at its next look."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteChecks
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.sensors.looks import left_over
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection
from helpers.deployment import Deployment, Tick, deployed
from helpers.look_ups import OF_CHECKS, counted_look_ups

Deploy = Callable[..., Deployment]
FIVE_MINUTES, HOUR = timedelta(minutes=5), timedelta(hours=1)
GOOD = {"sync": "succeeded", "rows": "first"}


@pytest.fixture
def deploy(airbyte: AirbyteSimulator, memory: dg.DagsterInstance) -> Deploy:
    return partial(deployed, airbyte, memory)


@pytest.fixture
def deployment(deploy: Deploy, shop: SimulatedConnection) -> Deployment:
    deployment = deploy(checks=True)
    deployment.tick()
    return deployment


def later(deployment: Deployment, by: timedelta = FIVE_MINUTES) -> Tick:
    deployment.wait(by)
    return deployment.tick()


def synced(deployment: Deployment, shop: SimulatedConnection) -> None:
    deployment.airbyte.run_sync(shop, rows=7)
    later(deployment)
    assert shown(deployment) == shown(deployment, "users") == GOOD


def shown(deployment: Deployment, table: str = "orders") -> dict[str, str | None]:
    """What Dagster shows of each check of syncs, or None for what a run has only planned."""
    names = AirbyteChecks().names
    found: dict[str, str | None] = {}
    for name in names:
        check = dg.AssetCheckKey(dg.AssetKey(table), name)
        record = deployment.instance.get_latest_asset_check_evaluation_record(check)
        event = record.event.dagster_event if record and record.event else None
        said = event.event_specific_data if event else None
        metadata = said.metadata if isinstance(said, dg.AssetCheckEvaluation) else {}
        found[name.removeprefix("airbyte_")] = keys.text_in(metadata, keys.VERDICT)
    return found


def cancelled_in_the_queue(deployment: Deployment, *names: str) -> None:
    deployment.instance.report_run_canceled(deployment.plan(*names))


def deleted(deployment: Deployment, *names: str) -> None:
    deployment.instance.delete_run(deployment.plan(*names).run_id)


@pytest.mark.parametrize("end", [Deployment.kill, cancelled_in_the_queue, deleted])
def test_the_next_look_says_again_what_the_checks_said_and_stores_it_once(
    deployment: Deployment, shop: SimulatedConnection, end: Callable[..., None]
) -> None:
    synced(deployment, shop)
    end(deployment, "orders")
    assert shown(deployment) == {"sync": None, "rows": None}

    tick = later(deployment)

    assert len(tick.events) == 2
    assert shown(deployment) == GOOD
    assert tick.sent == 1
    assert later(deployment).events == []


def test_it_says_the_same_in_all_that_people_see(
    airbyte: AirbyteSimulator, deployment: Deployment, shop: SimulatedConnection
) -> None:
    airbyte.fail(airbyte.start_sync(shop), reason="disk full")
    before = {(e.asset_key, e.check_name): e for e in evaluations(later(deployment))}
    deployment.kill("orders", "users")

    again = {(e.asset_key, e.check_name): e for e in evaluations(later(deployment))}

    assert again == before


def evaluations(tick: Tick) -> Iterator[dg.AssetCheckEvaluation]:
    return (each for each in tick.events if isinstance(each, dg.AssetCheckEvaluation))


def test_where_nothing_was_ever_said_it_says_that(deployment: Deployment) -> None:
    deployment.kill("orders")
    later(deployment)
    assert shown(deployment) == {"sync": "no_sync_yet", "rows": "no_rows_yet"}


def test_what_a_run_that_goes_on_has_planned_is_left_to_it(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    synced(deployment, shop)
    deployment.plan("orders")
    assert later(deployment).events == []


def test_what_the_same_tick_reports_is_said_and_nothing_older_after_it(
    airbyte: AirbyteSimulator, deployment: Deployment, shop: SimulatedConnection
) -> None:
    synced(deployment, shop)
    deployment.kill("orders", "users")
    airbyte.fail(airbyte.start_sync(shop))

    deployment.wait(HOUR)
    deployment.tick()
    assert shown(deployment)["sync"] == "failed"
    later(deployment)

    assert shown(deployment) == {"sync": "failed", "rows": "first"}


def test_between_two_looks_nothing_of_it_is_asked(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    synced(deployment, shop)
    deployment.kill("orders")
    with counted_look_ups() as count:
        assert later(deployment, timedelta(seconds=30)).events == []
    assert count.total() == 0


def test_a_look_asks_once_for_all_tables(airbyte: AirbyteSimulator, deploy: Deploy) -> None:
    airbyte.add_connection("wide", streams=[f"t{number:02}" for number in range(40)])
    deployment = deploy(checks=True)
    deployment.tick()
    with counted_look_ups() as count:
        later(deployment)
    assert dict(count) == {OF_CHECKS: 1}


def test_where_connections_are_looked_at_too_an_airbyte_that_does_not_answer_hinders_it_not(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection
) -> None:
    deployment = deploy(checks=AirbyteChecks(schema=True, connection=True))
    deployment.tick()
    synced(deployment, shop)
    deployment.kill("orders")
    airbyte.add_fault(Fault.status(500), path="/connections/list", times=None)

    later(deployment)

    assert shown(deployment) == GOOD


def test_what_does_not_fit_is_said_before_a_look_goes_on(
    deployment: Deployment, shop: SimulatedConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced(deployment, shop)
    deployment.kill("orders", "users")
    monkeypatch.setattr(left_over, "_TABLES", 1)
    monkeypatch.setattr(left_over, "_MOST", 1)
    said = [[e.asset_key.to_user_string() for e in later(deployment).events] for _ in range(5)]
    assert said == [["orders"], ["orders"], ["users"], ["users"], []]


def test_of_many_tables_each_look_takes_a_share(
    airbyte: AirbyteSimulator, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_over, "_TABLES", 2)
    names = [f"t{number}" for number in range(5)]
    airbyte.add_connection("wide", streams=names)
    deployment = deploy(checks=AirbyteChecks(rows=False))
    deployment.tick()
    deployment.kill(*names)

    said = [{e.asset_key.to_user_string() for e in evaluations(later(deployment))} for _ in "abcd"]

    assert sorted(map(sorted, said)) == [[], ["t0", "t1"], ["t2", "t3"], ["t4"]]
