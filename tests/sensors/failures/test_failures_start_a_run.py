"""Each sync that went wrong starts a run, which can read in its tags what happened."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    Connection,
    OnFailure,
    ProblemKind,
    SyncProblem,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection
from helpers.watched import Watched, notify, problems_of, watched

Watch = Callable[..., Watched]
REASON = "Could not connect to the database: timed out"


def fail(airbyte: AirbyteSimulator, connection: SimulatedConnection, reason: str = REASON) -> int:
    return airbyte.fail(airbyte.start_sync(connection), reason=reason).job_id


def test_a_failed_sync_starts_a_run_that_knows_what_failed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    sensor.tick()
    job_id = fail(airbyte, shop)

    (request,) = sensor.tick().requests

    page = f"{airbyte.url}/workspaces/{airbyte.workspace_id}/connections/{shop.connection_id}"
    assert request.job_name == notify.name
    assert SyncProblem.from_run_tags(request.tags) == SyncProblem(
        kind=ProblemKind.FAILED,
        connection_id=shop.connection_id,
        connection_name="shop",
        job_id=job_id,
        reason=REASON,
        job_url=f"{page}/timeline?jobId={job_id}&openLogs=true",
        ended_at=airbyte.now.replace(microsecond=0),
    )


def test_so_it_does_where_the_configuration_api_is_closed(
    either: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = either.add_connection("shop")
    sensor = watched(either, instance)
    sensor.tick()
    job_id = fail(either, shop)

    sensor.tick()

    (problem,) = sensor.problems
    assert (problem.kind, problem.connection_name, problem.job_id) == ("failed", "shop", job_id)
    # The public API gives none.
    assert problem.reason in (REASON, "Airbyte gave no reason")
    assert f"jobId={job_id}" in problem.job_url


def test_a_cancelled_sync_starts_a_run_too(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    airbyte.cancel(airbyte.start_sync(shop))
    sensor.tick()
    assert [each.kind for each in sensor.problems] == [ProblemKind.CANCELLED]


def test_a_failed_clear_starts_a_run_too(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    airbyte.fail(airbyte.start_clear(shop))
    sensor.tick()
    assert [each.kind for each in sensor.problems] == [ProblemKind.FAILED]


def test_what_went_well_starts_nothing(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    airbyte.run_sync(shop, rows=3)
    airbyte.fail_attempt(airbyte.start_sync(shop))
    tick = sensor.tick()
    assert not tick.requests
    assert re.fullmatch(
        r"Nothing to start a run for\. Read up to [-\d]+ [:\d]+ UTC\.", tick.summary or ""
    )


@pytest.mark.parametrize("kinds", [("failed",), ("cancelled",), ("failed", "cancelled")])
def test_only_the_kinds_that_were_asked_for_start_runs(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch, kinds: tuple[str, ...]
) -> None:
    sensor = watch(OnFailure(notify, kinds=kinds))
    fail(airbyte, shop)
    airbyte.cancel(airbyte.start_sync(shop))
    sensor.tick()
    assert {each.kind for each in sensor.problems} == set(kinds)


def test_a_sync_that_moved_no_row_is_empty(
    either: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    """A clear moves none either, but is not empty; nor is what Airbyte did not count."""
    shop, crm = (either.add_connection(name, [f"{name}_table"]) for name in ("shop", "crm"))
    sensor = watched(either, instance, OnFailure(notify, kinds=["empty"]))
    empty = either.run_sync(shop, rows=0)
    either.run_clear(shop)
    either.run_sync(crm, rows=1)
    sensor.tick()
    (problem,) = sensor.problems
    assert (problem.kind, problem.job_id) == (ProblemKind.EMPTY, empty.job_id)
    assert "no row" in problem.reason


def test_a_connection_that_has_no_assets_yet_counts(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    fail(airbyte, airbyte.add_connection("new"))
    sensor.tick()
    assert [each.connection_name for each in sensor.problems] == ["new"]


def test_connections_that_were_not_selected_start_nothing(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch(connection_selector_fn=lambda connection: connection.name == "crm")
    for connection in (shop, crm, airbyte.add_connection("new")):
        fail(airbyte, connection)
    sensor.tick()
    assert [each.connection_name for each in sensor.problems] == ["crm"]


def test_a_selector_that_raises_hides_no_failure(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    broken: list[str] = []

    def selector(connection: Connection) -> bool:
        if broken:
            raise ValueError(connection.name)
        return True

    sensor = watch(connection_selector_fn=selector)
    fail(airbyte, shop)
    broken.append("it")
    sensor.tick()
    assert [each.connection_name for each in sensor.problems] == ["shop"]


def test_an_idle_tick_is_one_request(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    fail(airbyte, shop)
    sensor.tick()
    assert [sensor.tick().sent for _ in range(3)] == [1, 1, 1]


def test_a_tick_says_what_failed(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    crm: SimulatedConnection,
    watch: Watch,
) -> None:
    """Dagster shows it where no run is asked for."""
    sensor = watch(OnFailure(lambda problem: None, jobs=[notify]))
    for connection in (shop, crm, crm):
        fail(airbyte, connection)
    airbyte.cancel(airbyte.start_sync(shop))
    said = sensor.tick().summary or ""
    assert said.startswith(
        "3 syncs failed: shop, crm (2 times). 1 sync was cancelled: shop. Read up to 2"
    )
    assert said.endswith(" UTC.")


def test_an_airbyte_that_is_down_fails_the_tick_and_nothing_is_missed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    sensor.tick()
    fail(airbyte, shop)
    airbyte.add_fault(Fault.drop(), times=None)
    with pytest.raises(Exception, match="is Airbyte running"):
        sensor.tick()
    airbyte.clear_faults()
    sensor.tick()
    assert [each.connection_name for each in sensor.problems] == ["shop"]


def test_without_the_list_of_connections_the_run_starts_all_the_same(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    """The name is then the one that the assets have."""
    sensor = watch()
    sensor.tick()
    fail(airbyte, shop)
    airbyte.add_fault(Fault.status(403), path="connections", times=None)
    sensor.tick()
    assert [each.connection_name for each in sensor.problems] == ["shop"]


def test_an_airbyte_that_gives_no_list_is_not_asked_for_each_connection(
    airbyte: AirbyteSimulator, watch: Watch
) -> None:
    names = {f"c{number}" for number in range(12)}
    failing = [airbyte.add_connection(name, [name]) for name in names]
    sensor = watch()
    sensor.tick()
    for connection in failing:
        fail(airbyte, connection)
    sensor.move_to_another_process()
    airbyte.add_fault(Fault.status(500), path="connections", times=None)
    assert sensor.tick().sent < 10
    assert {each.connection_name for each in sensor.problems} == names


def test_a_deleted_connection_has_its_name(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    sensor = watch()
    sensor.tick()
    fail(airbyte, shop)
    airbyte.update_connection(shop, status="deprecated")
    sensor.tick()
    assert [each.connection_name for each in sensor.problems] == ["shop"]


def test_what_airbyte_says_is_cut_and_can_be_stored(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch
) -> None:
    """PostgreSQL refuses a NUL character."""
    sensor = watch()
    fail(airbyte, shop, reason="a\x00b" + "c" * 2_000)
    (request,) = sensor.tick().requests
    (problem,) = problems_of([request])
    assert problem.reason.startswith("abccc")
    assert problem.reason.endswith("c ...")
    assert len(problem.reason) == 500


PROBLEM = SyncProblem(ProblemKind.LATE, "c", "shop", None, "late", "http://a", None, others=2)


def test_a_problem_comes_back_from_the_tags_of_its_run() -> None:
    whole = replace(PROBLEM, job_id=5, ended_at=None)
    for problem in (PROBLEM, whole):
        assert SyncProblem.from_run_tags(problem.as_tags()) == problem
    assert all(isinstance(value, str) for value in PROBLEM.as_tags().values())


def test_a_run_that_was_launched_by_hand_says_what_it_lacks() -> None:
    with pytest.raises(AirbyteSettingsError, match="give it the tags of"):
        SyncProblem.from_run_tags({"dagster-airbyte/problem": "failed"})


@pytest.mark.parametrize("days", [0, 2])
def test_the_first_tick_begins_ten_minutes_ago(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, watch: Watch, days: int
) -> None:
    sensor = watch()
    fail(airbyte, shop)
    sensor.wait(timedelta(days=days))
    sensor.tick()
    assert len(sensor.problems) == (1 if days == 0 else 0)
