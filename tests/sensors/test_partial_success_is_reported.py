"""Tables that are complete in a failed job: what is reported of them, by sensor, run and hand."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.assets.checks.check_settings import SYNC_CHECK
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RealClock,
    SimulatedConnection,
    SimulatedJob,
)
from helpers.deployment import Deployment, Tick

STREAMS = ["a", "b", "c"]
OUTCOMES = "/stream_statuses/list"
PARTIAL = "Airbyte reports this table as complete, although the sync failed: disk full"

Evaluation = dg.AssetCheckEvaluation


@dg.asset(deps=["a"])
def of_a() -> None: ...


@dg.asset(deps=["b"])
def of_b() -> None: ...


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=STREAMS)


def deployed(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, **settings: Any
) -> Deployment:
    """Checks, two assets downstream, and a sensor that has ticked."""
    workspace = AirbyteWorkspace(
        **airbyte.workspace_config(),
        poll_interval=0.02,
        request_max_retries=0,
        **{"partial_success": True, **settings},
    )
    ours = build_airbyte_definitions(workspace, downstream=dg.AssetSelection.all())
    defs = dg.Definitions.merge(ours, dg.Definitions([of_a, of_b]))
    deployment = Deployment(airbyte, workspace, defs, instance)
    deployment.tick()
    return deployment


def failed(airbyte: AirbyteSimulator, shop: SimulatedConnection, *complete: str) -> SimulatedJob:
    job = airbyte.start_sync(shop)
    return airbyte.fail(job, reason="disk full", rows=5, completed=complete)


def said(tick: Tick) -> dict[str, tuple[str, str]]:
    """What the check of the sync says of each table, and how bad that is."""
    return {
        event.asset_key.to_user_string(): (event.severity.value, event.description or "")
        for event in tick.events
        if isinstance(event, Evaluation) and event.check_name == SYNC_CHECK
    }


def asked(airbyte: AirbyteSimulator) -> int:
    return sum(request.path.endswith(OUTCOMES) for request in airbyte.requests)


def test_complete_tables_are_fresh_and_warn_and_start_what_follows_and_the_others_failed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, memory)
    job = failed(airbyte, shop, "a", "c")

    tick = deployment.tick()

    assert tick.materialized == [("a", job.job_id), ("c", job.job_id)]
    why = ("ERROR", "The sync failed: disk full")
    assert said(tick) == {"a": ("WARN", PARTIAL), "b": why, "c": ("WARN", PARTIAL)}
    assert not any(isinstance(event, dg.AssetObservation) for event in tick.events)
    (request,) = tick.requests
    assert request.asset_selection == [dg.AssetKey("of_a")]
    event = deployment.last("a")
    assert (event.description, event.metadata[keys.PARTIAL].value) == (PARTIAL, True)
    assert (event.metadata[keys.JOB_STATUS].value, asked(airbyte)) == ("failed", 1)
    assert deployment.tick().sent == 1


def test_unless_it_is_asked_for_nothing_of_a_failed_job_is_fresh_and_nothing_is_asked(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, memory, partial_success=False)
    failed(airbyte, shop, "a")

    tick = deployment.tick()

    assert (tick.materialized, tick.requests, asked(airbyte)) == ([], [], 0)
    assert {severity for severity, _ in said(tick).values()} == {"ERROR"}


def test_a_job_of_which_airbyte_does_not_answer_waits_some_minutes_and_its_connection_with_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, memory)
    job = failed(airbyte, shop, "a")
    later = airbyte.run_sync(shop)
    airbyte.add_fault(Fault.status(500), path=OUTCOMES, times=None)

    assert deployment.tick().events == []
    deployment.wait(timedelta(minutes=4))
    assert deployment.tick().events == []
    airbyte.clear_faults()
    deployment.tick()

    assert deployment.reported("a") == [job.job_id, later.job_id]
    assert deployment.reported("b") == [later.job_id]


def test_but_not_for_ever(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, memory)
    failed(airbyte, shop, "a")
    later = airbyte.run_sync(shop)
    airbyte.add_fault(Fault.status(500), path=OUTCOMES, times=None)

    deployment.tick()
    deployment.wait(timedelta(minutes=6))
    tick = deployment.tick()

    assert tick.materialized == [(name, later.job_id) for name in STREAMS]
    airbyte.clear_faults()
    assert deployment.tick().events == []


def test_where_airbyte_refuses_to_say_it_a_failure_is_reported_in_minutes(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, memory: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, memory)
    airbyte.add_fault(Fault.status(403), path=OUTCOMES, times=None)

    failed(airbyte, shop, "a")
    assert said(deployment.tick()) == {}
    deployment.wait(timedelta(minutes=5))
    assert len(said(deployment.tick())) == 3
    assert asked(airbyte) == 1


# Runs


@pytest.fixture
def live() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


@dataclass
class Failing:
    """A run whose sync has failed when some tables were complete, and the sensor's next tick."""

    deployment: Deployment
    result: dg.ExecuteInProcessResult
    tick: Tick

    @classmethod
    def of(cls, airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> "Failing":
        shop = airbyte.add_connection("shop", streams=STREAMS, sync_seconds=0.1)
        deployment = deployed(airbyte, instance)
        airbyte.plan(shop, outcome="failed", reason="disk full", rows=5, completed=["a", "c"])
        result = deployment.materialize(*STREAMS)
        return cls(deployment, result, deployment.tick())


def said_by_run(failing: Failing) -> dict[str, tuple[str, str]]:
    """What `airbyte_sync` says in the run that failed, by table."""
    return {
        each.asset_key.to_user_string(): (each.severity.value, each.description or "")
        for each in failing.deployment.said_in(failing.result)
        if each.check_name == SYNC_CHECK
    }


def test_where_airbyte_does_not_say_it_a_run_leaves_it_to_the_sensor(
    live: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    live.add_fault(Fault.status(500), path=OUTCOMES, times=None)
    failing = Failing.of(live, memory)
    assert not failing.result.success
    assert said_by_run(failing) == {}


def test_a_run_reports_complete_tables_says_what_failed_and_the_sensor_adds_nothing(
    live: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    failing = Failing.of(live, memory)

    assert not failing.result.success
    (job,) = live.jobs
    expected = {"a": [job.job_id], "b": [], "c": [job.job_id]}
    assert failing.deployment.reported_all(STREAMS) == expected
    assert keys.PARTIAL in failing.deployment.last("a").metadata
    # What follows the run's own tables is not the sensor's to start.
    assert (failing.tick.materialized, failing.tick.requests) == ([], [])
    by_run = said_by_run(failing)
    assert by_run["a"] == by_run["c"] == ("WARN", PARTIAL)
    assert by_run["b"][0] == "ERROR"
    assert said(failing.tick) == {}
    log = " ".join(entry.user_message for entry in memory.all_logs(failing.result.run_id))
    assert ("had no stream" in log, "was already reported" in log) == (False, False)
    failing.deployment.cursor = None
    assert failing.deployment.tick().materialized == []


def test_where_it_died_before_it_said_so_the_sensor_adds_only_checks(
    live: AirbyteSimulator, memory: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster_airbyte_sync.assets.sync.step.say_again", lambda *_: None)
    failing = Failing.of(live, memory)

    assert said(failing.tick)["a"] == said(failing.tick)["c"] == ("WARN", PARTIAL)
    assert said(failing.tick)["b"][0] == "ERROR"
    assert (failing.tick.materialized, failing.tick.requests) == ([], [])


def test_the_check_by_hand_says_what_the_run_says(
    live: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    failing = Failing.of(live, memory)
    asked = [dg.AssetCheckKey(dg.AssetKey(name), SYNC_CHECK) for name in STREAMS]
    job = dg.define_asset_job("checks", dg.AssetSelection.checks(*asked))
    defs = dg.Definitions.merge(failing.deployment.defs, dg.Definitions(jobs=[job]))
    result = defs.resolve_job_def("checks").execute_in_process(instance=memory)

    by_hand = {
        each.asset_key.to_user_string(): (each.severity.value, each.description)
        for each in result.get_asset_check_evaluations()
    }
    assert by_hand == said_by_run(failing)
