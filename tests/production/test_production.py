"""examples/production, run for real: PostgreSQL, two code servers, a daemon and a webserver, each a
process that may be killed at any time.

`KILLS` is how many are killed, those of each kind in turn.
"""

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.dagster_dev import free_port
from helpers.doubles import unexplained
from helpers.kill_databases import postgres_server
from helpers.kill_deployment import instance_of
from helpers.kill_group import process_group
from helpers.kill_load import under_load
from helpers.kill_moments import Moments
from helpers.kill_runs import Runs
from helpers.production_deployment import LOCATIONS, Production
from helpers.production_scene import CONNECTIONS, JumpingClock, Scene
from helpers.variables import variables
from helpers.waiting import wait_until

# One deployment for all of them, which takes its time to start.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("production")]

# "run" is a process that executes one.
VICTIMS = ("run", *LOCATIONS, "daemon", "webserver", "postgres")
KILLS = int(os.environ.get("KILLS", len(VICTIMS)))
Daemon: TypeAlias = "subprocess.Popen[bytes]"

# Each of them ticks in some of these.
TICKS_OF_TWO_DAEMONS = 2 + KILLS // 5


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("production")
    with (
        AirbyteSimulator(clock=JumpingClock(), port=free_port()) as airbyte,
        process_group() as group,
        postgres_server(group) as database,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, tables in CONNECTIONS.items():
            airbyte.add_connection(name, tables, sync_seconds=2.0)
        home = folder / "home"
        home.mkdir()
        production = Production(home, group, database, variables(airbyte.workspace_config()))
        production.write()
        production.snapshot()
        for name, value in production.instance_environ.items():
            patch.setenv(name, value)
        with instance_of(home) as instance:
            airbyte.forget_requests()
            production.start(*LOCATIONS)
            asked = len(airbyte.requests)
            production.start("daemon", "webserver")
            runs, moments = Runs(instance, group), Moments(airbyte)
            scene = Scene(airbyte, production, instance, runs, moments, asked)
            scene.come_to_rest()
            yield scene


@pytest.fixture(autouse=True)
def _begun(scene: Scene) -> None:
    scene.begin()


def test_definitions_load_from_the_snapshot_in_the_image_without_airbyte(scene: Scene) -> None:
    assert scene.asked_at_load == 0
    assert {"orders", "leads", "daily_revenue"} <= scene.production.dagster.assets()


def test_a_sync_outside_runs_the_asset_in_the_other_location(scene: Scene) -> None:
    scene.sync("shop")

    all_come_in(scene)
    assert_once(scene)
    assert scene.asked_below() == 1


def test_no_more_syncs_run_at_once_than_the_pool_has_room_for(scene: Scene) -> None:
    scene.wait_for_run(scene.sync_by_dagster("crm", "billing"))

    one, other = sorted(scene.jobs_of_runs(), key=lambda job: job.created_at)
    assert one.updated_at <= other.created_at
    assert_once(scene)


def test_killing_any_process_loses_and_repeats_nothing(
    scene: Scene, record_property: Callable[[str, object], None]
) -> None:
    begun = time.monotonic()
    with under_load(scene):
        for name in itertools.islice(itertools.cycle(VICTIMS), KILLS):
            kill_and_start_again(scene, name)
    all_come_in(scene)

    seconds = time.monotonic() - begun
    record_property("measured", f"production: {KILLS} kills: {scene.judge()} in {seconds:.0f} s")
    assert_once(scene)


def kill_and_start_again(scene: Scene, name: str) -> None:
    if name == "run":
        scene.sync_by_dagster("crm")
        wait_until(lambda: kill_a_run(scene), "a run", every=0.1)
        return
    scene.moments.wait_for_tick(30)
    if name == "postgres":
        scene.production.lose_postgres()
    else:
        scene.production.kill(name)
        scene.production.start(name)


def kill_a_run(scene: Scene) -> bool:
    """With its steps, as when its container is killed."""
    workers = scene.runs.workers()
    pids = [pid for worker in workers for pid in (*scene.runs.steps_of(worker), worker.pid)]
    killed = [scene.runs.kill(pid) for pid in pids]
    return any(killed)


def all_come_in(scene: Scene) -> None:
    """Everything has ended, and what is below the table has followed it."""
    scene.come_to_rest()
    words = scene.production.last_words
    wait_until(scene.is_below_newer, "a run after the last sync", every=0.3, evidence=words)


def assert_once(scene: Scene) -> None:
    verdict = scene.judge()
    assert verdict.is_good, f"{verdict.details}\n{scene.production.last_words()}"
    assert scene.asked_too_often() == 0


def test_a_rolling_reload_in_the_middle_of_a_tick_loses_and_repeats_nothing(scene: Scene) -> None:
    with under_load(scene):
        scene.production.reload_rolling("ingest", lambda: scene.moments.wait_for_tick(30))
    all_come_in(scene)

    assert_once(scene)


def test_airbyte_gone_for_ten_minutes_loses_and_repeats_nothing(scene: Scene) -> None:
    gone = time.time()
    scene.airbyte.stop()
    for _ in range(10):
        scene.airbyte.advance(60)
        sync_all(scene)
    wait_until(lambda: scene.ticks.failed_since(gone), "a tick that failed", every=0.3)
    scene.airbyte.start()
    all_come_in(scene)

    assert_once(scene)


def sync_all(scene: Scene) -> None:
    for name in CONNECTIONS:
        scene.sync(name)


def test_two_daemons_by_mistake_lose_nothing_and_repeat_only_what_two_ticks_report_at_once(
    scene: Scene, record_property: Callable[[str, object], None]
) -> None:
    begun = time.time()
    with scene.production.second_daemon() as both:
        with under_load(scene):
            wait_until(lambda: len(scene.ticks.spans_since(begun)) >= TICKS_OF_TWO_DAEMONS, "ticks")
        let_one_tick_outlast_the_interval(scene, *both)
    killed = time.time()
    all_come_in(scene)

    verdict, doubles = scene.judge(), scene.doubles()
    ticks = scene.ticks.spans_since(begun, killed)
    record_property("measured", f"production, two daemons: {verdict} in {len(ticks)} ticks")
    assert not verdict.lost
    assert not verdict.untrue
    assert not unexplained(doubles, ticks)


def let_one_tick_outlast_the_interval(scene: Scene, one: Daemon, other: Daemon) -> None:
    """It has asked Airbyte, and stands still while the other daemon reports the same."""
    other.send_signal(signal.SIGSTOP)
    wait_until(scene.is_idle_in_airbyte, "an end of the load's syncs", every=0.3)
    sync_all(scene)
    assert scene.moments.wait_for_tick(30)
    one.send_signal(signal.SIGSTOP)
    other.send_signal(signal.SIGCONT)
    # Unless the first one stands still with a row locked for which the other one waits.
    is_locked = scene.production.postgres.is_waited_for
    wait_until(lambda: not scene.judge().lost or is_locked(), "the other's report", every=0.3)
    one.send_signal(signal.SIGCONT)
