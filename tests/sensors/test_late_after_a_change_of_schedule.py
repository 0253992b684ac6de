"""A connection that was not due until now is not late: it was paused, or synced less often."""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteChecks
from dagster_airbyte_sync.assets.look import timetable
from dagster_airbyte_sync.assets.tables.keys import SCHEDULE, TIMETABLE, VERDICT, text_in
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment, deployed

FIVE_MINUTES, HOUR, DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
# The simulator shows such schedules, and starts no sync by them. The first is late after two hours.
HOURLY, DAILY = {"cron": "0 0 * * * ?"}, {"cron": "0 0 6 * * ?"}
ACTIVE, PAUSED, LATE = "active", "paused", "late"


@pytest.fixture
def shop(either: AirbyteSimulator) -> SimulatedConnection:
    return either.add_connection("shop", streams=["orders", "users"], schedule=HOURLY)


@pytest.fixture
def deployment(
    either: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> Deployment:
    """Its connection has just synced."""
    deployment = deployed(either, memory, checks=AirbyteChecks(rows=False, connection=True))
    deployment.tick()
    either.run_sync(shop)
    deployment.tick()
    return deployment


def after(deployment: Deployment, by: timedelta) -> str | None:
    """How the connection stands as each table shows it, behind the tick after so long."""
    deployment.wait(by)
    deployment.tick()
    (said,) = {shown(deployment, table, VERDICT) for table in ("orders", "users")}
    return said


def shown(deployment: Deployment, table: str, what: str) -> str | None:
    check = dg.AssetCheckKey(dg.AssetKey(table), "airbyte_connection")
    record = deployment.instance.get_latest_asset_check_evaluation_record(check)
    return text_in(record.evaluation.metadata, what) if record and record.evaluation else None


def by_hand(deployment: Deployment) -> str | None:
    asked = dg.AssetCheckKey(dg.AssetKey("orders"), "airbyte_connection")
    job = dg.define_asset_job("by_hand", dg.AssetSelection.checks(asked))
    defs = dg.Definitions.merge(deployment.defs, dg.Definitions(jobs=[job]))
    run = defs.resolve_job_def("by_hand").execute_in_process(instance=deployment.instance)
    (found,) = run.get_asset_check_evaluations()
    return text_in(found.metadata, VERDICT)


def test_one_that_was_paused_is_late_two_hours_after_it_was_resumed(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    airbyte = deployment.airbyte
    airbyte.update_connection(shop, status="inactive")
    assert after(deployment, FIVE_MINUTES) == PAUSED
    assert after(deployment, 20 * HOUR) == PAUSED
    airbyte.update_connection(shop, status="active")

    assert after(deployment, FIVE_MINUTES) == ACTIVE
    assert by_hand(deployment) == ACTIVE
    assert after(deployment, HOUR) == ACTIVE
    assert after(deployment, HOUR + FIVE_MINUTES) == LATE


def test_by_hand_it_is_known_that_it_was_paused_though_the_sensor_has_not_seen_its_resumption(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    deployment.airbyte.update_connection(shop, status="inactive")
    after(deployment, FIVE_MINUTES)
    after(deployment, 20 * HOUR)
    deployment.airbyte.update_connection(shop, status="active")
    deployment.wait(timedelta(minutes=1))

    assert by_hand(deployment) == ACTIVE
    assert after(deployment, HOUR) == ACTIVE
    assert after(deployment, HOUR + FIVE_MINUTES) == LATE


@pytest.mark.parametrize("before", ["manual", DAILY])
def test_one_whose_schedule_was_another_is_late_two_hours_after_that(
    deployment: Deployment, shop: SimulatedConnection, before: Mapping[str, str]
) -> None:
    airbyte = deployment.airbyte
    airbyte.update_connection(shop, schedule=before)
    assert after(deployment, FIVE_MINUTES) == ACTIVE
    assert after(deployment, 20 * HOUR) == ACTIVE
    airbyte.update_connection(shop, schedule=HOURLY)

    assert after(deployment, FIVE_MINUTES) == ACTIVE
    assert after(deployment, 2 * HOUR - FIVE_MINUTES) == ACTIVE
    assert after(deployment, 2 * FIVE_MINUTES) == LATE


def test_a_sync_since_then_counts(deployment: Deployment, shop: SimulatedConnection) -> None:
    deployment.airbyte.update_connection(shop, status="inactive")
    after(deployment, DAY)
    deployment.airbyte.update_connection(shop, status="active")
    after(deployment, FIVE_MINUTES)
    deployment.wait(HOUR)
    deployment.airbyte.run_sync(shop)

    assert after(deployment, 2 * HOUR - FIVE_MINUTES) == ACTIVE
    assert after(deployment, 2 * FIVE_MINUTES) == LATE


def test_one_that_never_synced_is_late_counted_from_when_it_was_resumed(
    either: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    crm = either.add_connection(
        "crm", streams=["orders", "users"], schedule=HOURLY, status="inactive"
    )
    deployment = deployed(either, memory, checks=AirbyteChecks(rows=False, connection=True))
    deployment.tick()
    assert after(deployment, DAY) == PAUSED
    either.update_connection(crm, status="active")

    assert after(deployment, FIVE_MINUTES) == ACTIVE
    assert after(deployment, 2 * HOUR - FIVE_MINUTES) == ACTIVE
    assert after(deployment, 2 * FIVE_MINUTES) == LATE


def test_one_that_was_late_as_it_was_seen_first_is_late(
    either: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    without = deployed(either, memory, checks=False)
    without.tick()
    either.run_sync(shop)
    without.tick()
    checks = AirbyteChecks(rows=False, connection=True)
    deployment = deployed(either, memory, checks=checks)
    deployment.cursor = without.cursor

    assert after(deployment, 3 * HOUR) == LATE


@pytest.mark.parametrize(
    ("what", "becomes"),
    [("schedule_words", lambda _: "24 times a day"), ("_FORM", "2 ")],
    ids=["words", "comparison"],
)
def test_a_release_with_another_form_for_it_is_no_change_of_schedule(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, what: str, becomes: object
) -> None:
    assert after(deployment, 3 * HOUR) == LATE
    monkeypatch.setattr(timetable, what, becomes)

    assert after(deployment, FIVE_MINUTES) == LATE
    assert deployment.ticks[-1].events == []
    assert after(deployment, DAY) == LATE
    assert len(deployment.ticks[-1].events) == 2
    deployment.airbyte.update_connection(*deployment.airbyte.connections, status="inactive")
    assert after(deployment, FIVE_MINUTES) == PAUSED


def test_the_schedule_is_there_in_words_and_the_same_by_each_api(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    words, compared, stored = [], [], []
    for schedule in (DAILY, {"cron": "0 0 0/3 * * ?"}, "manual", {"cron": "0 7/9 1-3 L * ?"}):
        deployment.airbyte.update_connection(shop, schedule=schedule)
        after(deployment, FIVE_MINUTES)
        words.append(shown(deployment, "users", SCHEDULE))
        compared.append(shown(deployment, "users", TIMETABLE))
        stored.append(len(deployment.ticks[-1].events))
        after(deployment, FIVE_MINUTES)
        stored.append(len(deployment.ticks[-1].events))

    assert words == [
        "daily at 06:00 UTC",
        "every 3 hours",
        "manual",
        "cron '0 7/9 1-3 L * ?' (UTC)",
    ]
    assert compared == [
        "1 cron 0 0 6 * * ? UTC",
        "1 cron 0 0 0/3 * * ? UTC",
        "1 manual",
        "1 cron 0 7/9 1-3 L * ? UTC",
    ]
    # Once for each table, though all is well.
    assert stored == [2, 0] * 4
