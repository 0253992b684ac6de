"""Credentials may be shown workspaces of which they may not read anything: who finds that out, and
what else a refusal, or a silence, may mean."""

from collections.abc import Collection, Sequence
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import load_airbyte_asset_specs
from dagster_airbyte_sync.resources import NO_LIMIT, AirbyteError, TimeBudget
from dagster_airbyte_sync.resources.access.readable import Readable
from dagster_airbyte_sync.sensors.tick_basics import TickFailed
from dagster_airbyte_sync.testing import Fault
from helpers.deployment import ClientsTime
from helpers.workspaces import Company, paths, reported

MINUTE = timedelta(minutes=1)
MANY = [f"no {number:02}" for number in range(60)]


class Airbyte:
    """Refuses every question about one of `refusing`."""

    def __init__(self, refusing: Collection[str]) -> None:
        self.refusing, self.now, self.asked = set(refusing), 0.0, 0
        self.readable = Readable(self.ask, lambda: self.now)

    def ask(self, ids: Sequence[str], budget: TimeBudget) -> bool:
        self.asked += 1
        return self.refusing.isdisjoint(ids)

    def find(self, ids: Sequence[str], budget: TimeBudget = NO_LIMIT) -> bool:
        self.asked = 0
        return self.readable.find([ids], budget)


def test_without_a_limit_a_search_goes_to_its_end() -> None:
    airbyte = Airbyte(MANY[:-1])
    assert airbyte.find(MANY)
    assert airbyte.readable.refused == set(MANY[:-1])
    assert not airbyte.readable.doubted
    assert airbyte.asked > 59


def test_nor_does_it_wait_for_the_next_search_of_a_tick() -> None:
    airbyte = Airbyte(MANY[:-1])
    assert airbyte.find(MANY, TimeBudget(60))
    assert airbyte.asked <= 40
    assert airbyte.readable.doubted
    assert not airbyte.readable.look_again(TimeBudget(60))
    assert airbyte.readable.look_again(NO_LIMIT)
    assert airbyte.readable.refused == set(MANY[:-1])


def test_a_search_that_is_cut_goes_on_to_its_end() -> None:
    """Also if there is more to ask for again than one search may ask."""
    ids = [f"{number:03}" for number in range(120)]
    airbyte = Airbyte({*ids} - {"005", "033"})
    for _ in range(12):
        airbyte.find([each for each in ids if each not in airbyte.readable.refused], TimeBudget(60))
    assert airbyte.readable.refused == airbyte.refusing
    assert not airbyte.readable.doubted


@pytest.mark.parametrize("number", [1, 3, 60])
def test_what_refuses_all_refuses_none_of_them(number: int) -> None:
    """A gateway, as it restarts."""
    airbyte, ids = Airbyte(MANY), MANY[:number]
    assert airbyte.find(ids, TimeBudget(60)) is (number == 60)
    assert not airbyte.readable.refused
    airbyte.refusing.clear()
    for _ in range(2):
        airbyte.now += 20
        airbyte.readable.look_again(TimeBudget(60))
    assert not airbyte.readable.refused | airbyte.readable.doubted


def test_nor_does_it_in_a_search_that_goes_on() -> None:
    """What is left of it may all be refused: one that was answered for tells whose word it is."""
    airbyte = Airbyte(MANY[1:])
    airbyte.find([MANY[0]])
    airbyte.find(MANY, TimeBudget(60))
    left = airbyte.readable.doubted
    assert left
    airbyte.refusing.add(MANY[0])
    airbyte.now += 20
    airbyte.readable.look_again(TimeBudget(60))
    assert airbyte.readable.refused.isdisjoint(left)
    airbyte.refusing.remove(MANY[0])
    for _ in range(4):
        airbyte.find(MANY, TimeBudget(60))
    assert airbyte.readable.refused == set(MANY[1:])
    assert not airbyte.readable.doubted


