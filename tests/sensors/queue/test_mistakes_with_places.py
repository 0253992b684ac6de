"""What cannot work with `max_running` is an error where it is written."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    AirbyteWorkspace,
    build_airbyte_queue_sensor,
    build_airbyte_start_job,
    build_airbyte_sync_schedule,
    build_schedules_from_airbyte,
)
from dagster_airbyte_sync.assets.queue.places import left_alone
from dagster_airbyte_sync.assets.queue.queue_name import QueueName
from dagster_airbyte_sync.assets.queue.wait import Wait
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import Deployment
from helpers.queued import Queued
from helpers.start_jobs import lines


@pytest.fixture
def workspace(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    airbyte.update_connection(
        airbyte.connection("a"), schedule={"cron": "0 0 * * * ?", "timezone": "UTC"}
    )
    return AirbyteWorkspace(**airbyte.workspace_config())


@pytest.mark.parametrize("number", [0, -1, 2.0, "20", True])
def test_max_running_is_a_number_of_syncs(workspace: AirbyteWorkspace, number: Any) -> None:
    says = re.escape(f"max_running is {number!r}: give the number of syncs")
    with pytest.raises(AirbyteSettingsError, match=says):
        build_airbyte_start_job(workspace=workspace, max_running=number)
    with pytest.raises(AirbyteSettingsError, match=says):
        build_airbyte_sync_schedule(
            workspace=workspace, cron_schedule="@daily", wait=False, max_running=number
        )
    with pytest.raises(AirbyteSettingsError, match=says):
        build_schedules_from_airbyte(workspace, wait=False, max_running=number)


@pytest.mark.parametrize("limit", [timedelta(0), timedelta(days=8), 3600])
def test_wait_limit_is_a_time_of_up_to_a_week(workspace: AirbyteWorkspace, limit: Any) -> None:
    with pytest.raises(
        AirbyteSettingsError, match=r"wait_limit is .*: give a time of up to 7 days"
    ):
        build_airbyte_start_job(workspace=workspace, max_running=2, wait_limit=limit)


def test_runs_that_wait_for_their_syncs_take_a_pool(workspace: AirbyteWorkspace) -> None:
    says = r"max_running.* wait=False, too.* build_airbyte_assets_definitions\(pool='airbyte'\)"
    with pytest.raises(AirbyteSettingsError, match=says):
        build_airbyte_sync_schedule(workspace=workspace, cron_schedule="@daily", max_running=2)
    with pytest.raises(AirbyteSettingsError, match=says):
        build_schedules_from_airbyte(workspace, max_running=2)


@dg.job
def another() -> None: ...


@pytest.mark.parametrize("job", [another, None, ""])
def test_the_sensor_takes_a_job_that_starts_syncs(workspace: AirbyteWorkspace, job: Any) -> None:
    with pytest.raises(AirbyteSettingsError, match=r"job is .*: give a job that build_airbyte_st"):
        build_airbyte_queue_sensor(workspace=workspace, job=job)


def test_that_job_has_max_running_itself(workspace: AirbyteWorkspace) -> None:
    """Or a run of it that is executed again would start all at once."""
    job = build_airbyte_start_job(workspace=workspace)
    with pytest.raises(AirbyteSettingsError, match=r"'start_airbyte_syncs' has no max_running"):
        build_airbyte_queue_sensor(workspace=workspace, job=job)


def test_also_if_it_is_given_by_its_name(
    workspace: AirbyteWorkspace, airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    job = build_airbyte_start_job(workspace=workspace)
    sensor = build_airbyte_queue_sensor(workspace=workspace, job=job.name)
    defs = dg.Definitions(jobs=[job], sensors=[sensor], resources={"airbyte": workspace})
    queue = Queued(Deployment(airbyte, workspace, defs, instance, sensor=sensor.name))

    with pytest.raises(AirbyteSettingsError, match=r"'start_airbyte_syncs' has no max_running"):
        queue.tick()


def test_it_takes_the_job_of_a_schedule_too(workspace: AirbyteWorkspace) -> None:
    nightly = build_airbyte_sync_schedule(
        workspace=workspace, cron_schedule="@daily", wait=False, max_running=2
    )
    sensor = build_airbyte_queue_sensor(workspace=workspace, job=nightly.job)
    assert sensor.job_name == "airbyte_sync_schedule_job"
    assert sensor.name == "airbyte_queue_sensor"


# A sensor that nobody has written down, or switched on

HOUR = 3600.0
DAY = 24 * HOUR
WAIT = Wait("a", "a", QueueName("w"), dg.AssetKey("a"), 2, DAY, "nightly run", "j", 10 * DAY)


@pytest.mark.parametrize(
    ("asked_at", "later", "is_left"),
    [
        (None, HOUR, False),
        (None, 7 * HOUR, True),
        # It is not started any more.
        (None, 2 * DAY, True),
        (None, 8 * DAY, False),
        (WAIT.since - DAY, DAY, True),
        (WAIT.since + 60, DAY, False),
        # That run was there as it was written down, and may have started it.
        (WAIT.since - 60, DAY, False),
    ],
)
def test_what_no_run_was_asked_for_in_hours_is_left_alone(
    asked_at: float | None, later: float, is_left: bool
) -> None:
    waits = [WAIT, replace(WAIT, since=WAIT.since - DAY)]
    assert left_alone(waits, asked_at, WAIT.since + later) == ([WAIT] if is_left else [])


def test_a_run_that_finds_its_syncs_left_alone_names_the_sensor(queue: Queued) -> None:
    """Such runs succeed, night after night."""
    first = queue.run()
    queue.wait(hours=24, minutes=1)
    second = queue.run()

    assert "waited for hours" not in lines(queue.instance, first.run_id)
    said = lines(queue.instance, second.run_id)
    assert "Syncs that have waited for hours: 5, the first since" in said
    assert f"in run {first.run_id}, and no run was requested since" in said
    assert "The sensor of build_airbyte_queue_sensor does that" in said


def test_one_with_a_sensor_that_is_on_does_not(queue: Queued) -> None:
    queue.run()
    queue.go_on()
    queue.wait(hours=24)
    assert "waited for hours" not in lines(queue.instance, queue.run().run_id)
