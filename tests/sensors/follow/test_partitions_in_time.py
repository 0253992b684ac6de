"""What has partitions in time is run in the partition in which the sync ended."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.tables.partitions import window_of
from dagster_airbyte_sync.sensors import tick
from dagster_airbyte_sync.sensors.decision import Limits
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock, SimulatedConnection
from helpers.deployment import Deployment, deployed
from helpers.downstream import names

# With `end_offset=1` the current partition is one, too.
DAILY = dg.DailyPartitionsDefinition("2026-01-01", end_offset=1)
HOURLY = dg.HourlyPartitionsDefinition("2026-01-01-00:00", end_offset=1)


@dg.asset(deps=["orders"], partitions_def=DAILY)
def by_day() -> None: ...


@dg.asset(deps=["orders"], partitions_def=HOURLY)
def by_hour() -> None: ...


@dg.asset(deps=["leads"], partitions_def=HOURLY)
def leads_by_hour() -> None: ...


@dg.asset(deps=[by_day, "users", "leads"])
def report() -> None: ...


@dg.asset(deps=["orders"], partitions_def=dg.DailyPartitionsDefinition("2026-01-01"))
def by_past_day() -> None: ...


Deploy = Callable[..., Deployment]
Asked = list[tuple[list[str], str | None]]


def asked(*requests: dg.RunRequest) -> Asked:
    return [(names(request), request.partition_key) for request in requests]


def day_of(airbyte: AirbyteSimulator) -> str:
    return airbyte.now.strftime("%Y-%m-%d")


def test_the_run_is_of_the_partition_in_which_the_sync_ended(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    """With what has no partitions, which may depend on it."""
    deployment = deploy(by_day, report, downstream=dg.AssetSelection.all())
    job = airbyte.run_sync(shop)

    (request,) = deployment.tick().requests

    assert asked(request) == [(["by_day", "report"], day_of(airbyte))]
    assert request.run_key is not None
    assert f":{day_of(airbyte)}@" in request.run_key
    assert request.tags["dagster-airbyte/job_id"] == str(job.job_id)
    assert deployment.start(request).success


def test_with_an_offset_it_is_the_partition_before(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    """Also where the current one is none yet, as Dagster counts by default."""
    selection = dg.AssetSelection.assets("by_past_day")
    deployment = deploy(by_past_day, downstream=selection, partition_offset=-1)
    yesterday = (airbyte.now - timedelta(days=1)).strftime("%Y-%m-%d")
    airbyte.run_sync(shop)

    assert asked(*deployment.tick().requests) == [(["by_past_day"], yesterday)]


def test_a_partition_that_is_none_yet_is_left_out_with_a_line_that_says_what_to_do(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployment = deploy(by_past_day, report, by_day, downstream=dg.AssetSelection.all())
    airbyte.run_sync(shop)

    first = deployment.tick().requests
    airbyte.run_sync(shop)
    second = deployment.tick().requests

    assert asked(*first) == asked(*second)
    assert "by_past_day" not in str(asked(*first))
    said = capsys.readouterr().err
    assert said.count("with partition_offset=-1 the sensor uses") == 1


def test_of_two_partitionings_each_has_its_own_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(by_day, by_hour, report, downstream=dg.AssetSelection.all())
    airbyte.run_sync(shop)

    requests = deployment.tick().requests

    assert sorted(names(request) for request in requests) == [["by_day"], ["by_hour"], ["report"]]
    assert len({request.run_key for request in requests}) == 3


def test_a_backlog_has_one_run_for_each_partition_and_each_but_once(
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sync is overtaken only within its partition; those that are past need not wait."""
    monkeypatch.setattr(tick, "Limits", partial(Limits, events=10))
    options = {"downstream": dg.AssetSelection.all(), "start_from": timedelta(days=7)}
    days, hours = set(), set()
    two_days_ago = datetime.now(timezone.utc) - timedelta(hours=41)
    with AirbyteSimulator(clock=SimulatedClock(two_days_ago)) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders", "users"])
        crm = airbyte.add_connection("crm", streams=["leads"])
        follows = (by_day, by_hour, leads_by_hour, report)
        deployment = deployed(airbyte, instance, *follows, **options)
        # What follows this one waits for the end of history, but for its hour.
        airbyte.run_sync(crm)
        hour_of_crm = airbyte.now.strftime("%Y-%m-%d-%H:00")
        for _ in range(40):
            airbyte.advance(timedelta(hours=1))
            airbyte.run_sync(shop)
            days.add(day_of(airbyte))
            hours.add(airbyte.now.strftime("%Y-%m-%d-%H:00"))
        ticks = [deployment.tick() for _ in range(11)]

    requests = [request for tick in ticks for request in tick.requests]
    of_day = [key for keys, key in asked(*requests) if keys == ["by_day"]]
    of_hour = [key for keys, key in asked(*requests) if "by_hour" in keys]
    of_leads = [key for keys, key in asked(*requests) if "leads_by_hour" in keys]
    assert ticks[-1].events == []
    assert len(ticks[1].requests) > 1
    assert sorted(of_day, key=str) == sorted(days)
    assert sorted(of_hour, key=str) == sorted(hours)
    assert of_leads == [hour_of_crm]
    assert [key for keys, key in asked(*requests) if keys == ["report"]] == [None]


@pytest.mark.parametrize(
    ("moment", "offset", "key"),
    [
        ("2026-03-29T00:30:00+00:00", 0, "2026-03-29"),
        ("2026-03-28T22:59:59+00:00", 0, "2026-03-28"),
        ("2026-03-28T23:00:00+00:00", 0, "2026-03-29"),
        ("2026-03-29T21:59:59+00:00", 0, "2026-03-29"),
        ("2026-03-30T12:00:00+00:00", -1, "2026-03-29"),
        ("2026-10-26T12:00:00+00:00", -2, "2026-10-24"),
        ("2026-10-25T12:00:00+00:00", 1, "2026-10-26"),
    ],
)
def test_days_begin_where_their_time_zone_says(moment: str, offset: int, key: str) -> None:
    """Also those of 23 and of 25 hours."""
    berlin = dg.DailyPartitionsDefinition("2026-01-01", timezone="Europe/Berlin")
    window = window_of(berlin, datetime.fromisoformat(moment), offset)

    assert window is not None
    assert window.partition_key == key
    assert window.ends_at > datetime(2026, 1, 1, tzinfo=timezone.utc)
