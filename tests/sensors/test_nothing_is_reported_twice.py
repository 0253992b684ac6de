"""A daemon that dies, a cursor that is lost: every table still hears of every sync, once."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedClock
from helpers.deployment import Deployment, deployed

Deploy = Callable[..., Deployment]

STREAMS = ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("stored", range(6))
def test_a_tick_that_dies_after_any_event_is_completed_by_the_next(
    airbyte: AirbyteSimulator, deploy: Deploy, stored: int
) -> None:
    shop = airbyte.add_connection("shop", streams=STREAMS)
    deployment = deploy()
    job = airbyte.run_sync(shop)

    deployment.tick(crash_after=stored)
    deployment.tick()
    deployment.tick()

    assert deployment.reported_all(STREAMS) == {name: [job.job_id] for name in STREAMS}


def test_ticks_that_keep_dying_at_the_third_event_still_finish_the_job(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=STREAMS)
    deployment = deploy()
    jobs = []
    for _ in range(2):
        jobs.append(airbyte.run_sync(shop).job_id)
        airbyte.advance(timedelta(seconds=60))

    for _ in range(5):
        deployment.tick(crash_after=3)
    deployment.tick()

    assert deployment.reported_all(STREAMS) == dict.fromkeys(STREAMS, jobs)


@pytest.mark.parametrize(
    "cursor",
    [None, "", "not json", "[]", '{"v": 0}', '{"v":1,"workspace":"another"}', '"2026-01-01"'],
)
def test_a_lost_or_foreign_cursor_repeats_nothing(
    airbyte: AirbyteSimulator, deploy: Deploy, cursor: str | None
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    first = airbyte.run_sync(shop)
    airbyte.advance(timedelta(seconds=60))
    second = airbyte.run_sync(shop)
    deployment.tick()

    deployment.cursor = cursor
    deployment.tick()
    deployment.tick()

    assert deployment.reported("orders") == [first.job_id, second.job_id]


def test_a_job_that_finished_after_a_newer_one_is_reported_once_even_without_a_cursor(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    now = airbyte.now
    older = airbyte.add_finished_job(
        shop, created_at=now - timedelta(minutes=9), updated_at=now + timedelta(minutes=2), rows=1
    )
    newer = airbyte.add_finished_job(
        shop, created_at=now - timedelta(minutes=8), updated_at=now - timedelta(minutes=1), rows=2
    )
    deployment.tick()
    deployment.cursor = None
    deployment.tick()
    deployment.cursor = None
    deployment.tick()

    assert deployment.reported("orders") == [newer.job_id, older.job_id]


def test_a_job_that_commits_late_with_an_older_time_is_reported(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    crm = airbyte.add_connection("crm", streams=["leads"])
    deployment = deploy()
    deployment.tick()
    airbyte.advance(timedelta(minutes=30))
    airbyte.run_sync(shop)
    deployment.tick()
    ended = airbyte.now - timedelta(minutes=4)
    late = airbyte.add_finished_job(crm, created_at=ended, updated_at=ended, rows=1)

    deployment.tick()

    assert deployment.reported("leads") == [late.job_id]


def test_a_materialization_reported_by_hand_does_not_confuse_the_ledger(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    first = airbyte.run_sync(shop)
    deployment.tick()
    deployment.instance.report_runless_asset_event(dg.AssetMaterialization("orders"))
    deployment.cursor = None
    deployment.tick()
    airbyte.advance(timedelta(seconds=60))
    second = airbyte.run_sync(shop)
    deployment.tick()

    assert deployment.reported("orders") == [first.job_id, None, second.job_id]


def test_an_airbyte_that_is_down_fails_the_tick_and_moves_nothing(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    deployment.tick()
    cursor = deployment.cursor
    job = airbyte.run_sync(shop)
    airbyte.add_fault(Fault.status(502), path="/jobs", times=20)

    with pytest.raises(Exception, match="502"):
        deployment.tick()
    assert deployment.cursor == cursor
    airbyte.clear_faults()
    deployment.tick()

    assert deployment.reported("orders") == [job.job_id]


def test_a_first_tick_on_a_year_of_history_reports_only_the_last_minutes(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    now = airbyte.now
    for hours in range(24 * 365, 0, -12):
        ended = now - timedelta(hours=hours)
        airbyte.add_finished_job(shop, created_at=ended, updated_at=ended, rows=1)
    recent = airbyte.run_sync(shop)
    deployment = deploy()

    tick = deployment.tick()

    assert tick.materialized == [("orders", recent.job_id)]
    assert tick.sent <= 3


@pytest.mark.parametrize(
    "start_from",
    [timedelta(days=2), datetime(2026, 1, 1, tzinfo=timezone.utc)],
    ids=["so long ago", "a moment"],
)
def test_start_from_decides_how_far_back_the_first_tick_looks(
    instance: dg.DagsterInstance, start_from: datetime | timedelta
) -> None:
    with AirbyteSimulator(
        clock=SimulatedClock(datetime(2026, 1, 3, tzinfo=timezone.utc))
    ) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        reported = []
        for hours in (49, 47, 5, 1):
            ended = airbyte.now - timedelta(hours=hours)
            job = airbyte.add_finished_job(shop, created_at=ended, updated_at=ended, rows=1)
            reported.append(job.job_id)
        deployment = deployed(airbyte, instance, start_from=start_from)
        for _ in range(3):
            deployment.tick()

        assert deployment.reported("orders") == reported[1:]


def test_the_first_tick_goes_by_the_clock_of_airbyte(
    instance: dg.DagsterInstance,
) -> None:
    behind = datetime.now(timezone.utc) - timedelta(hours=3)
    with AirbyteSimulator(clock=SimulatedClock(behind)) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        deployment = deployed(airbyte, instance)
        deployment.tick()
        airbyte.advance(timedelta(minutes=1))
        job = airbyte.run_sync(shop)
        deployment.tick()

        assert deployment.reported("orders") == [job.job_id]


@pytest.mark.slow
def test_a_backlog_is_reported_in_order_over_several_ticks(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=STREAMS)
    deployment = deploy()
    deployment.tick()
    jobs = []
    for _ in range(60):
        airbyte.advance(timedelta(minutes=1))
        jobs.append(airbyte.run_sync(shop).job_id)

    ticks = [deployment.tick() for _ in range(3)]

    assert all(len(tick.events) <= 255 for tick in ticks)
    assert "more to come" in (ticks[0].summary or "")
    assert ticks[-1].events == []
    assert deployment.reported_all(STREAMS) == dict.fromkeys(STREAMS, jobs)


def test_one_connection_that_cannot_be_named_does_not_stop_the_others(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    gone = airbyte.add_connection("gone", streams=["ghosts"])
    deployment = deploy()
    airbyte.run_sync(gone)
    airbyte.delete_connection(gone)
    stranger = airbyte.add_connection("stranger", streams=["unheard_of"])
    airbyte.run_sync(stranger)
    job = airbyte.run_sync(shop)
    deployment.workspace.get_client().catalog(fresh=True)

    reported = dict(deployment.tick().materialized)

    assert reported["orders"] == job.job_id
    assert "unheard_of" not in reported
    # Its sync had succeeded before it was deleted, and the table is still defined here.
    assert "ghosts" in reported
