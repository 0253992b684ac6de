"""What other tools met in Airbyte's job history. The numbers are those of our list of scenarios."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RecordedRequest, SimulatedClock
from helpers.deployment import Deployment

Deploy = Callable[..., Deployment]


def test_s01_two_jobs_finish_between_ticks_in_reverse_order_of_creation(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(airbyte)
    created = airbyte.now - timedelta(minutes=3)
    deployment.tick()
    airbyte.advance(timedelta(minutes=5))
    ended = airbyte.now
    older, newer = (
        airbyte.add_finished_job(
            shop, created_at=created, updated_at=ended - timedelta(seconds=before), rows=1
        )
        for before in (10, 20)
    )

    deployment.tick()
    deployment.tick()

    assert deployment.reported("orders") == [newer.job_id, older.job_id]


def test_s02_a_tick_that_dies_after_the_third_of_five_events_repeats_none_and_loses_none(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    names = ["a", "b", "c", "d", "e"]
    shop = airbyte.add_connection("shop", streams=names)
    deployment = deploy(airbyte)
    job = airbyte.run_sync(shop)

    for _ in range(3):
        deployment.tick(crash_after=3)
    deployment.tick()

    assert deployment.reported_all(names) == {name: [job.job_id] for name in names}


@pytest.mark.parametrize("configuration_api", [True, False])
def test_s03_a_job_on_two_pages_is_reported_once_and_a_job_that_moves_between_pages_is_not_missed(
    deploy: Deploy, configuration_api: bool
) -> None:
    with AirbyteSimulator(configuration_api=configuration_api) as airbyte:
        names = list("abcdefg")
        connections = [airbyte.add_connection(name, streams=[f"{name}_table"]) for name in names]
        deployment = deploy(airbyte, max_items_per_page=2)
        deployment.tick()
        running = [airbyte.start_sync(connection) for connection in connections]
        for job in running[:5]:
            airbyte.advance(7)
            airbyte.succeed(job)

        def a_job_moves(request: RecordedRequest) -> None:
            unfinished = [job for job in running if not job.is_finished]
            if "/jobs" in request.path and unfinished:
                airbyte.succeed(unfinished[0])

        airbyte.on_request(a_job_moves)
        for _ in range(3):
            deployment.tick()

        reported = deployment.reported_all(f"{name}_table" for name in names)
        assert reported == {
            f"{name}_table": [job.job_id] for name, job in zip(names, running, strict=True)
        }


@pytest.mark.parametrize("ends", ["succeeded", "failed"])
def test_s05_incomplete_for_three_ticks_then_ended_by_the_second_attempt(
    airbyte: AirbyteSimulator, deploy: Deploy, ends: str
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(airbyte)
    job = airbyte.start_sync(shop)
    airbyte.advance(1)
    airbyte.fail_attempt(job, reason="lost connection")

    assert [deployment.tick().materialized for _ in range(3)] == [[], [], []]
    airbyte.advance(60)
    if ends == "succeeded":
        airbyte.succeed(job, rows=3)
    else:
        airbyte.fail(job)
    deployment.tick()
    deployment.tick()

    assert deployment.reported("orders") == ([job.job_id] if ends == "succeeded" else [])


@pytest.mark.parametrize("configuration_api", [True, False])
@pytest.mark.parametrize("rows", [None, 0], ids=["rows unknown", "no rows"])
def test_s06_a_success_without_rows_or_without_any_count_is_reported(
    deploy: Deploy, configuration_api: bool, rows: int | None
) -> None:
    with AirbyteSimulator(configuration_api=configuration_api) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        deployment = deploy(airbyte)
        job = airbyte.run_sync(shop, rows={} if rows is None else rows)
        deployment.tick()

        assert deployment.reported("orders") == [job.job_id]
        shown = deployment.last("orders").metadata.get("dagster-airbyte/records_synced")
        assert shown is None or shown.value == 0


def test_s07_refresh_clear_and_reset_between_two_syncs(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(airbyte)
    fresh = []
    for run in (airbyte.run_sync, airbyte.run_clear, airbyte.run_refresh, airbyte.run_sync):
        job = run(shop)
        fresh += [] if job.type == "reset" else [job.job_id]
        airbyte.advance(30)

    observations = [e for e in deployment.tick().events if isinstance(e, dg.AssetObservation)]
    deployment.tick()

    assert deployment.reported("orders") == fresh
    assert len(observations) == 1


@pytest.mark.parametrize("attach", [False, True])
def test_s07_a_run_does_not_take_a_running_clear_for_its_sync(
    airbyte: AirbyteSimulator, deploy: Deploy, attach: bool
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(airbyte, poll_previous_running_sync=attach)
    airbyte.start_clear(shop)

    result = deployment.materialize("orders")

    assert not result.success
    assert deployment.reported("orders") == []


def test_s19_job_ids_beyond_32_bits(airbyte: AirbyteSimulator, deploy: Deploy) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(airbyte)
    airbyte.job_ids_from(2**31 - 1)
    jobs = []
    for _ in range(3):
        jobs.append(airbyte.run_sync(shop).job_id)
        airbyte.advance(30)
        deployment.tick()

    assert jobs[-1] > 2**31
    assert deployment.reported("orders") == jobs


@pytest.mark.parametrize("configuration_api", [True, False])
@pytest.mark.parametrize("zone", ["UTC", "Australia/Brisbane", "America/Los_Angeles"])
def test_s19_times_without_seconds_read_on_a_machine_in_another_time_zone(
    deploy: Deploy, local_zone: Callable[[str], None], configuration_api: bool, zone: str
) -> None:
    """Java prints 2026-03-01T00:00Z for a whole minute; readers of all forms are unit-tested."""
    local_zone(zone)
    start = datetime(2026, 3, 1, tzinfo=timezone.utc)
    with AirbyteSimulator(
        clock=SimulatedClock(start), configuration_api=configuration_api
    ) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        deployment = deploy(airbyte)
        jobs = []
        for _ in range(3):
            jobs.append(airbyte.run_sync(shop).job_id)
            deployment.tick()
            airbyte.advance(timedelta(minutes=1))

        assert deployment.reported("orders") == jobs
