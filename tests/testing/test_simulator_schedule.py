"""Connections start their own syncs."""

from datetime import timedelta

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatorError

HOUR = timedelta(hours=1)


def offsets(airbyte: AirbyteSimulator) -> list[timedelta]:
    """When jobs were created, counted from the first."""
    return [job.created_at - airbyte.jobs[0].created_at for job in airbyte.jobs]


def test_an_interval_runs_at_once_and_then_at_its_interval(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("hourly", schedule=HOUR)
    airbyte.advance(3 * HOUR + timedelta(minutes=1))
    assert offsets(airbyte) == [HOUR * n for n in range(4)]
    assert {job.status for job in airbyte.jobs} == {"succeeded"}
    assert all(job.scheduled for job in airbyte.jobs)


def test_a_manual_sync_does_not_move_the_schedule(airbyte: AirbyteSimulator) -> None:
    hourly = airbyte.add_connection("hourly", schedule=HOUR)
    airbyte.advance(HOUR / 2)
    airbyte.run_sync(hourly)
    airbyte.advance(HOUR)
    assert offsets(airbyte) == [timedelta(0), HOUR / 2, HOUR]


def test_a_schedule_waits_for_the_running_job(airbyte: AirbyteSimulator) -> None:
    hourly = airbyte.add_connection("hourly", schedule=HOUR, sync_seconds=5400)
    airbyte.advance(4 * HOUR)
    assert offsets(airbyte) == [timedelta(0), HOUR * 1.5, HOUR * 3]
    assert airbyte.jobs[-1].status == "running"
    assert hourly.status == "active"


def test_an_inactive_connection_starts_nothing_until_it_is_enabled(
    airbyte: AirbyteSimulator,
) -> None:
    hourly = airbyte.add_connection("hourly", schedule=HOUR, status="inactive")
    airbyte.advance(5 * HOUR)
    assert airbyte.jobs == []
    airbyte.update_connection(hourly, status="active")
    airbyte.advance(1)
    assert [job.created_at for job in airbyte.jobs] == [airbyte.now - timedelta(seconds=1)]


def test_a_cron_is_shown_and_not_run(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("cron", schedule={"cron": "0 0 * * * ?", "timezone": "UTC"})
    airbyte.advance(5 * HOUR)
    assert airbyte.jobs == []


def test_jobs_of_all_connections_are_numbered_in_the_order_of_their_times(
    airbyte: AirbyteSimulator,
) -> None:
    airbyte.add_connection("a", schedule=timedelta(minutes=20))
    airbyte.add_connection("b", schedule=timedelta(minutes=30))
    airbyte.advance(2 * HOUR)
    times = [job.created_at for job in airbyte.jobs]
    assert times == sorted(times)
    assert len(times) == 7 + 5


def test_a_schedule_taken_away_stays_away(airbyte: AirbyteSimulator) -> None:
    hourly = airbyte.add_connection("hourly", schedule=HOUR)
    airbyte.advance(1)
    airbyte.update_connection(hourly, schedule="manual")
    airbyte.advance(5 * HOUR)
    assert len(airbyte.jobs) == 1


def test_a_schedule_without_time_is_refused(airbyte: AirbyteSimulator) -> None:
    with pytest.raises(SimulatorError, match="never let time pass"):
        airbyte.add_connection("broken", schedule=timedelta(0))


def test_many_connections_and_a_day_take_little_time(airbyte: AirbyteSimulator) -> None:
    for number in range(100):
        airbyte.add_connection(f"c{number}", schedule=HOUR)
    airbyte.advance(24 * HOUR)
    assert len(airbyte.jobs) == 100 * 25


@pytest.mark.parametrize(
    ("text", "cron", "zone"),
    [
        ("0 30 6 * * ?", "0 30 6 * * ?", "UTC"),
        ("0 30 6 * * ? Europe/Berlin", "0 30 6 * * ?", "Europe/Berlin"),
        ("0 0 6 ? * MON-FRI", "0 0 6 ? * MON-FRI", "UTC"),
        ("0 0 12 * * ? 2026-2028", "0 0 12 * * ? 2026-2028", "UTC"),
        ("0 0 12 * * ? 2026 UTC", "0 0 12 * * ? 2026", "UTC"),
    ],
)
def test_a_cron_may_be_a_text(airbyte: AirbyteSimulator, text: str, cron: str, zone: str) -> None:
    schedule = airbyte.add_connection("nightly", schedule=text).schedule
    assert (schedule.cron, schedule.timezone, schedule.type) == (cron, zone, "cron")


@pytest.mark.parametrize("text", ["30 6 * * *", "hourly", "0 0 12 * * ? 2026 UTC UTC"])
def test_a_text_that_is_no_cron_of_airbyte_says_what_one_is(
    airbyte: AirbyteSimulator, text: str
) -> None:
    with pytest.raises(SimulatorError, match="six fields or seven"):
        airbyte.add_connection("nightly", schedule=text)
