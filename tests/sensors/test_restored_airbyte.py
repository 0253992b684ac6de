"""Airbyte is restored from a backup of twelve hours ago: its numbers come again, of other jobs."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedJob
from helpers.deployment import Deployment, Tick, deployed, version_of

HOUR = timedelta(hours=1)


@pytest.fixture
def connections(
    request: pytest.FixtureRequest, either: AirbyteSimulator
) -> list[SimulatedConnection]:
    count = getattr(request, "param", 1)
    return [either.add_connection(f"t{n}", streams=[f"t{n}"]) for n in range(count)]


@pytest.fixture
def deployment(
    either: AirbyteSimulator, connections: list[SimulatedConnection]
) -> Iterator[Deployment]:
    """Hourly syncs are reported, two more than the backup is old; each is followed by a run."""

    @dg.asset(deps=[connection.name for connection in connections])
    def follows() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        deployment = deployed(
            either,
            instance,
            follows,
            checks=True,
            downstream=dg.AssetSelection.assets("follows"),
            per_sync=True,
        )
        deployment.tick()
        for _ in range(14):
            sync_all(either, connections)
            deployment.tick()
            deployment.wait(HOUR)
        yield deployment


def sync_all(
    airbyte: AirbyteSimulator, connections: list[SimulatedConnection]
) -> list[SimulatedJob]:
    return [airbyte.run_sync(connection, rows=5) for connection in connections]


def restore(deployment: Deployment) -> None:
    """It takes half an hour, in which the sensor fails or sees nothing."""
    deployment.airbyte.restore(deployment.airbyte.now - 12 * HOUR)
    deployment.wait(timedelta(minutes=30))


def after_the_restore(deployment: Deployment) -> list[Tick]:
    """The ticks after it, until nothing more comes."""
    ticks = [deployment.tick() for _ in range(2)]
    deployment.wait(timedelta(minutes=10))
    return [*ticks, deployment.tick()]


@pytest.mark.parametrize("connections", [1, 5], ids=["one", "five"], indirect=True)
@pytest.mark.parametrize("is_off_meanwhile", [False, True], ids=["on", "off meanwhile"])
def test_each_sync_after_the_restore_is_reported_once_and_is_new(
    either: AirbyteSimulator,
    connections: list[SimulatedConnection],
    deployment: Deployment,
    is_off_meanwhile: bool,
) -> None:
    """With a data version and a run of its own, though its number was used before."""
    used = {request.run_key for tick in deployment.ticks for request in tick.requests}
    before = deployment.reported_all(connection.name for connection in connections)
    restore(deployment)
    if not is_off_meanwhile:
        deployment.tick()
    jobs: list[SimulatedJob] = []
    ticks: list[Tick] = []
    for _ in range(4):
        jobs += sync_all(either, connections)
        if not is_off_meanwhile:
            ticks.append(deployment.tick())
        deployment.wait(HOUR)

    ticks += after_the_restore(deployment)

    expected = {
        c.name: [j for j in jobs if j.connection_id == c.connection_id] for c in connections
    }
    assert {job.job_id for job in jobs} <= {job.job_id for job in either.forgotten_jobs}
    for name, own in expected.items():
        assert deployment.reported(name) == [*before[name], *(job.job_id for job in own)]
        assert deployment.last(name).tags == {"dagster/data_version": version_of(own[-1])}
    keys = [request.run_key for tick in ticks for request in tick.requests]
    assert len(set(keys)) == len(keys) == len(jobs)
    assert used.isdisjoint(keys)


def test_a_failure_after_the_restore_reaches_its_check(
    either: AirbyteSimulator, connections: list[SimulatedConnection], deployment: Deployment
) -> None:
    restore(deployment)
    failed = either.fail(either.start_sync(connections[0]), reason="password expired")

    ticks = after_the_restore(deployment)

    checks = [check for tick in ticks for check in tick.checked]
    assert checks == [("t0", failed.job_id, False)]


def test_a_sync_that_was_reported_and_runs_in_the_backup_is_not_reported_as_another(
    either: AirbyteSimulator, connections: list[SimulatedConnection], deployment: Deployment
) -> None:
    """Its rows are there, although the restored Airbyte lets it fail."""
    running = either.start_sync(connections[0])
    deployment.wait(timedelta(minutes=1))
    either.succeed(running)
    deployment.tick()
    deployment.wait(12 * HOUR)
    either.restore(running.created_at + timedelta(seconds=30))

    ticks = after_the_restore(deployment)

    assert either.job(running.job_id).status == "failed"
    assert [tick.events for tick in ticks] == [[], [], []]


def test_a_lost_cursor_after_the_restore_repeats_nothing(
    either: AirbyteSimulator, connections: list[SimulatedConnection], deployment: Deployment
) -> None:
    restore(deployment)
    sync_all(either, connections)
    deployment.tick()
    deployment.wait(HOUR)
    before = deployment.reported_all(connection.name for connection in connections)

    deployment.cursor = None
    ticks = after_the_restore(deployment)

    assert [tick.events for tick in ticks] == [[], [], []]
    assert deployment.reported_all(before) == before
