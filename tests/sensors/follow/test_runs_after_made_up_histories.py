"""Whatever happens to ticks, cursors and requests: what follows a sync starts once.

`FOLLOW_SEED` and `FOLLOW_HISTORIES` choose which and how many histories are tried.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from random import Random

import dagster as dg
import pytest

from dagster_airbyte_sync.sensors import runs_that_follow, tick
from dagster_airbyte_sync.sensors.decision import Limits
from dagster_airbyte_sync.sensors.run_requests.arrival import FOLLOWS_IN_PARTITION_TAG, FOLLOWS_TAG
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import jobs_in_tags
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock
from helpers.deployment import SENSOR, Deployment, deployed

SEED = int(os.environ.get("FOLLOW_SEED", "0"))
HISTORIES = int(os.environ.get("FOLLOW_HISTORIES", "6"))
STEPS = 24
CONNECTIONS = 4


@dg.asset(deps=[f"t{number}_0" for number in range(CONNECTIONS)])
def report() -> None: ...


@dg.asset(deps=[report])
def summary() -> None: ...


# The simulator begins some hours ago, so that all its hours are there.
AGO = timedelta(hours=6)
HOURLY = dg.HourlyPartitionsDefinition("2026-01-01-00:00", end_offset=1)


@dg.asset(deps=[f"t{number}_0" for number in range(CONNECTIONS)], partitions_def=HOURLY)
def by_hour() -> None: ...


# What runs follow: a connection's jobs, with a partition or without.
Place = tuple[str, str | None]


class History:
    """A shop's syncs and a daemon's ticks, of which some die, with the runs that they asked for."""

    def __init__(self, random: Random, deployment: Deployment, *, only_with_rows: bool) -> None:
        self.random = random
        self.deployment = deployment
        self.airbyte = deployment.airbyte
        self.only_with_rows = only_with_rows
        # The last job of each that a run must follow, or a later one in its place.
        self.last: dict[Place, int] = {}
        self.has_lost_cursor = False

    def go_on(self) -> None:
        steps = [self.sync] * 4 + [self.tick] * 3 + [self.die, self.refuse, self.lose_cursor]
        self.random.choice(steps)()

    def sync(self) -> None:
        self.airbyte.advance(timedelta(seconds=self.random.choice([0, 1, 40, 400])))
        for _ in range(self.random.choice([1, 1, 3])):
            connection = self.random.choice(self.airbyte.connections)
            rows = self.random.choice([0, 5])
            job = self.airbyte.run_sync(connection, rows=rows)
            if rows or not self.only_with_rows:
                hour = self.airbyte.now.strftime("%Y-%m-%d-%H:00")
                for partition_key in (hour, None):
                    self.last[connection.connection_id, partition_key] = job.job_id

    def tick(self) -> None:
        self.submit(self.deployment.tick().requests)

    def die(self) -> None:
        """The daemon dies between two events, or behind all of them."""
        self.deployment.tick(crash_after=self.random.randint(0, 9))

    def refuse(self) -> None:
        """Dagster fails to create some of the runs, twice: the cursor stays where it was."""
        requests = self.deployment.tick(crash_after=10_000).requests
        self.submit(requests[: self.random.randint(0, len(requests))])

    def lose_cursor(self) -> None:
        self.deployment.cursor = None
        self.has_lost_cursor = True

    def submit(self, requests: Sequence[dg.RunRequest]) -> None:
        """As the daemon does: a run key that was used is not used again."""
        used = {run.tags["dagster/run_key"] for run in self.runs}
        job = self.deployment.defs.resolve_implicit_global_asset_job_def()
        for request in requests:
            if request.run_key not in used:
                tags = {"dagster/sensor_name": SENSOR, "dagster/run_key": request.run_key or ""}
                if request.partition_key:
                    tags["dagster/partition"] = request.partition_key
                keys = frozenset(request.asset_selection or ())
                self.deployment.instance.create_run_for_job(
                    job.get_subset(asset_selection=set(keys)),
                    tags={**request.tags, **tags},
                    asset_selection=keys,
                )

    @property
    def runs(self) -> list[dg.DagsterRun]:
        return [each.dagster_run for each in self.deployment.instance.get_run_records()]

    @property
    def followed(self) -> dict[Place, list[int]]:
        """The jobs that runs follow, in the order of the runs."""
        followed: dict[Place, list[int]] = {each: [] for each in self.last}
        connection_of = {job.job_id: job.connection_id for job in self.airbyte.jobs}
        for run in reversed(self.runs):
            tags = {FOLLOWS_TAG: None, FOLLOWS_IN_PARTITION_TAG: run.tags.get("dagster/partition")}
            for tag, partition_key in tags.items():
                for job_id, _ in jobs_in_tags(tag, run.tags).values():
                    place = (connection_of[job_id], partition_key)
                    followed.setdefault(place, []).append(job_id)
        return followed

    def is_due(self, connection_id: str, partition_key: str | None) -> bool:
        has_hours = by_hour.key in self.deployment.defs.get_repository_def().assets_defs_by_key
        return partition_key is None or (has_hours and not self.has_lost_cursor)

    def come_to_rest(self) -> None:
        for _ in range(60):
            self.tick()
            last = self.deployment.ticks[-1]
            if not (last.events or last.requests):
                return
        raise AssertionError(f"still not at rest: {self.deployment.ticks[-1].summary}")


@contextmanager
def history(seed: int) -> Iterator[History]:
    random = Random(seed)
    events, waiting = random.choice([3, 6, 250]), random.choice([1, 60])
    only_with_rows = random.random() < 0.4
    with (
        pytest.MonkeyPatch.context() as patch,
        AirbyteSimulator(clock=SimulatedClock(datetime.now(timezone.utc) - AGO)) as airbyte,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        patch.setattr(tick, "Limits", partial(Limits, events=events))
        patch.setattr(runs_that_follow, "MOST_WAITING", waiting)
        for number in range(CONNECTIONS):
            streams = [f"t{number}_{place}" for place in range(random.choice([1, 2, 5]))]
            airbyte.add_connection(f"c{number}", streams=streams)
        options = {"downstream": dg.AssetSelection.all(), "only_with_rows": only_with_rows}
        follows = [report, summary, *random.choice([[], [by_hour]])]
        deployment = deployed(airbyte, instance, *follows, start_from=timedelta(days=1), **options)
        yield History(random, deployment, only_with_rows=only_with_rows)


@pytest.mark.parametrize("seed", range(HISTORIES * SEED, HISTORIES * (SEED + 1)))
def test_what_follows_a_sync_starts_once(seed: int) -> None:
    with history(seed) as made_up:
        for _ in range(STEPS):
            made_up.go_on()
        made_up.come_to_rest()

        assert made_up.last
        followed = made_up.followed
        for place, job_id in made_up.last.items():
            # What was due with a partition that is past, a lost cursor may hide.
            if made_up.is_due(*place):
                assert max(followed[place], default=0) >= job_id, place
        assert followed == {each: sorted(set(jobs)) for each, jobs in followed.items()}
