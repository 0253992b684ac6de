"""Of the backfills of a workspace one runs at a time, as long as Dagster's storage answers."""

import threading
import time
from collections.abc import Callable

import dagster as dg
import pytest

from dagster_airbyte_sync.sensors import LostClaim, OneAtATime, OtherBackfill
from dagster_airbyte_sync.sensors.past import one_at_a_time
from dagster_airbyte_sync.sensors.past.one_at_a_time import Claim

WORKSPACE = "52b6a5a8-0d5c-4c5e-8b2e-5f8f6d1e9c11"


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurried = {"_BEAT": 0.05, "_DEAD_AFTER": 1.5, "_RIVALS_FOR": 1.5, "_LOOK": 0.02}
    for name, seconds in hurried.items():
        monkeypatch.setattr(one_at_a_time, name, seconds)


@pytest.fixture
def backfill(instance: dg.DagsterInstance) -> Callable[[str], OneAtATime]:
    return lambda place: OneAtATime(instance, WORKSPACE, place)


def test_while_one_runs_another_is_told_since_when_and_where(
    backfill: Callable[[str], OneAtATime],
) -> None:
    before = int(time.time())
    with backfill("host-a (process 7)").claimed():
        for refused in (backfill("b").refuse_others, backfill("c").claimed().__enter__):
            with pytest.raises(OtherBackfill) as error:
                refused()
            assert error.value.claim.place == "host-a (process 7)"
            assert before <= error.value.claim.since.timestamp() <= time.time()
    backfill("b").refuse_others()


def test_of_another_workspace_it_knows_nothing(
    backfill: Callable[[str], OneAtATime], instance: dg.DagsterInstance
) -> None:
    with backfill("a").claimed(), OneAtATime(instance, "another", "b").claimed():
        pass


def test_one_that_was_killed_is_waited_for_and_then_forgotten(
    backfill: Callable[[str], OneAtATime], instance: dg.DagsterInstance
) -> None:
    killed, wondered = backfill("killed"), list[str]()
    killed._say()
    second = backfill("b")
    second.refuse_others(lambda claim: wondered.append(claim.place))
    assert wondered == ["killed"]
    with second.claimed() as check:
        check()
    assert instance.get_dynamic_partitions(f"airbyte backfills {WORKSPACE}") == []


def test_of_those_that_start_at_once_one_runs(backfill: Callable[[str], OneAtATime]) -> None:
    inside, most, refused = list[str](), list[int](), list[str]()
    start = threading.Barrier(3)

    def run(place: str) -> None:
        ours = backfill(place)
        start.wait()
        try:
            with ours.claimed():
                inside.append(place)
                most.append(len(inside))
                time.sleep(0.5)
                inside.remove(place)
        except OtherBackfill:
            refused.append(place)

    threads = [threading.Thread(target=run, args=(place,)) for place in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert len(refused) == 2


def test_of_two_that_see_each_other_one_gives_way_at_once(
    backfill: Callable[[str], OneAtATime],
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without waiting for whether the other one ends: both would, and nobody would be left."""
    name, other = f"airbyte backfills {WORKSPACE}", Claim("0" * 32, 1, int(time.time()), "a")
    instance.add_dynamic_partitions(name, [other.key])

    def other_ends(seconds: float) -> None:
        instance.delete_dynamic_partition(name, other.key)

    monkeypatch.setattr(time, "sleep", other_ends)
    with pytest.raises(OtherBackfill), backfill("b").claimed():
        pass


def test_one_that_cannot_say_that_it_goes_on_ends_before_another_begins(
    backfill: Callable[[str], OneAtATime],
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raises(*_: object) -> None:
        raise OSError("the database is gone")

    with backfill("a").claimed() as check:
        with pytest.MonkeyPatch.context() as gone:
            gone.setattr(type(instance), "add_dynamic_partitions", raises)
            time.sleep(0.2)
            check()
            monkeypatch.setattr(one_at_a_time, "_LOST_AFTER", 0.1)
            with pytest.raises(LostClaim, match="another backfill may have begun"):
                check()
            time.sleep(0.2)
        # It never says so again.
        said = instance.get_dynamic_partitions(f"airbyte backfills {WORKSPACE}")
        time.sleep(0.2)
        assert instance.get_dynamic_partitions(f"airbyte backfills {WORKSPACE}") == said
        with pytest.raises(LostClaim):
            check()
