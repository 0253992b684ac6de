"""A backfill and the sensor share one event log: nothing is reported twice, nothing goes back."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import FinishedSync
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.sensors import Backfill, Outcome, polling_of
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedJob
from helpers.dagster_private import store_run_event
from helpers.deployment import SENSOR, Deployment, deployed

HOUR = timedelta(hours=1)


class Killed(BaseException):
    """Thrown where a process dies."""


def backfilled(
    deployment: Deployment,
    back: timedelta = timedelta(days=30),
    *,
    die_after: int | None = None,
    look: Callable[[], None] = lambda: None,
) -> Outcome | None:
    """One call of the command in a process of its own, killed after so many events."""
    repository = deployment.defs.get_repository_def()
    polling = polling_of(repository.get_sensor_def(SENSOR))
    assert polling
    stored = 0

    def count(event: object) -> None:
        nonlocal stored
        stored += 1
        if stored == die_after:
            raise Killed

    with deployment.workspace.resolved() as ready:
        client = ready.get_client()
        filling = Backfill(polling, repository, client, deployment.instance, ready)
        now = client.server_time(fresh=True)
        jobs = filling.read(now - back, now + timedelta(seconds=1))
        try:
            return filling.store(jobs, look, count)
        except Killed:
            return None


def planned(deployment: Deployment) -> Outcome:
    """What `--dry-run` says."""
    repository = deployment.defs.get_repository_def()
    polling = polling_of(repository.get_sensor_def(SENSOR))
    assert polling
    with deployment.workspace.resolved() as ready:
        client = ready.get_client()
        filling = Backfill(polling, repository, client, deployment.instance, ready)
        now = client.server_time(fresh=True)
        return filling.plan(filling.read(now - timedelta(days=30), now + timedelta(seconds=1)))


def marks(deployment: Deployment, name: str) -> tuple[list[int | None], list[int | None]]:
    """The jobs of a table's materializations, and of its observations of ends, as stored."""
    page = deployment.instance.fetch_observations(dg.AssetKey(name), limit=10_000)
    observed = [record.asset_observation for record in reversed(page.records)]
    ends = [each for each in observed if each and keys.JOB_TYPE in each.metadata]
    noted = [keys.int_in(each.metadata, keys.JOB_ID) for each in ends]
    return deployment.reported(name), noted


@pytest.fixture
def three(airbyte: AirbyteSimulator) -> list[SimulatedJob]:
    """Syncs of one connection, an hour apart."""
    shop = airbyte.add_connection("shop", ["orders", "users"])
    return [sync(airbyte, shop) for _ in range(3)]


def sync(airbyte: AirbyteSimulator, connection: SimulatedConnection) -> SimulatedJob:
    airbyte.advance(HOUR)
    return airbyte.run_sync(connection, rows=5)


def test_what_was_never_reported_is_materialized_in_order(
    three: list[SimulatedJob], deploy: Callable[..., Deployment]
) -> None:
    deployment = deploy()
    outcome = backfilled(deployment)
    assert outcome
    assert outcome.materializations.total() == 6
    assert marks(deployment, "orders") == ([job.job_id for job in three], [])
    again = backfilled(deployment)
    assert again
    assert not again.events


def test_what_is_older_than_the_last_report_is_an_observation_with_the_same_metadata(
    three: list[SimulatedJob], deploy: Callable[..., Deployment]
) -> None:
    deployment = deploy()
    deployment.tick()
    outcome = backfilled(deployment)
    assert outcome
    assert (outcome.materializations.total(), outcome.observations.total()) == (0, 4)
    first, second, last = (job.job_id for job in three)
    assert marks(deployment, "orders") == ([last], [first, second])
    page = deployment.instance.fetch_observations(dg.AssetKey("orders"), limit=1)
    noted = page.records[0].asset_observation
    assert noted
    fresh = deployment.last("orders").metadata
    # Who started it is asked of few, what is usual is for the newest to say, and no sensor did it.
    only_fresh = {keys.RECENT_ROWS, keys.RECENT_DURATIONS, keys.STARTED_BY, keys.REPORTED_BY}
    assert fresh.keys() - noted.metadata.keys() == only_fresh
    assert noted.metadata[keys.RECORDS_SYNCED].value == 5


