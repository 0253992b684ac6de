"""A real deployment under load, its processes killed at random moments: nothing is lost, nothing is
reported twice, and every table hears of its jobs in order.

Runs come to their end in other ways, too: only their main process is killed, or only that of a
step, or they are marked as failed or cancelled while all their processes live.

`KILLS` is the number of all that on each database and with each executor, and `KILL_ALL=1` combines
all of these; `KILL_SEED` chooses other moments. (Times are real, so a seed does not bring back
exactly the same run.)
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.deployment import version_of
from helpers.kill_databases import storage
from helpers.kill_deployment import Deployment, instance_of, kill_settings
from helpers.kill_group import ProcessGroup, process_group
from helpers.kill_killer import Killer
from helpers.kill_load import Demands, Load, add_connections, under_load
from helpers.kill_moments import Moments
from helpers.kill_orphans import Orphan, orphans_in, summary_of
from helpers.kill_runs import Runs
from helpers.kill_ticks import Ticks
from helpers.kill_verdict import Reported, Verdict, compare, owed, read_log
from helpers.waiting import wait_until

KILLS = int(os.environ.get("KILLS", "3"))
SEED = int(os.environ.get("KILL_SEED", "1"))
# Many kills leave much to be reported, and the runs that follow, one after the other.
REST_SECONDS = 300.0 + 20.0 * KILLS
# Each database and each executor; the others are for longer tests.
PLACES = [("sqlite", "multiprocess"), ("postgresql", "in-process")]
if os.environ.get("KILL_ALL") == "1":
    PLACES += [("sqlite", "in-process"), ("postgresql", "multiprocess")]
# So many steps that outlive their run make it sure that one of them had still to report its sync.
MANY_ORPHANS = 8


@dataclass
class Scene:
    place: str
    instance: dg.DagsterInstance
    airbyte: AirbyteSimulator
    deployment: Deployment
    runs: Runs
    ticks: Ticks
    killer: Killer
    load: Load

    @property
    def tables(self) -> list[str]:
        return [s.name for connection in self.airbyte.connections for s in connection.streams]

    @property
    def demanded(self) -> set[str]:
        """The keys of the runs that were asked for from outside."""
        return {f"demand:{number}" for number in range(self.load.demanded)}

    @property
    def owed_runs(self) -> list[str]:
        """The names of the jobs that runs may follow; one of the last follows those before it."""
        followed = self.airbyte.connections[0].streams[0].name
        ids = {job_id for table, job_id in owed(self.airbyte.jobs) if table == followed}
        return [version_of(job) for job in self.airbyte.jobs if job.job_id in ids]

    def read_log(self) -> list[Reported]:
        return read_log(self.instance, self.tables)

    def orphans(self) -> list[Orphan]:
        return orphans_in(self.instance)

    def summary(self, verdict: Verdict) -> str:
        jobs = Counter(f"{job.type} {job.status}" for job in self.airbyte.jobs)
        crashes, events = self.killer.crashes, len(self.read_log())
        return (
            f"{self.place}: {crashes.total()} kills ({listed(crashes)}),"
            f" {jobs.total()} jobs ({listed(jobs)}), {events} events,"
            f" {summary_of(self.orphans())}: {verdict}"
        )

    def come_to_rest(self) -> None:
        """Wait until everything has ended, and the sensor has then found nothing new."""
        quiet_since = time.time()

        def is_at_rest() -> bool:
            nonlocal quiet_since
            self.runs.bury()
            if self.is_busy():
                quiet_since = time.time()
            return self.ticks.found_nothing_since(quiet_since)

        last_words = self.deployment.last_words
        wait_until(is_at_rest, "rest", seconds=REST_SECONDS, every=0.5, evidence=last_words)

    def is_busy(self) -> bool:
        demanded = sum(key.startswith("demand:") for key in self.runs.requested())
        return (
            bool(self.runs.unfinished())
            or self.runs.are_alive()
            or demanded < self.load.demanded
            or not all(job.is_finished for job in self.airbyte.jobs)
        )


def listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        add_connections(airbyte)
        yield airbyte


@pytest.fixture
def group() -> Iterator[ProcessGroup]:
    with process_group() as group:
        yield group


def environ(airbyte: AirbyteSimulator, demands: Demands, executor: str) -> dict[str, str]:
    return {
        "EXECUTOR": executor,
        "AIRBYTE_REST_API": airbyte.rest_api_base_url,
        "AIRBYTE_CONFIGURATION_API": airbyte.configuration_api_base_url,
        "AIRBYTE_WORKSPACE_ID": airbyte.workspace_id,
        "AIRBYTE_CLIENT_ID": airbyte.client_id,
        "AIRBYTE_CLIENT_SECRET": airbyte.client_secret,
        "FOLLOWED_TABLE": airbyte.connections[0].streams[0].name,
        "DEMANDS": str(demands.file),
    }


@pytest.fixture(params=PLACES, ids=" ".join)
def scene(
    request: pytest.FixtureRequest, airbyte: AirbyteSimulator, group: ProcessGroup, tmp_path: Path
) -> Iterator[Scene]:
    home = tmp_path / "home"
    home.mkdir()
    demands = Demands(tmp_path / "demands")
    database, executor = request.param
    with storage(database, group) as settings:
        deployment = Deployment(home, group, environ(airbyte, demands, executor))
        deployment.configure(kill_settings(settings, one_run_each="connection"))
        with instance_of(home) as instance:
            runs, ticks = Runs(instance, group), Ticks(instance, "airbyte_sync_sensor")
            rng, moments = random.Random(SEED), Moments(airbyte)
            killer = Killer(deployment, runs, ticks, moments, executor, rng)
            deployment.start_code_server()
            deployment.start_daemon()
            load = Load(airbyte, demands, runs, random.Random(SEED + 1))
            place = f"{database}, {executor}"
            yield Scene(place, instance, airbyte, deployment, runs, ticks, killer, load)


# One after the other: two deployments at once are more than a small machine has time for.
@pytest.mark.xdist_group("kill")
def test_nothing_is_lost_and_nothing_reported_twice(
    scene: Scene, record_property: Callable[[str, object], None]
) -> None:
    begun = time.monotonic()
    with under_load(scene.load):
        scene.killer.kill(KILLS)
    scene.come_to_rest()

    verdict = compare(scene.airbyte.jobs, scene.read_log())

    seconds = time.monotonic() - begun
    record_property("measured", f"{scene.summary(verdict)} in {seconds:.0f} s (KILL_SEED={SEED})")
    assert verdict.is_good, f"{verdict.details}\n{scene.deployment.last_words()}"
    requested = scene.runs.requested()
    assert set(requested.values()) == {1}
    assert scene.demanded <= requested.keys()
    followed, owed_runs = scene.runs.followed(), scene.owed_runs
    assert set(followed.values()) <= {1}
    assert followed.keys() <= set(owed_runs)
    assert not owed_runs or owed_runs[-1] in followed
    orphans = scene.orphans()
    assert len(orphans) < MANY_ORPHANS or any(orphan.said_so for orphan in orphans)
