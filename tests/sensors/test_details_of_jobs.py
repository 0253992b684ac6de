"""Who started a sync, and how the log of a failed one ends: with what is reported, for few requests
and never at the cost of a report."""

from functools import partial
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.sensors.decision import Limits
from dagster_airbyte_sync.sensors.details.asked_of_jobs import MOST_REQUESTS, OF_BACKLOG
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RealClock,
    SimulatedConnection,
    SimulatedUser,
)
from helpers.deployment import Deployment, Tick

ANNA = SimulatedUser.named("Anna Smith", "anna@example.com")
WHO, LOG = "/events/list", "/attempt/get_for_job"


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["a", "b", "c"])


def deployed(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, **settings: Any
) -> Deployment:
    workspace = AirbyteWorkspace(
        **airbyte.workspace_config(), request_max_retries=0, poll_interval=0.02, **settings
    )
    deployment = Deployment(airbyte, workspace, build_airbyte_definitions(workspace), instance)
    deployment.tick()
    return deployment


def asked(airbyte: AirbyteSimulator) -> tuple[int, int]:
    """How often who started a job was asked for, and how often a log."""
    paths = [request.path for request in airbyte.requests]
    return sum(path.endswith(WHO) for path in paths), sum(path.endswith(LOG) for path in paths)


def started_by(tick: Tick) -> set[str | None]:
    return {keys.text_in(event.metadata, keys.STARTED_BY) for event in tick.events}


def synced(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    airbyte.say_who_started(airbyte.run_sync(shop), ANNA)


def test_who_started_a_sync_is_in_all_its_events_for_one_request_and_none_when_idle(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, memory)
    synced(airbyte, shop)

    assert started_by(deployment.tick()) == {"Anna Smith"}
    assert deployment.last("a").metadata[keys.TRIGGERED_BY].value == "external"
    assert deployment.tick().sent == 1
    assert asked(airbyte) == (1, 0)


def test_a_failed_check_has_the_end_of_the_log_for_one_request(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, memory)
    job = airbyte.fail(airbyte.start_sync(shop))
    airbyte.write_log(job, ["reading", "the disk is full"])

    tick = deployment.tick()

    said, *_ = tick.events
    shown = str(said.metadata[keys.FAILURE_LOG].value)
    assert shown.count("INFO > the disk is full") == 1
    assert asked(airbyte) == (1, 1)


def test_of_a_wide_connection_twenty_tables_have_the_log_and_all_have_the_reason(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    wide = airbyte.add_connection("wide", streams=[f"t{number}" for number in range(25)])
    deployment = deployed(airbyte, memory)
    airbyte.fail(airbyte.start_sync(wide), reason="the disk is full")

    events = deployment.tick().events

    assert sum(keys.FAILURE_LOG in event.metadata for event in events) == 20
    assert sum(keys.FAILURE_REASON in event.metadata for event in events) == 25


def test_either_can_be_switched_off(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, memory, who_started=False, failure_log=False)
    synced(airbyte, shop)
    airbyte.fail(airbyte.start_sync(shop))

    assert (started_by(deployment.tick()), asked(airbyte)) == ({None}, (0, 0))


def test_an_airbyte_that_refuses_is_not_asked_for_each_job_and_all_is_reported(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, memory)
    for path in (WHO, LOG):
        airbyte.add_fault(Fault.status(403), path=path, times=None)

    for _ in range(3):
        synced(airbyte, shop)
        assert len(deployment.tick().materialized) == 3
    assert asked(airbyte)[0] == 1


def test_of_a_backlog_only_the_newest_are_asked_about(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, memory)
    for _ in range(MOST_REQUESTS + 5):
        synced(airbyte, shop)

    tick = deployment.tick()

    assert len(tick.materialized) == 3 * (MOST_REQUESTS + 5)
    assert asked(airbyte) == (OF_BACKLOG, 0)
    named = [keys.text_in(event.metadata, keys.STARTED_BY) for event in tick.events]
    assert (named[0], named[-1]) == (None, "Anna Smith")


def test_of_many_syncs_those_that_failed_have_their_log(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, memory)
    airbyte.write_log(airbyte.fail(airbyte.start_sync(shop)), ["the disk is full"])
    for _ in range(MOST_REQUESTS + 5):
        synced(airbyte, shop)

    events = deployment.tick().events

    logs = [event for event in events if keys.FAILURE_LOG in event.metadata]
    assert logs
    assert asked(airbyte) == (OF_BACKLOG + 1, 1)


def test_of_a_backlog_of_several_ticks_only_the_last_one_asks(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    memory: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dagster_airbyte_sync.sensors.tick.Limits", partial(Limits, events=30))
    deployment = deployed(airbyte, memory)
    # Ticks of 7, 40 and 3 syncs: what was stored quickly makes room for more.
    for _ in range(50):
        synced(airbyte, shop)

    named = [started_by(deployment.tick()) for _ in range(3)]

    assert named == [{None}, {None}, {"Anna Smith"}]
    assert asked(airbyte) == (3, 0)


def test_of_a_connection_that_takes_several_ticks_it_is_asked_once(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    memory: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = partial(Limits, events=2)
    monkeypatch.setattr("dagster_airbyte_sync.sensors.tick.Limits", few)
    deployment = deployed(airbyte, memory)
    synced(airbyte, shop)

    ticks = [deployment.tick() for _ in range(6)]

    assert sum(len(tick.materialized) for tick in ticks) == 3
    assert set().union(*map(started_by, ticks)) == {"Anna Smith"}
    assert asked(airbyte) == (1, 0)


def test_a_run_shows_the_end_of_the_log_before_it_fails(memory: dg.DagsterInstance) -> None:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        shop = airbyte.add_connection("shop", streams=["a"], sync_seconds=0.1)
        deployment = deployed(airbyte, memory)
        airbyte.plan(shop, outcome="failed", reason="the disk is full")
        result = deployment.materialize("a")

        (step,) = [each for each in result.all_events if each.is_step_failure]
        failure = step.step_failure_data.user_failure_data
        assert failure is not None
        assert "the disk is full" in str(failure.metadata[keys.FAILURE_LOG].value)
        assert keys.STARTED_BY not in failure.metadata
        lines = [entry.user_message for entry in memory.all_logs(result.run_id)]
        assert any("of Airbyte job 1 ends with" in line for line in lines)
        # Whose run it was is known.
        assert asked(airbyte) == (0, 1)
