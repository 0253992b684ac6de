"""What other tools met in cursors, clocks and the time a tick may take."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock
from helpers.deployment import Deployment

Deploy = Callable[..., Deployment]


def test_s10_the_first_tick_on_a_year_of_history_reports_only_the_last_minutes(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    for days in range(365, 0, -1):
        ended = airbyte.now - timedelta(days=days)
        airbyte.add_finished_job(shop, created_at=ended, updated_at=ended, rows=1)
    recent = airbyte.run_sync(shop)
    deployment = deploy(airbyte)

    assert deployment.tick().materialized == [("orders", recent.job_id)]


@pytest.mark.parametrize(
    "cursor",
    [
        '{"v":0,"last":"2020-01-01"}',
        '{"v":99}',
        "2026-11-23T16:00:00",
        '{"v":1,"since"',
        '{"v":1,"workspace":[],"begin":7,"since":{}}',
        "\ud800",
    ],
    ids=["older version", "newer version", "edited", "cut off", "wrong types", "no text"],
)
def test_s10_a_cursor_of_another_version_or_edited_or_corrupted_repeats_and_loses_nothing(
    airbyte: AirbyteSimulator, deploy: Deploy, cursor: str
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(airbyte)
    first = airbyte.run_sync(shop)
    deployment.tick()
    airbyte.advance(60)
    second = airbyte.run_sync(shop)

    deployment.cursor = cursor
    deployment.tick()
    deployment.tick()

    assert deployment.reported("orders") == [first.job_id, second.job_id]
    assert json.loads(deployment.cursor)["workspace"] == airbyte.workspace_id


def test_s13_of_300_connections_each_is_reported_within_a_few_short_ticks(
    airbyte: AirbyteSimulator, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tick's budget is two thirds of this limit: 15 seconds."""
    monkeypatch.setenv("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "22.5")
    names = [f"table_{number}" for number in range(300)]
    connections = [airbyte.add_connection(f"of {name}", streams=[name]) for name in names]
    deployment = deploy(airbyte, definitions={"sync": False})
    jobs = {}
    for name, connection in zip(names, connections, strict=True):
        jobs[name] = [airbyte.run_sync(connection).job_id]
        airbyte.advance(0.5)

    ticks = [deployment.tick() for _ in range(3)]

    assert deployment.reported_all(names) == jobs
    assert ticks[-1].events == []


def test_s18_a_preview_of_a_tick_changes_nothing(airbyte: AirbyteSimulator, deploy: Deploy) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(airbyte)
    job = airbyte.run_sync(shop)

    for _ in range(3):
        with dg.build_sensor_context(
            instance=deployment.instance,
            definitions=deployment.defs,
            sensor_name=deployment.sensor,
            resources={"airbyte": deployment.workspace},
        ) as context:
            sensor = deployment.defs.get_repository_def().get_sensor_def(deployment.sensor)
            assert len(sensor.evaluate_tick(context).asset_events) == 1
    assert deployment.reported("orders") == []
    assert [each.job_id for each in airbyte.jobs] == [job.job_id]
    deployment.tick()

    assert deployment.reported("orders") == [job.job_id]


@pytest.mark.parametrize("minutes", [-90, -7, 7, 90])
def test_s20_an_airbyte_whose_clock_is_minutes_off(deploy: Deploy, minutes: int) -> None:
    off = datetime.now(timezone.utc) + timedelta(minutes=minutes)
    with AirbyteSimulator(clock=SimulatedClock(off)) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        deployment = deploy(airbyte)
        deployment.tick()
        jobs = []
        for _ in range(3):
            airbyte.advance(45)
            jobs.append(airbyte.run_sync(shop).job_id)
            deployment.tick()

        assert deployment.reported("orders") == jobs


@pytest.mark.parametrize("hour", ["2026-03-29T00:58", "2026-10-25T00:58"], ids=["spring", "autumn"])
def test_s20_summer_time_begins_and_ends_between_ticks(
    deploy: Deploy, local_zone: Callable[[str], None], hour: str
) -> None:
    local_zone("Europe/Berlin")
    start = datetime.fromisoformat(hour).replace(tzinfo=timezone.utc)
    with AirbyteSimulator(clock=SimulatedClock(start)) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        deployment = deploy(airbyte)
        jobs = []
        for _ in range(5):
            jobs.append(airbyte.run_sync(shop).job_id)
            deployment.tick()
            airbyte.advance(timedelta(minutes=1))

        assert deployment.reported("orders") == jobs
