"""Schedules that clients write."""

from datetime import timedelta
from typing import Any

import pytest
import requests

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.simulated import Client

HOUR = timedelta(hours=1)
CRON = "0 0 12 * * ?"


@pytest.fixture
def hourly(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("hourly", schedule=HOUR)


def update(client: Client, connection: SimulatedConnection, **change: Any) -> requests.Response:
    body = {"connectionId": connection.connection_id, **change}
    return client.configuration("/connections/update", body)


def patch(client: Client, connection: SimulatedConnection, **change: Any) -> requests.Response:
    return client.patch(f"/connections/{connection.connection_id}", change)


def cron(expression: str, zone: str) -> dict[str, object]:
    return {"cron": {"cronExpression": expression, "cronTimeZone": zone}}


def test_a_connection_made_manual_starts_nothing_more(
    airbyte: AirbyteSimulator, hourly: SimulatedConnection, client: Client
) -> None:
    answer = update(client, hourly, scheduleType="manual")
    assert answer.json()["scheduleType"] == "manual"
    before = len(airbyte.jobs)
    airbyte.advance(5 * HOUR)
    assert len(airbyte.jobs) == before


def test_an_update_without_a_schedule_leaves_it(
    hourly: SimulatedConnection, client: Client
) -> None:
    assert update(client, hourly).json()["scheduleType"] == "basic"
    assert patch(client, hourly).json()["schedule"]["basicTiming"] == "Every 1 HOURS"


def test_an_interval_is_shown_as_it_was_written(
    hourly: SimulatedConnection, client: Client
) -> None:
    basic = {"units": 24, "timeUnit": "hours"}
    answer = update(client, hourly, scheduleType="basic", scheduleData={"basicSchedule": basic})
    assert answer.json()["scheduleData"]["basicSchedule"] == basic
    assert hourly.schedule.every == 24 * HOUR


def test_an_interval_that_is_overdue_starts_a_sync_at_once(
    airbyte: AirbyteSimulator, hourly: SimulatedConnection, client: Client
) -> None:
    airbyte.advance(1)
    update(client, hourly, scheduleType="manual")
    airbyte.advance(10 * HOUR)
    basic = {"units": 1, "timeUnit": "hours"}
    update(client, hourly, scheduleType="basic", scheduleData={"basicSchedule": basic})
    airbyte.advance(1)
    assert len(airbyte.jobs) == 2


def test_a_month_is_thirty_days(hourly: SimulatedConnection, client: Client) -> None:
    basic = {"units": 1, "timeUnit": "months"}
    update(client, hourly, scheduleType="basic", scheduleData={"basicSchedule": basic})
    assert hourly.schedule.every == timedelta(days=30)


def test_a_cron_keeps_its_zone_in_the_configuration_api_and_loses_it_in_the_public_one(
    hourly: SimulatedConnection, client: Client
) -> None:
    answer = update(client, hourly, scheduleType="cron", scheduleData=cron(CRON, "Asia/Tokyo"))
    assert answer.json()["scheduleData"]["cron"]["cronTimeZone"] == "Asia/Tokyo"
    for written in (CRON, f"{CRON} UTC"):
        schedule = {"scheduleType": "cron", "cronExpression": written}
        read = patch(client, hourly, schedule=schedule).json()["schedule"]
        assert read["cronExpression"] == f"{CRON} UTC"


def test_the_public_api_makes_a_connection_manual(
    hourly: SimulatedConnection, client: Client
) -> None:
    assert patch(client, hourly, schedule={"scheduleType": "manual"}).status_code == 200
    assert hourly.schedule.type == "manual"


@pytest.mark.parametrize(
    ("version", "cron", "kind"),
    [("1.7.0", None, "basic"), ("1.7.0", CRON, "manual"), ("1.8.0", None, "manual")],
)
def test_before_1_8_the_public_api_overlooks_a_schedule_without_a_cron(
    version: str, cron: str | None, kind: str
) -> None:
    with AirbyteSimulator(version=version) as airbyte:
        hourly = airbyte.add_connection("hourly", schedule=HOUR)
        schedule = {"scheduleType": "manual", "cronExpression": cron}
        assert patch(Client(airbyte), hourly, schedule=schedule).status_code == 200
        assert hourly.schedule.type == kind


@pytest.mark.parametrize(
    "change",
    [
        {"scheduleType": "cron"},
        {"scheduleType": "basic"},
        {"scheduleType": "cron", "scheduleData": cron("0 12 * *", "UTC")},
        {"scheduleType": "cron", "scheduleData": cron(CRON, "Etc/UTC")},
        {
            "scheduleType": "basic",
            "scheduleData": {"basicSchedule": {"units": 1, "timeUnit": "fortnights"}},
        },
    ],
)
def test_the_configuration_api_refuses_what_is_no_schedule(
    hourly: SimulatedConnection, client: Client, change: dict[str, object]
) -> None:
    assert update(client, hourly, **change).status_code == 400
    assert hourly.schedule.every == HOUR


@pytest.mark.parametrize(
    "schedule",
    [
        {"scheduleType": "basic", "basicTiming": "Every 1 HOURS"},
        {"scheduleType": "cron"},
        {"scheduleType": "cron", "cronExpression": "0 12 * *"},
    ],
)
def test_the_public_api_refuses_intervals_and_what_is_no_cron(
    hourly: SimulatedConnection, client: Client, schedule: dict[str, str]
) -> None:
    assert patch(client, hourly, schedule=schedule).status_code == 400
    assert hourly.schedule.every == HOUR
