"""Workspaces that are away, or may not be read, and come back: what that costs the others."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import Connection
from dagster_airbyte_sync.resources import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.access.readable import Readable
from dagster_airbyte_sync.testing import RecordedRequest, SimulatedWorkspace
from helpers.deployment import ClientsTime, Deployment, forget_clients
from helpers.slow_ticks import pages_in_a_tick
from helpers.workspaces import Company, paths, reported

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
JOBS = "v1/jobs/list_for_workspaces"


@pytest.fixture
def deployment(company: Company, memory: dg.DagsterInstance) -> Deployment:
    deployment = company.deployed(memory)
    deployment.tick()
    return deployment


def sent(deployment: Deployment) -> list[str]:
    deployment.airbyte.forget_requests()
    deployment.tick()
    return paths(deployment.airbyte)


def test_more_than_a_tick_reads_is_caught_up_with_when_one_is_back(
    either: Company, memory: dg.DagsterInstance, clients_time: ClientsTime
) -> None:
    """A connection without jobs must not have history read from its beginning at each tick."""
    airbyte = either.airbyte
    airbyte.add_connection("never synced", ["nothing"], workspace=either.finance)
    # Its only job comes early.
    once = airbyte.add_connection("once", ["single"], workspace=either.finance)
    deployment = either.deployed(memory, either.instance_of(max_items_per_page=6))
    deployment.tick()
    airbyte.hide_workspace(either.finance)
    deployment.tick()
    deployment.wait(5 * DAY)
    began = airbyte.now - 5 * DAY
    apart = {"status": "succeeded", "apart": 3 * HOUR}
    early = airbyte.burst(once, 1, status="succeeded", at=began + HOUR)
    books = airbyte.burst(either.books, 30, at=began + 2 * HOUR, **apart)  # type: ignore[arg-type]
    desk = airbyte.burst(either.desk, 35, at=began + 2 * HOUR, **apart)  # type: ignore[arg-type]
    deployment.tick()
    airbyte.show_workspace(either.finance)
    clients_time.now += 600
    with pages_in_a_tick(airbyte, 9):
        for _ in range(25):
            deployment.wait(MINUTE)
            deployment.tick()
        last = airbyte.run_sync(either.desk)
        deployment.tick()
    assert reported(deployment, "finance/single") == [early[0].job_id]
    assert reported(deployment, "finance/orders") == [each.job_id for each in books]
    assert reported(deployment, "support/tickets") == [*(each.job_id for each in desk), last.job_id]
    assert deployment.tick().materialized == []


def test_one_that_may_not_be_read_is_tried_alone_and_said_once(
    either: Company,
    memory: dg.DagsterInstance,
    clients_time: ClientsTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deployment = either.deployed(memory)
    deployment.tick()
    job = either.airbyte.run_sync(either.books)
    either.airbyte.hide_workspace(either.finance, listed=True)
    deployment.tick()
    said = [each for each in caplog.messages if "'Finance'" in each]
    assert len([each for each in said if "refuses access to it" in each]) == 1
    caplog.clear()
    for _ in range(4):
        deployment.wait(11 * MINUTE)
        clients_time.now += 660
        asked = sent(deployment)
        refused = [each for each in either.airbyte.exchanges if each.status == 403]
        about = {",".join(each.request.query.get("workspaceIds", [])) for each in refused}
        assert either.finance.workspace_id in about
        assert len(about - {""}) == 1
        assert asked.count("v1/workspaces") <= 2
    assert not [each for each in caplog.messages if "Finance" in each]
    either.airbyte.show_workspace(either.finance)
    clients_time.now += 660
    deployment.tick()
    assert reported(deployment, "finance/orders") == [job.job_id]
    assert len([each for each in caplog.messages if "'Finance'" in each and "again" in each]) == 1
    assert deployment.tick().materialized == []


@pytest.mark.parametrize("is_listed", [True, False], ids=["listed", "gone"])
def test_a_refusal_for_the_sake_of_one_closes_no_api_for_the_others(
    company: Company,
    memory: dg.DagsterInstance,
    caplog: pytest.LogCaptureFixture,
    is_listed: bool,
) -> None:
    """Whether it is the first answer to a question, or one like it came before."""
    deployment = company.deployed(memory)
    company.airbyte.hide_workspace(company.finance, listed=is_listed)
    jobs = []
    for _ in range(2):
        jobs.append(company.airbyte.run_sync(company.desk))
        assert JOBS in sent(deployment)
        assert "v1/jobs" not in paths(company.airbyte)[-1:]
    assert reported(deployment, "support/tickets") == [each.job_id for each in jobs]
    assert not [each for each in caplog.messages if "Configuration API" in each]


def test_what_was_refused_stays_so_until_it_is_answered_for() -> None:
    """Whatever else is found out meanwhile."""
    refusing, now = {"b"}, [0.0]

    def ask(ids: Sequence[str], budget: TimeBudget) -> bool:
        return refusing.isdisjoint(ids)

    readable = Readable(ask, lambda: now[0])
    readable.find([["a", "b", "c", "d"]], NO_LIMIT)
    assert readable.refused == {"b"}
    refusing.add("d")
    readable.find([["a", "c", "d"]], NO_LIMIT)
    assert readable.refused == {"b", "d"}
    refusing.clear()
    now[0] = 599
    assert not readable.look_again(NO_LIMIT)
    now[0] = 600
    assert readable.look_again(NO_LIMIT)
    assert not readable.refused


def of_many(company: Company, number: int) -> list[SimulatedWorkspace]:
    return [company.airbyte.add_workspace(f"No {number}") for number in range(number)]


def test_the_one_of_many_that_may_not_be_read_is_found_in_few_requests(
    company: Company, memory: dg.DagsterInstance
) -> None:
    of_many(company, 60)
    deployment = company.deployed(memory)
    deployment.tick()
    company.airbyte.hide_workspace(company.finance, listed=True)
    job = company.airbyte.run_sync(company.desk)
    assert len(sent(deployment)) <= 18
    assert reported(deployment, "support/tickets") == [job.job_id]


def test_many_that_may_not_be_read_block_no_tick(
    company: Company, memory: dg.DagsterInstance, clients_time: ClientsTime
) -> None:
    many = of_many(company, 50)
    deployment = company.deployed(memory)
    deployment.tick()
    jobs = [company.airbyte.run_sync(company.desk)]
    for each in many:
        company.airbyte.hide_workspace(each, listed=True)
    asked = []
    for _ in range(6):
        # Until the first is found that may be read.
        with suppress(dg.DagsterError):
            asked.append(len(sent(deployment)))
        deployment.wait(MINUTE)
        clients_time.now += 60
    assert len(asked) > 3
    assert max(asked) <= 50
    jobs.append(company.airbyte.run_sync(company.desk))
    books = company.airbyte.run_sync(company.books)
    deployment.tick()
    assert reported(deployment, "support/tickets") == [each.job_id for each in jobs]
    assert reported(deployment, "finance/orders") == [books.job_id]
    clients_time.now += 600
    assert len(sent(deployment)) <= 45


def test_what_is_mended_while_its_workspace_is_away_waits_for_that(
    company: Company, memory: dg.DagsterInstance, clients_time: ClientsTime
) -> None:
    """A connection whose tables could not be known, as the user's own code raised."""
    broken = {"books": False}

    def selected(connection: Connection) -> bool:
        if connection.id == company.books.connection_id and broken["books"]:
            raise ValueError("not now")
        return True

    deployment = company.deployed(memory, connection_selector_fn=selected)
    deployment.tick()
    broken["books"] = True
    jobs = [company.airbyte.run_sync(company.books)]
    deployment.tick()
    deployment.wait(HOUR)
    company.airbyte.run_sync(company.desk)
    deployment.tick()
    company.airbyte.hide_workspace(company.finance)
    deployment.tick()
    broken["books"] = False
    for _ in range(3):
        deployment.wait(HOUR)
        deployment.tick()
    company.airbyte.show_workspace(company.finance)
    clients_time.now += 600
    jobs.append(company.airbyte.run_sync(company.books))
    for _ in range(3):
        deployment.tick()
    assert reported(deployment, "finance/orders") == [each.job_id for each in jobs]


