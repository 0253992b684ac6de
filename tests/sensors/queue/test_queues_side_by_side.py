"""Two queues in one Dagster, with jobs and sensors of the same names, know each other apart."""

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_start_job
from dagster_airbyte_sync.assets.queue.queue_name import QueueName
from dagster_airbyte_sync.assets.queue.wait import Wait
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.queued import NOTHING_WAITS, Queued, queued
from helpers.start_jobs import lines

ALL = ["a", "b", "c", "d", "e"]


@pytest.fixture
def here(airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> Queued:
    return queued(airbyte, instance, max_running=2, location="here")


@pytest.fixture
def there(airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> Queued:
    """Another code location, which has the same names by default."""
    return queued(airbyte, instance, max_running=2, location="there")


def test_what_waits_in_another_code_location_is_left_to_its_own_sensor(
    here: Queued, there: Queued
) -> None:
    there.run()

    assert here.tick().summary == NOTHING_WAITS
    assert there.go_on().requests


def test_nor_does_it_keep_the_same_from_being_written_down_here(
    here: Queued, there: Queued
) -> None:
    there.run()
    there.tick()
    there.keep(there.requested.pop())

    assert here.written_down(here.run().run_id) == ALL


def test_what_another_queue_of_the_workspace_starts_takes_places(
    here: Queued, there: Queued
) -> None:
    """Airbyte does not list it yet."""
    there.run()
    there.tick()
    there.keep(there.requested.pop())
    here.run()

    assert not here.tick().requests


def test_but_settles_nothing(here: Queued, there: Queued) -> None:
    here.run()
    there.run()
    there.tick()
    run = there.keep(there.requested.pop())
    there.claim(run, "a", "b")

    assert here.all_night() == ALL


def test_what_starts_in_another_workspace_takes_none(
    here: Queued, instance: dg.DagsterInstance
) -> None:
    with AirbyteSimulator() as other:
        for name in ("f", "g"):
            other.add_connection(name, streams=[f"{name}_rows"])
        beside = queued(other, instance, max_running=2, location="here")
        beside.run()
        beside.tick()
        beside.keep(beside.requested.pop())
        here.run()

        here.go_on()

    assert here.running() == ["a", "b"]


def test_a_run_of_another_that_was_not_submitted_is_left_to_its_own_sensor(
    here: Queued, there: Queued
) -> None:
    there.run()
    there.tick()
    there.keep(there.requested.pop(), dg.DagsterRunStatus.NOT_STARTED)

    assert not here.tick().requests
    assert there.tick().requests


def test_what_a_renamed_job_has_written_down_is_started_by_its_queue(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    old = build_airbyte_start_job(workspace=workspace, name="old_name", max_running=2)
    queued(airbyte, instance, old, max_running=2, location="here").run("old_name")

    now = queued(airbyte, instance, max_running=2, location="here")
    again = now.run()

    assert now.written_down(again.run_id) == []
    assert "Skipped 'a'" in lines(instance, again.run_id)
    assert now.all_night() == ALL


HERE = QueueName("workspace", "airbyte", "here")


@pytest.mark.parametrize(
    ("queue", "is_in"),
    [
        (HERE, True),
        (QueueName("another", "airbyte", "here"), False),
        (QueueName("workspace", "second", "here"), False),
        (QueueName("workspace", "airbyte", "there"), False),
    ],
)
def test_a_queue_is_a_workspace_a_resource_and_a_code_location(
    queue: QueueName, is_in: bool
) -> None:
    wait = Wait("id", "shop", queue, dg.AssetKey("orders"), 2, 60.0, job_name="gone")
    assert wait.is_in(HERE, lambda _: False) is is_in


@pytest.mark.parametrize("known", [True, False])
def test_where_the_code_location_is_not_known_the_name_of_the_job_tells(known: bool) -> None:
    """A run in somebody's own process, or of an earlier version."""
    wait = Wait("id", "shop", QueueName("workspace"), dg.AssetKey("orders"), 2, 60.0)
    assert wait.is_in(HERE, lambda _: known) is known
