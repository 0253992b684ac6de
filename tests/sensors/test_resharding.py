"""Another number of sensors, whenever it comes: nothing is lost, nothing repeated, and what follows
runs once.

`SHARDS_SEED` and `SHARDS_HISTORIES` choose which and how many histories are tried.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random

import dagster as dg
import pytest

from dagster_airbyte_sync.sensors.run_requests.arrival import FOLLOWS_TAG
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import jobs_in_tags
from helpers.deployment import Deployment
from helpers.sharded import Sharded, sharded

SEED = int(os.environ.get("SHARDS_SEED", "0"))
HISTORIES = int(os.environ.get("SHARDS_HISTORIES", "6"))
CONNECTIONS = 6
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dg.asset(deps=[f"t{number}_a" for number in range(CONNECTIONS)])
def report() -> None: ...


@pytest.fixture
def shop(memory: dg.DagsterInstance) -> Iterator[Sharded]:
    with sharded(memory, CONNECTIONS, report, downstream=dg.AssetSelection.all()) as shop:
        yield shop


def at_work(shop: Sharded, shards: int) -> None:
    """For two hours. The last connection has never synced, and none in the last minutes."""
    shop.load(shards)
    tick(shop)
    for _ in range(3):
        for connection in shop.airbyte.connections[:-1]:
            shop.sync(connection, 8 * MINUTE)
        tick(shop)


def outage(shop: Sharded) -> None:
    """Of an hour."""
    for connection in [*shop.airbyte.connections, *shop.airbyte.connections]:
        shop.sync(connection, HOUR / CONNECTIONS / 2)


def tick(shop: Sharded) -> None:
    for sensor in shop.sensors:
        submit(shop, sensor, shop.tick_of(sensor).requests)


def submit(
    shop: Sharded,
    sensor: Deployment,
    requests: Sequence[dg.RunRequest],
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS,
) -> None:
    """As the daemon does: a sensor's run key that was used is not used again."""
    job = sensor.defs.resolve_implicit_global_asset_job_def()
    for request in requests:
        tags = {"dagster/sensor_name": sensor.sensor, "dagster/run_key": request.run_key or ""}
        if not shop.instance.get_runs(dg.RunsFilter(tags=tags), limit=1):
            keys = set(request.asset_selection or ())
            shop.instance.create_run_for_job(
                job.get_subset(asset_selection=keys),
                tags={**request.tags, **tags},
                asset_selection=frozenset(keys),
                status=status,
            )


def come_to_rest(shop: Sharded) -> None:
    for _ in range(40):
        tick(shop)
        if not any(each.ticks[-1].events or each.ticks[-1].requests for each in shop.sensors):
            return
    raise AssertionError(f"still not at rest: {shop.sensors[0].ticks[-1].summary}")


def followed(shop: Sharded) -> dict[str, list[int]]:
    """The jobs that runs follow, by connection, in the order of the runs."""
    by_id = {each.job_id: each.connection_id for each in shop.airbyte.jobs}
    found: dict[str, list[int]] = {}
    for run in reversed(shop.instance.get_runs()):
        for job_id, _ in jobs_in_tags(FOLLOWS_TAG, run.tags).values():
            found.setdefault(by_id[job_id], []).append(job_id)
    return found


def check_each_is_followed_once(shop: Sharded) -> None:
    runs = followed(shop)
    last = {each.connection_id: each.job_id for each in shop.airbyte.jobs}
    assert {each: jobs[-1] for each, jobs in runs.items()} == last
    assert runs == {each: sorted(set(jobs)) for each, jobs in runs.items()}


@pytest.mark.parametrize(
    ("before", "after", "dies_after"), [(1, 3, None), (1, 3, 0), (4, 2, 1), (2, 1, 3), (3, 4, 2)]
)
def test_a_change_in_an_outage_of_an_hour_loses_and_repeats_nothing(
    shop: Sharded, before: int, after: int, dies_after: int | None
) -> None:
    """Not even the first syncs of a connection, nor though each first tick dies."""
    at_work(shop, before)
    outage(shop)

    shop.load(after)
    if dies_after is not None:
        shop.tick(crash_after=dies_after)
        shop.wait(MINUTE)
    come_to_rest(shop)

    shop.check_each_sync_is_reported_once()
    check_each_is_followed_once(shop)


def test_a_change_while_one_of_them_has_caught_up_loses_nothing(shop: Sharded) -> None:
    """A sensor of the same number among others has connections whose history it did not report."""
    at_work(shop, 3)
    outage(shop)
    shop.tick_of(shop.sensors[0])
    of_first = [each for each in shop.airbyte.connections if shop.of(each) is shop.sensors[0]]

    shop.load(4)
    assert {shop.of(each).sensor for each in of_first} != {shop.sensors[0].sensor}
    come_to_rest(shop)

    shop.check_each_sync_is_reported_once()


def tick_late(shop: Sharded) -> None:
    """The shard of the connection that has never synced before is the last to begin."""
    late = shop.of(shop.airbyte.connections[-1])
    for sensor in shop.sensors:
        if sensor is not late:
            shop.tick_of(sensor)
    shop.wait(MINUTE)
    shop.tick()