def test_one_that_is_back_in_the_middle_of_a_tick_is_read_from_the_next_one_on(
    company: Company, deployment: Deployment
) -> None:
    """Or its last syncs would come before those of the time that it was away."""
    company.airbyte.hide_workspace(company.finance)
    deployment.tick()
    jobs = [company.airbyte.run_sync(company.books)]
    deployment.wait(HOUR)
    company.airbyte.run_sync(company.shop)
    deployment.tick()
    deployment.wait(HOUR)
    jobs.append(company.airbyte.run_sync(company.books))

    def swap(request: RecordedRequest) -> None:
        if request.path.endswith(JOBS.removeprefix("v1")):
            company.airbyte.hide_workspace(company.support)
            company.airbyte.show_workspace(company.finance)

    company.airbyte.on_request(swap)
    assert deployment.tick().materialized == []
    deployment.tick()
    assert reported(deployment, "finance/orders") == [each.job_id for each in jobs]


def test_one_that_was_away_as_definitions_loaded_is_read_on_when_it_has_tables(
    company: Company, memory: dg.DagsterInstance, clients_time: ClientsTime
) -> None:
    first = company.deployed(memory)
    first.tick()
    company.airbyte.hide_workspace(company.finance)
    first.tick()
    job = company.airbyte.run_sync(company.books)
    forget_clients()
    without = company.deployed(memory)
    without.cursor, without.later = first.cursor, first.later
    without.tick()
    company.airbyte.show_workspace(company.finance)
    for _ in range(3):
        without.wait(HOUR)
        clients_time.now += 3_600
        company.airbyte.run_sync(company.desk)
        without.tick()
    forget_clients()
    again = company.deployed(memory)
    again.cursor, again.later = without.cursor, without.later
    again.tick()
    assert reported(again, "finance/orders") == [job.job_id]
    assert again.tick().materialized == []