@pytest.mark.parametrize("tables", [2, 60])
def test_the_sensor_does_not_report_what_a_backfill_noted_though_it_starts_anew(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance, tables: int
) -> None:
    """Neither as an event, nor by a run that follows."""
    shop = airbyte.add_connection("shop", [f"t{n:02}" for n in range(tables)])
    old, new = sync(airbyte, shop), sync(airbyte, shop)
    names = [f"t{n:02}" for n in range(tables)]
    late = deployed(airbyte, memory)
    late.tick()
    # It dies, and goes on.
    assert backfilled(late, die_after=tables - 1) is None
    assert backfilled(late)

    followed: list[int] = []

    def follow(sync: FinishedSync, _: object) -> None:
        followed.append(sync.job.id)

    anew = deployed(airbyte, memory, start_from=timedelta(days=2), run_request_fn=follow)
    tick = anew.tick()

    assert not tick.events
    assert followed == [new.job_id]
    assert {tuple(map(tuple, marks(anew, name))) for name in names} == {
        ((new.job_id,), (old.job_id,))
    }


def test_what_a_live_run_is_about_to_report_is_left_to_it(
    three: list[SimulatedJob], airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    """And with it the later jobs of its connection, but none of others."""
    crm = airbyte.add_connection("crm", ["leads"])
    sync(airbyte, crm)
    deployment = deployed(airbyte, instance)
    job = deployment.defs.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection={dg.AssetKey("orders"), dg.AssetKey("users")}
    )
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    (step,) = (node.name for node in job.nodes)
    store_run_event(instance, run, dg.DagsterEventType.STEP_START, step)

    outcome = backfilled(deployment)

    assert outcome
    assert outcome.waiting.total() == len(three)
    assert marks(deployment, "orders") == ([], [])
    assert len(deployment.reported("leads")) == 1


def test_a_sensor_that_is_started_meanwhile_stops_it_and_another_call_goes_on(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection("shop", [f"t{n:02}" for n in range(60)])
    jobs = [sync(airbyte, shop) for _ in range(5)]
    deployment = deployed(airbyte, memory)

    assert planned(deployment).materializations.total() == 60 * 5
    looks = iter([False, True])

    def started() -> None:
        if next(looks):
            raise Killed

    assert backfilled(deployment, look=started) is None
    assert deployment.reported("t59") == [job.job_id for job in jobs[:4]]
    assert backfilled(deployment)
    assert deployment.reported("t59") == [job.job_id for job in jobs]


@pytest.mark.parametrize("seed", range(6))
def test_over_any_history_each_sync_is_reported_once_and_no_backfill_goes_back(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance, seed: int
) -> None:
    chance = random.Random(seed)
    connections = [
        airbyte.add_connection("a", ["a1", "a2", "a3"]),
        airbyte.add_connection("b", ["b1"]),
    ]
    deployment = deployed(airbyte, memory, start_from=timedelta(minutes=90), checks=True)
    done: dict[str, set[int]] = {name: set() for name in ("a1", "a2", "a3", "b1")}

    def sync_one() -> None:
        connection = chance.choice(connections)
        airbyte.advance(HOUR / 4)
        if chance.random() < 0.2:
            airbyte.run_clear(connection)
        elif chance.random() < 0.2:
            airbyte.fail(airbyte.start_sync(connection))
        else:
            job = airbyte.run_sync(connection, rows=chance.randrange(3))
            for stream in done:
                if stream[0] == connection.name:
                    done[stream].add(job.job_id)

    def backfill(*, die_after: int | None = None) -> None:
        before = {name: deployment.reported(name) for name in done}
        backfilled(deployment, HOUR * chance.randrange(1, 20), die_after=die_after)
        for name, known in before.items():
            new = [job or 0 for job in deployment.reported(name)[len(known) :]]
            assert new == sorted(new)
            assert not known or not new or new[0] > max(job or 0 for job in known)

    def lose_cursor() -> None:
        deployment.cursor = None

    steps: list[Callable[[], object]] = [
        *[sync_one] * 6,
        *[deployment.tick, lambda: deployment.tick(crash_after=chance.randrange(4))],
        *[backfill, lambda: backfill(die_after=chance.randrange(1, 5)), lose_cursor],
    ]
    for _ in range(40):
        chance.choice(steps)()
    backfilled(deployment)
    while deployment.tick().events:
        pass

    for name, jobs in done.items():
        made, noted = marks(deployment, name)
        successes = [job for job in noted if job in jobs]
        assert Counter([*made, *successes]) == Counter(jobs), name