def test_what_others_have_caught_up_with_hides_no_first_sync(shop: Sharded) -> None:
    """After an outage of hours their reports are newer: a shard goes by its own connections."""
    at_work(shop, 1)
    for _ in range(3):
        outage(shop)

    shop.load(2)
    tick_late(shop)

    shop.check_each_sync_is_reported_once()


def test_a_shard_of_nothing_but_first_syncs_goes_by_the_others(shop: Sharded) -> None:
    at_work(shop, 1)
    outage(shop)

    shop.load(7)
    late, *others = reversed(shop.airbyte.connections)
    assert shop.of(late) not in [shop.of(each) for each in others]
    tick_late(shop)

    shop.check_each_sync_is_reported_once()


def test_where_nothing_is_new_no_run_is_asked_for_again(shop: Sharded) -> None:
    at_work(shop, 1)
    shop.load(3)
    come_to_rest(shop)
    check_each_is_followed_once(shop)


def test_a_run_that_was_never_submitted_is_asked_for_again(shop: Sharded) -> None:
    """The daemon died, and does not know the sensor any more that had asked for it."""
    at_work(shop, 1)
    shop.sync(shop.airbyte.connections[0], MINUTE)
    (sensor,) = shop.sensors
    (request,) = shop.tick_of(sensor, crash_after=10_000).requests
    submit(shop, sensor, [request], dg.DagsterRunStatus.NOT_STARTED)

    shop.load(2)

    asked = [each for tick in shop.tick() for each in tick.requests]
    assert [each.run_key for each in asked] == [request.run_key]


def test_a_change_back_goes_on_from_the_old_cursors(shop: Sharded) -> None:
    at_work(shop, 3)
    outage(shop)
    shop.load(2)
    come_to_rest(shop)
    outage(shop)

    shop.load(3)
    come_to_rest(shop)

    shop.check_each_sync_is_reported_once()
    check_each_is_followed_once(shop)


def test_a_run_for_each_sync_is_not_asked_for_again(memory: dg.DagsterInstance) -> None:
    """By a new name, and so with run keys that Dagster has not seen of it."""
    downstream = dg.AssetSelection.all()
    with sharded(memory, CONNECTIONS, report, downstream=downstream, per_sync=True) as shop:
        shop.load(1)
        tick(shop)
        for connection in shop.airbyte.connections:
            shop.sync(connection, MINUTE)
        tick(shop)

        shop.load(2)
        come_to_rest(shop)

        assert followed(shop) == {
            each.connection_id: shop.synced(each) for each in shop.airbyte.connections
        }


class History:
    """Syncs, ticks of which some die, and outages after which there are other sensors."""

    def __init__(self, random: Random, shop: Sharded) -> None:
        self.random, self.shop = random, shop

    def go_on(self) -> None:
        self.random.choice([*[self.sync] * 5, *[self.tick] * 4, self.die, self.refuse])()

    def sync(self) -> None:
        after = timedelta(seconds=self.random.choice([0, 1, 40, 400]))
        for _ in range(self.random.choice([1, 1, 3])):
            self.shop.sync(self.random.choice(self.shop.airbyte.connections), after)

    def tick(self) -> None:
        sensor = self.random.choice(self.shop.sensors)
        submit(self.shop, sensor, self.shop.tick_of(sensor).requests)

    def die(self) -> None:
        sensor = self.random.choice(self.shop.sensors)
        self.shop.tick_of(sensor, crash_after=self.random.randint(0, 7))

    def refuse(self) -> None:
        """Dagster fails to create some of the runs, twice: the cursor stays where it was."""
        sensor = self.random.choice(self.shop.sensors)
        requests = self.shop.tick_of(sensor, crash_after=10_000).requests
        submit(self.shop, sensor, requests[: self.random.randint(0, len(requests))])

    def change(self) -> None:
        """In an outage of an hour at most; perhaps twice, with ticks that die in between.

        Each sensor has ticked when the hour is over: what is further behind others is not promised.
        """
        come_to_rest(self.shop)
        for _ in range(self.random.randint(0, 12)):
            connection = self.random.choice(self.shop.airbyte.connections)
            self.shop.sync(connection, timedelta(minutes=self.random.randint(0, 5)))
        for _ in range(self.random.choice([1, 1, 2])):
            self.shop.load(self.random.randint(1, 5))
            for _ in range(self.random.randint(0, 4)):
                self.random.choice([self.tick, self.die, self.refuse])()
        tick(self.shop)


@pytest.mark.parametrize("seed", range(HISTORIES * SEED, HISTORIES * (SEED + 1)))
def test_of_any_history_each_sync_is_reported_once_and_followed_once(
    memory: dg.DagsterInstance, seed: int
) -> None:
    random = Random(seed)
    downstream = dg.AssetSelection.all()
    with sharded(memory, CONNECTIONS, report, seed=seed, downstream=downstream) as shop:
        made_up = History(random, shop)
        shop.load(random.randint(1, 4))
        tick(shop)
        # Without any report nobody knows that there were sensors.
        made_up.sync()
        tick(shop)
        for _ in range(3):
            for _ in range(8):
                made_up.go_on()
            made_up.change()
        come_to_rest(shop)

        shop.check_each_sync_is_reported_once()
        check_each_is_followed_once(shop)
