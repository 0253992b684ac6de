"""Every five minutes the sensor looks at how connections stand, and a person sees the same."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteChecks, AirbyteWorkspace
from dagster_airbyte_sync.assets.checks.check_settings import CHECKS_OF_CONNECTIONS
from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation
from dagster_airbyte_sync.assets.checks.verdict import Verdict
from dagster_airbyte_sync.assets.events.ledger import LastReported
from dagster_airbyte_sync.assets.look.connection_now import Said
from dagster_airbyte_sync.assets.look.look import must_be_stored
from dagster_airbyte_sync.assets.tables.keys import SINCE, VERDICT, text_in, time_in
from dagster_airbyte_sync.sensors.decision import Limits
from dagster_airbyte_sync.sensors.looks import look
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    SimulatedConnection,
    SimulatedStream,
)
from helpers.deployment import Deployment, Tick, deployed
from helpers.look_ups import counted_look_ups

Deploy = Callable[..., Deployment]
BOTH = AirbyteChecks(rows=False, schema=True, connection=True)
FIVE_MINUTES, HOUR = timedelta(minutes=5), timedelta(hours=1)
ACTIVE = {"schema": "unchanged", "connection": "active"}


@pytest.fixture(autouse=True)
def _nothing_is_down() -> Iterator[None]:
    yield
    look._down.clear()


@pytest.fixture
def deploy(airbyte: AirbyteSimulator, memory: dg.DagsterInstance) -> Deploy:
    return partial(deployed, airbyte, memory)


@pytest.fixture
def deployment(deploy: Deploy, shop: SimulatedConnection) -> Deployment:
    deployment = deploy(checks=BOTH)
    deployment.tick()
    return deployment


def later(deployment: Deployment, by: timedelta = FIVE_MINUTES) -> Tick:
    """The tick after so long."""
    deployment.wait(by)
    return deployment.tick()


def evaluations(tick: Tick, table: str = "orders") -> dict[str, dg.AssetCheckEvaluation]:
    return {
        event.check_name.removeprefix("airbyte_"): event
        for event in tick.events
        if isinstance(event, dg.AssetCheckEvaluation) and event.asset_key == dg.AssetKey(table)
    }


def said(tick: Tick, table: str = "orders") -> dict[str, str | None]:
    """What was stored of a table's checks."""
    found = evaluations(tick, table)
    return {name: text_in(event.metadata, VERDICT) for name, event in found.items()}


def shown(deployment: Deployment, table: str = "orders") -> dict[str, bool]:
    """How each check stands where Dagster shows it for the table's last materialization."""
    last = deployment.instance.get_latest_materialization_event(dg.AssetKey(table))
    found = {}
    for name in CHECKS_OF_CONNECTIONS:
        check = dg.AssetCheckKey(dg.AssetKey(table), name)
        record = deployment.instance.get_latest_asset_check_evaluation_record(check)
        assert record
        assert record.evaluation
        # As `AssetCheckExecutionRecord.targets_latest_materialization` has it.
        is_shown = last is None or record.run_id == last.run_id
        assert is_shown or (last and record.create_timestamp > last.timestamp)
        found[name.removeprefix("airbyte_")] = record.evaluation.passed
    return found


def by_hand(deployment: Deployment, *names: str) -> dict[str, dg.AssetCheckEvaluation]:
    """What a run says that evaluates these checks of `orders` and nothing else."""
    asked = [dg.AssetCheckKey(dg.AssetKey("orders"), name) for name in names]
    job = dg.define_asset_job("by_hand", dg.AssetSelection.checks(*asked))
    defs = dg.Definitions.merge(deployment.defs, dg.Definitions(jobs=[job]))
    run = defs.resolve_job_def("by_hand").execute_in_process(instance=deployment.instance)
    return {
        each.check_name.removeprefix("airbyte_"): each for each in run.get_asset_check_evaluations()
    }


def body(event: dg.AssetCheckEvaluation) -> tuple[object, ...]:
    return event.passed, event.severity, event.description, event.metadata


def test_without_such_checks_an_idle_tick_is_one_request(
    deploy: Deploy, shop: SimulatedConnection
) -> None:
    deployment = deploy(checks=AirbyteChecks())
    deployment.tick()
    assert [later(deployment).sent for _ in range(2)] == [1, 1]


def test_with_them_it_is_three_every_five_minutes_and_one_in_between(
    deployment: Deployment,
) -> None:
    sent = [later(deployment, timedelta(seconds=100)).sent for _ in range(7)]
    assert sent == [1, 1, 3, 1, 1, 3, 1]
    paths = [request.path for request in deployment.airbyte.requests[-4:-1]]
    assert [path.rpartition("/")[2] for path in paths] == [
        "list_for_workspaces",
        "list",
        "list_for_workspaces",
    ]


