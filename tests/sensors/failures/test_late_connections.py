"""A connection whose syncs stay away starts a run, once, until it syncs again."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteSettingsError, OnFailure, ProblemKind, SyncProblem
from dagster_airbyte_sync.resources import Job, JobStatus, JobType
from dagster_airbyte_sync.sensors.failures import starting
from dagster_airbyte_sync.sensors.failures.late import recent_sync
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection
from helpers.watched import Watched, notify

Watch = Callable[..., Watched]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOW = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)
DAILY = OnFailure(notify, late_after=26 * HOUR)


@pytest.fixture
def sensor(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection, watch: Watch
) -> Watched:
    """Both connections have synced and were reported; both sensors tick."""
    sensor = watch(DAILY)
    sync(sensor, shop, crm)
    sensor.tick()
    sensor.wait_with_ticks(15 * MINUTE)
    return sensor


def sync(sensor: Watched, *connections: SimulatedConnection) -> None:
    for connection in connections:
        sensor.airbyte.run_sync(connection)
    sensor.report()


def become_late(sensor: Watched) -> None:
    """A day and more goes by without a sync; the sensor was off for most of it."""
    sensor.wait(27 * HOUR)
    sensor.wait_with_ticks(15 * MINUTE)


def late(sensor: Watched) -> list[str]:
    return [each.connection_name for each in sensor.problems if each.kind is ProblemKind.LATE]


def test_a_connection_that_did_not_sync_for_longer_than_it_may_is_late(
    airbyte: AirbyteSimulator, sensor: Watched, shop: SimulatedConnection
) -> None:
    sensor.wait(25 * HOUR)
    sensor.wait_with_ticks(30 * MINUTE)
    assert late(sensor) == []
    sensor.wait_with_ticks(20 * MINUTE)
    assert sorted(late(sensor)) == ["crm", "shop"]
    problem = next(each for each in sensor.problems if each.connection_name == "shop")
    page = f"{airbyte.url}/workspaces/{airbyte.workspace_id}/connections/{shop.connection_id}"
    assert (problem.job_id, problem.job_url, problem.others) == (None, page, 0)
    since, limit = r"since [-\d]+ [:\d]+ UTC, 26 h \d min ago", "it is late after 26 h 0 min"
    assert re.fullmatch(rf"No sync has been reported to Dagster {since}; {limit}", problem.reason)
    # The one that was stored last: a second may begin between the two.
    last = sensor.watching.instance.get_latest_materialization_event(dg.AssetKey("users"))
    assert last
    assert problem.ended_at
    assert int(problem.ended_at.timestamp()) == int(last.timestamp)


def test_it_is_late_once_and_again_after_the_next_sync(
    sensor: Watched, shop: SimulatedConnection, crm: SimulatedConnection
) -> None:
    become_late(sensor)
    assert sorted(late(sensor)) == ["crm", "shop"]
    sensor.wait_with_ticks(HOUR, every=10 * MINUTE)
    assert len(late(sensor)) == 2

    sync(sensor, shop)
    become_late(sensor)

    assert sorted(late(sensor)) == ["crm", "shop", "shop"]


def test_a_lost_cursor_makes_nothing_late_again(sensor: Watched) -> None:
    become_late(sensor)
    sensor.watching.cursor = None
    sensor.wait_with_ticks(20 * MINUTE)
    assert len(late(sensor)) == 2


@pytest.mark.parametrize("status", ["inactive", "deprecated"])
def test_a_connection_that_is_paused_or_deleted_is_not_late(
    airbyte: AirbyteSimulator, sensor: Watched, shop: SimulatedConnection, status: str
) -> None:
    """Though it was active when the sensor last asked, minutes ago."""
    sensor.watching.workspace.get_client().catalog()
    airbyte.update_connection(shop, status=status)  # type: ignore[arg-type]
    become_late(sensor)
    assert late(sensor) == ["crm"]


def test_a_connection_that_never_synced_is_late_once_from_its_creation_on(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    airbyte.add_connection("paused", ["a"], status="inactive")
    sensor = watch(DAILY)
    sensor.tick()
    sensor.wait_with_ticks(20 * MINUTE)
    assert late(sensor) == []
    become_late(sensor)
    sensor.wait_with_ticks(20 * MINUTE)
    assert late(sensor) == ["shop"]
    (problem,) = sensor.problems
    created = f"{shop.created_at:%Y-%m-%d %H:%M} UTC, 27 h"
    said = "No sync of the connection was ever reported to Dagster; it was created at"
    assert problem.reason.startswith(f"{said} {created}")
    sync(sensor, shop)
    become_late(sensor)
    assert late(sensor) == ["shop", "shop"]


def test_a_connection_that_synced_before_dagster_came_is_late_when_its_next_sync_stays_away(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    watch: Watch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    sensor = watch(DAILY, start_from=MINUTE)
    sensor.wait(100 * HOUR)
    airbyte.run_sync(shop)
    sensor.wait(2 * HOUR)
    sensor.tick()
    sensor.wait_with_ticks(20 * MINUTE)
    assert late(sensor) == []
    assert "was not reported" not in capfd.readouterr().err
    become_late(sensor)
    assert late(sensor) == ["shop"]


def test_a_failed_sync_does_not_make_its_tables_fresh(
    airbyte: AirbyteSimulator, sensor: Watched, shop: SimulatedConnection
) -> None:
    sensor.wait(20 * HOUR)
    sensor.wait_with_ticks(20 * MINUTE)
    airbyte.fail(airbyte.start_sync(shop))
    sensor.report()
    sensor.wait(6 * HOUR)
    sensor.wait_with_ticks(20 * MINUTE)
    kinds = [each.kind for each in sensor.problems if each.connection_name == "shop"]
    assert kinds == [ProblemKind.FAILED, ProblemKind.LATE]


def test_tables_are_looked_at_every_five_minutes(
    sensor: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    read = dg.DagsterInstance.get_asset_records

    def get_asset_records(instance: dg.DagsterInstance, keys: list[dg.AssetKey]) -> object:
        looks.append(len(keys))
        return read(instance, keys)

    monkeypatch.setattr(dg.DagsterInstance, "get_asset_records", get_asset_records)
    sensor.wait_with_ticks(20 * MINUTE, every=MINUTE)
    assert looks == [3] * 4


def test_airbyte_is_asked_for_connections_only_when_one_is_late(sensor: Watched) -> None:
    """For all of them at once, and for the last jobs of each that is late."""

    def asked() -> list[str]:
        paths = [each.path for each in sensor.airbyte.requests]
        sensor.airbyte.forget_requests()
        history = "/api/v1/jobs/list_for_workspaces"
        return [path for path in paths if path != history and "token" not in path]

    asked()
    sensor.wait_with_ticks(30 * MINUTE)
    assert asked() == []
    sensor.wait(26 * HOUR)
    sensor.wait_with_ticks(15 * MINUTE)
    assert sorted(late(sensor)) == ["crm", "shop"]
    assert sorted(asked()) == [
        "/api/public/v1/destinations",
        *["/api/public/v1/jobs"] * 2,
        "/api/v1/connections/list",
    ]
    # What is remembered of connections is so for five minutes at most.
    sensor.move_to_another_process()
    sensor.wait_with_ticks(30 * MINUTE)
    assert asked() == []


def test_what_airbyte_synced_is_not_late_where_the_sensor_that_reports_is_off(
    sensor: Watched, shop: SimulatedConnection, capfd: pytest.CaptureFixture[str]
) -> None:
    """Until that is too long ago, too. The log names it once."""
    sensor.wait(20 * HOUR)
    job = sensor.airbyte.run_sync(shop)
    sensor.wait(7 * HOUR)
    sensor.wait_with_ticks(30 * MINUTE)
    assert late(sensor) == ["crm"]
    said = f"Airbyte has synced shop (job {job.job_id}), and that was not reported to Dagster"
    assert capfd.readouterr().err.count(said) == 1

    sensor.wait(18 * HOUR)
    sensor.wait_with_ticks(15 * MINUTE)
    assert late(sensor) == ["crm"]
    sensor.wait_with_ticks(40 * MINUTE, every=10 * MINUTE)
    assert late(sensor) == ["crm", "shop"]


def test_a_sync_that_runs_is_not_late_for_however_long_until_it_fails(
    airbyte: AirbyteSimulator, sensor: Watched, shop: SimulatedConnection, crm: SimulatedConnection
) -> None:
    sensor.wait(24 * HOUR)
    running, _ = airbyte.start_sync(shop), airbyte.start_sync(crm)
    sensor.wait(30 * HOUR)
    sensor.wait_with_ticks(15 * MINUTE)
    assert late(sensor) == []
    airbyte.fail(running)
    sensor.wait_with_ticks(10 * MINUTE)
    assert late(sensor) == ["shop"]


def test_a_dead_job_that_airbyte_never_ended_is_no_sync_that_runs() -> None:
    dead = Job(1, "shop", JobType.SYNC, JobStatus.RUNNING, started_at=NOW - 9 * HOUR)
    failed = Job(2, "shop", JobType.SYNC, JobStatus.FAILED, started_at=NOW, updated_at=NOW)
    assert recent_sync([dead], HOUR, NOW) is dead
    assert recent_sync([failed, dead], HOUR, NOW) is None


def test_jobs_that_airbyte_does_not_list_are_asked_for_again(sensor: Watched) -> None:
    """Not for each connection that is late."""
    sensor.wait(27 * HOUR)
    sensor.airbyte.add_fault(Fault.status(500), path="public/v1/jobs", times=None)
    sensor.wait_with_ticks(15 * MINUTE)
    assert late(sensor) == []
    tick = sensor.tick()
    assert "2 more wait for a later tick" in (tick.summary or "")
    sensor.airbyte.clear_faults()
    sensor.wait_with_ticks(5 * MINUTE)
    assert sorted(late(sensor)) == ["crm", "shop"]


def test_a_function_that_raises_is_asked_again_at_the_next_look(
    sensor: Watched, watch: Watch, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = ["it"]

    def start(problem: SyncProblem) -> dg.RunRequest:
        if broken:
            raise ValueError(problem.connection_name)
        return dg.RunRequest()

    mended = watch(OnFailure(start, jobs=[notify], late_after=26 * HOUR))
    mended.tick()
    become_late(mended)
    assert late(mended) == []
    assert "No run for the late sync of shop" in capfd.readouterr().err
    broken.clear()
    mended.wait_with_ticks(10 * MINUTE)
    assert sorted(late(mended)) == ["crm", "shop"]


def test_deleted_connections_are_not_asked_for_one_by_one(
    airbyte: AirbyteSimulator, watch: Watch
) -> None:
    gone = [airbyte.add_connection(f"c{number}", [f"t{number}"]) for number in range(12)]
    sensor = watch(DAILY)
    sync(sensor, *gone)
    sensor.tick()
    for connection in gone:
        airbyte.update_connection(connection, status="deprecated")
    become_late(sensor)
    assert late(sensor) == []
    assert max(each.sent for each in sensor.watching.ticks) < 6


def test_after_a_night_without_dagster_nothing_is_late_that_airbyte_has_synced(
    airbyte: AirbyteSimulator, sensor: Watched, shop: SimulatedConnection, crm: SimulatedConnection
) -> None:
    """Both sensors wake up at once, and the one that reports needs a while to catch up."""
    sensor.wait(24 * HOUR)
    airbyte.run_sync(shop)
    airbyte.run_sync(crm)
    sensor.wait(6 * HOUR)
    sensor.tick()
    sensor.wait_with_ticks(5 * MINUTE)
    sensor.report()
    sensor.wait_with_ticks(30 * MINUTE)
    assert late(sensor) == []


def test_a_list_of_connections_that_airbyte_does_not_give_is_asked_for_again(
    sensor: Watched,
) -> None:
    sensor.wait(27 * HOUR)
    sensor.airbyte.add_fault(Fault.status(403), path="connections", times=None)
    sensor.wait_with_ticks(20 * MINUTE)
    assert late(sensor) == []
    sensor.airbyte.clear_faults()
    sensor.wait_with_ticks(10 * MINUTE)
    assert sorted(late(sensor)) == ["crm", "shop"]


def test_more_late_connections_than_a_tick_has_runs_for_follow(
    sensor: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "MOST_RUNS", 1)
    become_late(sensor)
    assert len(late(sensor)) == 1
    sensor.tick()
    assert sorted(late(sensor)) == ["crm", "shop"]


def test_a_selector_leaves_late_connections_out(
    shop: SimulatedConnection, crm: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch(DAILY)
    selected = watch(DAILY, connection_selector_fn=lambda connection: connection.name == "crm")
    sync(sensor, shop, crm)
    # The same code location but for the selector of its failure sensor.
    selected.tick()
    become_late(selected)
    assert late(selected) == ["crm"]


def test_true_means_the_freshness_policies_that_tables_have(
    airbyte: AirbyteSimulator, crm: SimulatedConnection, watch: Watch
) -> None:
    """An hourly table may be two hours old; one that is synced by hand is never late."""
    hourly = airbyte.add_connection(
        "hourly", ["hours"], schedule={"cron": "0 0 * * * ?", "timezone": "UTC"}
    )
    sensor = watch(OnFailure(notify, late_after=True), freshness_from_airbyte_schedule=True)
    sync(sensor, crm)
    sensor.airbyte.add_finished_job(hourly, created_at=airbyte.now - MINUTE)
    sensor.report()
    airbyte.plan(hourly, outcome="never", jobs=1)
    sensor.tick()
    sensor.wait_with_ticks(110 * MINUTE, every=10 * MINUTE)
    assert late(sensor) == []
    sensor.wait_with_ticks(20 * MINUTE, every=10 * MINUTE)
    assert late(sensor) == ["hourly"]
    sensor.wait(48 * HOUR)
    sensor.wait_with_ticks(20 * MINUTE)
    assert late(sensor) == ["hourly"]


def test_true_where_no_table_has_a_policy_says_so_once(
    sensor: Watched, watch: Watch, capfd: pytest.CaptureFixture[str]
) -> None:
    without = watch(OnFailure(notify, late_after=True))
    without.tick()
    become_late(without)
    assert late(without) == []
    said = "No connection can be late: no table here has a freshness"
    assert capfd.readouterr().err.count(said) == 1


def test_a_list_of_connections_that_fails_makes_nothing_late_and_costs_few_questions(
    airbyte: AirbyteSimulator, watch: Watch
) -> None:
    quiet = [airbyte.add_connection(f"c{number}", [f"t{number}"]) for number in range(12)]
    sensor = watch(DAILY)
    sync(sensor, *quiet)
    sensor.tick()
    sensor.wait(27 * HOUR)
    airbyte.add_fault(Fault.status(500), path="connections", times=None)
    sensor.move_to_another_process()
    sensor.wait_with_ticks(20 * MINUTE)
    assert late(sensor) == []
    assert max(each.sent for each in sensor.watching.ticks) < 12


@pytest.mark.parametrize("late_after", [timedelta(0), -HOUR, 26, "26 hours"])
def test_a_time_that_makes_no_sense_is_refused(
    shop: SimulatedConnection, watch: Watch, late_after: object
) -> None:
    with pytest.raises(AirbyteSettingsError, match="late_after is"):
        watch(OnFailure(notify, late_after=late_after))  # type: ignore[arg-type]