def test_an_answer_about_one_ends_its_refusal() -> None:
    airbyte = Airbyte({"b"})
    airbyte.find(["a", "b"])
    airbyte.readable.note_answered("a")
    assert not airbyte.readable.look_again(NO_LIMIT)
    airbyte.readable.note_answered("b")
    assert airbyte.readable.look_again(NO_LIMIT)
    assert not airbyte.readable.refused


def with_unreadable(company: Company, number: int) -> None:
    for each in range(number):
        workspace = company.airbyte.add_workspace(f"No {each}")
        company.airbyte.hide_workspace(workspace, listed=True)


def test_definitions_have_all_that_may_be_read(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    """However many others are listed: a connection without assets would be missed by nobody."""
    with_unreadable(company, 40)
    specs = load_airbyte_asset_specs(company.instance_of())
    assert {spec.key.path[0] for spec in specs} == {"finance", "sales_eu", "support"}
    (said,) = [each for each in caplog.messages if "refuses access to it" in each]
    assert "'No 0'" in said
    assert "'No 39'" in said


def test_a_catalog_without_what_is_in_doubt_is_not_whole(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    """So it takes the place of no snapshot and of no state that has more."""
    airbyte, client = company.airbyte, company.instance_of().get_client()
    more = [airbyte.add_workspace(f"No {number}") for number in range(80)]
    everyone = sorted([*company.workspaces, *more], key=lambda each: each.workspace_id)
    assert client.catalog().is_whole
    # The first half is answered for at once; each of the others is a question or two.
    for each in everyone[len(everyone) // 2 :]:
        airbyte.hide_workspace(each, listed=True)
    assert not client.catalog(TimeBudget(60), fresh=True).is_whole
    assert "not known yet for which" in caplog.text
    assert client.catalog(fresh=True).is_whole


def test_a_gateway_that_refuses_for_a_moment_refuses_no_workspace(
    company: Company, memory: dg.DagsterInstance, clients_time: ClientsTime
) -> None:
    deployment = company.deployed(memory)
    deployment.tick()
    company.airbyte.add_fault(Fault.blocked(403), path="jobs", times=None)
    jobs = [company.airbyte.run_sync(company.desk)]
    with pytest.raises(TickFailed, match="or a gateway does"):
        deployment.tick()
    company.airbyte.clear_faults()
    # A new table needs a new catalog.
    new = company.airbyte.add_connection("later", ["calls"], workspace=company.support)
    jobs.append(company.airbyte.run_sync(company.desk))
    company.airbyte.run_sync(new)
    deployment.wait(MINUTE / 2)
    clients_time.now += 30
    deployment.tick()
    assert reported(deployment, "support/tickets") == [each.job_id for each in jobs]
    # Its clock goes on, and nothing of this comes back.
    clients_time.now += 600
    assert deployment.tick().materialized == []


def test_a_connection_that_answers_shows_that_its_workspace_may_be_read(company: Company) -> None:
    client = company.instance_of().get_client()
    client.catalog()
    company.airbyte.hide_workspace(company.finance, listed=True)
    client.catalog(fresh=True)
    company.airbyte.show_workspace(company.finance)
    assert company.finance.workspace_id not in client.workspaces()
    client.connection(company.books.connection_id)
    assert company.finance.workspace_id in client.workspaces()


def test_a_list_that_fails_stops_nobody_while_one_is_away(
    company: Company,
    memory: dg.DagsterInstance,
    clients_time: ClientsTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deployment = company.deployed(memory)
    deployment.tick()
    company.airbyte.hide_workspace(company.finance)
    jobs = [company.airbyte.run_sync(company.desk)]
    deployment.tick()
    company.airbyte.add_fault(Fault.status(500), path="v1/workspaces", times=None)
    for _ in range(2):
        clients_time.now += 660
        jobs.append(company.airbyte.run_sync(company.desk))
        deployment.tick()
    assert reported(deployment, "support/tickets") == [each.job_id for each in jobs]
    assert caplog.text.count("Trying again later to find out") == 2
    company.airbyte.forget_requests()
    deployment.tick()
    assert "v1/workspaces" not in paths(company.airbyte)
    with pytest.raises(AirbyteError, match="v1/workspaces"):
        company.instance_of().get_client().catalog(fresh=True)