def test_each_table_is_evaluated_once_and_after_a_day_again(deployment: Deployment) -> None:
    first = deployment.ticks[0]
    assert said(first) == said(first, "users") == ACTIVE
    assert shown(deployment) == {"schema": True, "connection": True}
    assert [later(deployment, 6 * HOUR).events for _ in range(3)] == [[], [], []]
    assert said(later(deployment, 7 * HOUR)) == ACTIVE


@pytest.mark.parametrize(
    ("change", "schema", "connection"),
    [
        ({"status": "inactive"}, None, "paused"),
        ({"status": "locked", "status_reason": "unpaid"}, None, "locked"),
        ({"breaking_change": True}, "schema_held", "schema_held"),
    ],
)
def test_each_state_is_said_once_seen_by_hand_as_well_and_recovers(
    deployment: Deployment,
    shop: SimulatedConnection,
    change: dict[str, object],
    schema: str | None,
    connection: str,
) -> None:
    deployment.airbyte.update_connection(shop, **change)  # type: ignore[arg-type]
    seen = later(deployment)
    expected = {"connection": connection, **({"schema": schema} if schema else {})}
    assert said(seen) == said(seen, "users") == expected
    assert later(deployment).events == []

    found = evaluations(seen)["connection"]
    since = time_in(found.metadata, SINCE)
    deployment.wait(HOUR)
    (again,) = by_hand(deployment, "airbyte_connection").values()
    # It has been so since it was seen first.
    assert time_in(again.metadata, SINCE) == since
    assert body(again) == body(found)
    assert shop.connection_id in str(text_url(found))

    deployment.airbyte.update_connection(shop, status="active", breaking_change=False)
    assert said(later(deployment)) == {**expected, "connection": "active"} | (
        {"schema": "unchanged"} if schema else {}
    )
    assert shown(deployment) == {"schema": True, "connection": True}


def text_url(event: dg.AssetCheckEvaluation) -> object:
    return event.metadata["dagster-airbyte/connection_url"].value


def test_a_sync_that_runs_for_three_days_is_seen_and_so_is_its_end(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    airbyte = deployment.airbyte
    for _ in range(5):
        job = airbyte.start_sync(shop)
        airbyte.begin(job)
        deployment.wait(timedelta(minutes=3))
        airbyte.succeed(job)
        deployment.tick()
    assert text_in(deployment.last("users").metadata, "dagster-airbyte/recent_durations") == (
        "180 180 180 180 180"
    )
    stuck = airbyte.start_sync(shop)
    airbyte.begin(stuck)

    assert said(later(deployment, timedelta(minutes=30))) == {}
    seen = later(deployment)
    assert said(seen) == said(seen, "users") == {"connection": "running_long"}
    event = evaluations(seen)["connection"]
    assert event.description == (
        f"Job {stuck.job_id} (sync) has been running since {stuck.created_at:%Y-%m-%d %H:%M} UTC,"
        " although syncs usually take 3 min 0 s at most"
    )
    assert time_in(event.metadata, SINCE) == stuck.created_at.replace(microsecond=0)
    assert f"jobId={stuck.job_id}" in str(event.metadata["dagster-airbyte/job_url"].value)
    deployment.wait(timedelta(days=3))
    (again,) = by_hand(deployment, "airbyte_connection").values()
    assert body(again) == body(event)

    airbyte.succeed(stuck)
    assert said(later(deployment))["connection"] == "active"


@pytest.mark.parametrize("version", ["1.8.0", "2.0.0", "2.1.0"])
@pytest.mark.parametrize("configuration_api", [True, False], ids=["both APIs", "public API only"])
def test_what_waits_or_is_between_attempts_is_seen_in_each_api_and_version(
    memory: dg.DagsterInstance, version: str, *, configuration_api: bool
) -> None:
    with AirbyteSimulator(version=version, configuration_api=configuration_api) as airbyte:
        names = ["pending", "incomplete", "refreshing", "queued"][: 4 if version == "2.1.0" else 3]
        made = {name: airbyte.add_connection(name, streams=[name]) for name in names}
        jobs = [airbyte.start_sync(made[name]) for name in ("pending", "incomplete")]
        airbyte.fail_attempt(jobs[1])
        airbyte.begin(airbyte.start_refresh(made["refreshing"]))
        if "queued" in made:
            airbyte.queue(airbyte.start_sync(made["queued"]))
        # The clock alone: more would begin the next attempt.
        airbyte.clock.advance(timedelta(hours=25))
        tick = deployed(airbyte, memory, checks=AirbyteChecks(connection=True)).tick()
        found = {name: said(tick, name)["connection"] for name in made}

    runs = {"incomplete", "refreshing"}
    assert found == {name: "running_long" if name in runs else "waiting_long" for name in names}


def test_a_change_of_columns_and_streams_is_said_on_its_own_table(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    retyped = SimulatedStream(
        "orders", json_schema={"properties": {"id": {"type": "string"}, "note": {}}}
    )
    deployment.airbyte.update_connection(shop, streams=[retyped, "carts"])
    seen = later(deployment)
    texts = {name: evaluations(seen, name)["schema"].description for name in ("orders", "users")}
    assert texts == {
        "orders": "Since the definitions were loaded: new columns: note; removed columns: name;"
        " columns of another type: id (integer to string); new streams: carts. Reload the code"
        " location to pick this up",
        "users": "Since the definitions were loaded: stream that is no longer synced: users."
        " Reload the code location to pick this up",
    }
    (again,) = by_hand(deployment, "airbyte_schema").values()
    assert body(again) == body(evaluations(seen)["schema"])
    # Loaded anew, they are as they were loaded.
    deployment.workspace.get_client().catalog(fresh=True)
    fresh = deployed(deployment.airbyte, deployment.instance, checks=BOTH)
    now = fresh.tick()
    assert (said(now), said(now, "carts")) == ({"schema": "unchanged"}, ACTIVE)


def test_a_connection_that_is_late_is_in_time_with_the_sync_that_the_same_tick_reports(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    crm = airbyte.add_connection("crm", streams=["leads"], schedule={"cron": "0 0 * * * ?"})
    deployment = deploy(checks=AirbyteChecks(connection=True))
    assert said(deployment.tick(), "leads")["connection"] == "active"
    late = later(deployment, 4 * HOUR)
    assert said(late, "leads") == {"connection": "never_synced"}
    job = airbyte.run_sync(crm)

    seen = later(deployment)
    assert seen.materialized == [("leads", job.job_id)]
    assert said(seen, "leads")["connection"] == "active"


def test_a_deleted_connection_is_told_from_one_of_another_workspace(
    airbyte: AirbyteSimulator, deploy: Deploy, shop: SimulatedConnection
) -> None:
    with AirbyteSimulator() as other:
        other.add_connection("crm", streams=["leads"])
        theirs = deployed(other, dg.DagsterInstance.ephemeral(), resource_key="crm", checks=BOTH)
    deployment = deploy(checks=BOTH)
    deployment.defs = dg.Definitions.merge(
        deployment.defs,
        dg.Definitions(assets=theirs.defs.assets, asset_checks=theirs.defs.asset_checks),
        dg.Definitions(resources={"crm": theirs.workspace}),
    )
    first = deployment.tick()
    assert (said(first), said(first, "leads")) == (ACTIVE, {})
    airbyte.delete_connection(shop)

    seen = later(deployment)
    assert said(seen) == {"schema": "deleted", "connection": "deleted"}
    assert said(seen, "leads") == {}


def test_an_airbyte_that_does_not_answer_them_costs_no_report_and_is_named_once(
    deployment: Deployment, shop: SimulatedConnection, capfd: pytest.CaptureFixture[str]
) -> None:
    airbyte = deployment.airbyte
    airbyte.add_fault(Fault.status(500), path="/connections/list", times=None)
    warned = "The state of the connections is unknown now"
    for _ in range(2):
        job = airbyte.run_sync(shop)
        tick = later(deployment)
        assert tick.materialized == [("orders", job.job_id), ("users", job.job_id)]
        assert set(said(tick)) <= {"sync"}
    # Not before five minutes are over.
    assert later(deployment, timedelta(seconds=30)).sent == 1
    assert capfd.readouterr().err.count(warned) == 1

    airbyte.clear_faults()
    airbyte.update_connection(shop, status="inactive")
    assert said(later(deployment)) == {"connection": "paused"}


def test_what_does_not_fit_into_a_tick_is_stored_by_the_next_ones(
    airbyte: AirbyteSimulator, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster_airbyte_sync.sensors.tick.Limits", partial(Limits, events=20))
    wide = airbyte.add_connection("wide", streams=[f"t{number:02}" for number in range(24)])
    deployment = deploy(checks=BOTH)
    counts = []
    deployment.tick()
    airbyte.run_sync(wide)
    for _ in range(6):
        with counted_look_ups() as count:
            deployment.wait(timedelta(seconds=30))
            counts.append(len(deployment.tick().events))
        assert count["get_latest_asset_check_execution_by_key"] <= 3
        # Twice for what is reported, as without such checks, and once for the look.
        assert count["get_asset_records"] <= 4

    # First what is reported, then what there is room for.
    assert len(deployment.ticks[0].events) == 20
    assert [len(tick.materialized) for tick in deployment.ticks][:4] == [0, 10, 10, 4]
    assert max(counts) <= 20
    stored = [event for tick in deployment.ticks for event in tick.events]
    of_connections = [
        (event.asset_key, event.check_name)
        for event in stored
        if isinstance(event, dg.AssetCheckEvaluation) and event.check_name in CHECKS_OF_CONNECTIONS
    ]
    assert len(of_connections) == len(set(of_connections)) == 48
    assert counts[-1] == 0


def test_what_was_evaluated_by_hand_stays_shown_behind_the_next_sync(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    """Dagster shows what a run has evaluated for nothing that is stored later."""
    by_hand(deployment, *CHECKS_OF_CONNECTIONS)
    deployment.airbyte.run_sync(shop)

    tick = later(deployment, timedelta(seconds=30))

    assert {name: text for name, text in said(tick).items() if name != "sync"} == ACTIVE
    assert shown(deployment) == {"schema": True, "connection": True}
    assert set(said(tick, "users")) == {"sync"}


def test_after_a_runs_materialization_one_is_stored_at_once(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    """Dagster shows for it only what is of the same run, or was stored later."""
    airbyte = deployment.airbyte
    tables = dg.AssetSelection.assets("orders", "users").without_checks()
    job = dg.define_asset_job("without_checks", tables)
    defs = dg.Definitions.merge(deployment.defs, dg.Definitions(jobs=[job]))
    airbyte.on_request(
        lambda request: [airbyte.advance(20)] if request.path.endswith("/jobs/1") else []  # type: ignore[arg-type]
    )
    run = defs.resolve_job_def("without_checks").execute_in_process(instance=deployment.instance)
    assert run.success
    deployment.wait(timedelta(seconds=30))

    tick = deployment.tick()

    assert {"schema", "connection"} <= set(said(tick))
    # Dagster has the time of an evaluation to the second: one of the same is not shown.
    last = LastEvaluation(passed=True, reason="active", stored_at=7.0)
    active = Said(Verdict("active", ""))
    assert must_be_stored(active, last, LastReported(run_id="r", stored_at=7.5), 9.0)
    assert not must_be_stored(active, last, LastReported(run_id="r", stored_at=6.9), 9.0)
    assert not must_be_stored(active, last, LastReported(stored_at=7.5), 9.0)
    of_run = replace(last, run_id="r")
    assert must_be_stored(active, of_run, LastReported(stored_at=7.5), 9.0)
    assert not must_be_stored(active, of_run, LastReported(stored_at=6.9), 9.0)
    assert must_be_stored(active, of_run, LastReported(run_id="s", stored_at=7.5), 9.0)
    assert not must_be_stored(active, of_run, LastReported(run_id="r", stored_at=7.5), 9.0)


def test_a_cursor_from_before_there_were_looks_is_read_and_looks_at_once(
    deployment: Deployment,
) -> None:
    before = json.loads(deployment.cursor or "")
    assert before.pop("looked") > 0
    deployment.cursor = json.dumps(before)
    assert deployment.tick().sent == 3
    assert deployment.tick().sent == 1


def test_a_tick_that_dies_leaves_no_evaluation_out_and_stores_none_twice(
    deployment: Deployment, shop: SimulatedConnection
) -> None:
    deployment.airbyte.update_connection(shop, status="inactive")
    deployment.wait(FIVE_MINUTES)
    before = deployment.tick(crash_after=1)
    after = deployment.tick()
    assert len(before.events) == 2
    assert [said(after), said(after, "users")].count({"connection": "paused"}) == 1


def test_two_requests_bring_all_and_unfinished_jobs_come_from_the_oldest_on(
    airbyte: AirbyteSimulator,
) -> None:
    for number in range(4):
        airbyte.start_sync(airbyte.add_connection(f"c{number}"))
        airbyte.advance(60)
    client = AirbyteWorkspace(**airbyte.workspace_config(), max_items_per_page=3).get_client()
    assert [job.id for job in client.unfinished_jobs()] == [1, 2, 3]
    assert len(client.connections().connections) == 4
