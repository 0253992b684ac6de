"""Hundreds of jobs that end together: all are reported, once, and then they cost nothing."""

import random
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.sensors.cursor import cursor, pace
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment, Tick, deployed


def with_pages_of(size: int, airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    return AirbyteWorkspace(
        **airbyte.workspace_config(), max_items_per_page=size, request_retry_delay=0.01
    )


def until_idle(deployment: Deployment, most: int = 30) -> list[Tick]:
    """The ticks that reported something, a minute from one to the next."""
    ticks = []
    for _ in range(most):
        ticks.append(deployment.tick())
        if not ticks[-1].events:
            return ticks[:-1]
        deployment.wait(timedelta(minutes=1))
    raise AssertionError(f"still not idle: {ticks[-1].summary}")


def test_a_restart_that_fails_more_jobs_in_one_second_than_a_page_has_ends_no_history(
    either: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    """From then on nothing of the workspace was reported, and each tick said "Nothing new"."""
    names = [f"table_{number}" for number in range(105)]
    connections = [either.add_connection(name, streams=[name]) for name in names]
    deployment = deployed(either, memory, checks=True)
    deployment.tick()
    deployment.wait(timedelta(minutes=20))
    running = {name: either.start_sync(c) for name, c in zip(names, connections, strict=True)}
    deployment.wait(timedelta(minutes=10))
    either.restart()
    deployment.wait(timedelta(minutes=1))
    after = either.run_sync(connections[0])

    ticks = until_idle(deployment)

    reported = sorted(check for tick in ticks for check in tick.checked)
    failed = [(name, job.job_id, False) for name, job in running.items()]
    assert reported == sorted([*failed, ("table_0", after.job_id, True)])
    assert deployment.reported("table_0") == [after.job_id]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_a_burst_in_one_second_is_reported_with_pages_of(
    either: AirbyteSimulator, memory: dg.DagsterInstance, size: int, status: str
) -> None:
    """After minutes without a job, and with one that follows."""
    shop = either.add_connection("shop", streams=["orders"])
    crm = either.add_connection("crm", streams=["leads"])
    deployment = deployed(either, memory, checks=True)
    deployment.workspace = with_pages_of(size, either)
    deployment.tick()
    deployment.wait(timedelta(minutes=30))
    burst = either.burst(shop, 3 if size < 100 else 103, status=status)  # type: ignore[arg-type]
    deployment.wait(timedelta(minutes=1))
    after = either.run_sync(crm)

    ticks = until_idle(deployment)

    ids = [job.job_id for job in burst]
    orders = [job_id for t in ticks for name, job_id, _ in t.checked if name == "orders"]
    # Of those that succeeded the check says nothing new after the first.
    assert orders == (ids[:1] if status == "succeeded" else ids)
    assert deployment.reported("orders") == (ids if status == "succeeded" else [])
    assert deployment.reported("leads") == [after.job_id]


@pytest.mark.slow
def test_an_idle_tick_costs_the_same_after_hundreds_ended_within_minutes(
    either: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    """One request, or two where refreshes must be asked for by themselves."""
    names = [f"table_{number}" for number in range(300)]
    connections = [either.add_connection(name, streams=[name]) for name in names]
    deployment = deployed(either, memory)
    deployment.tick()
    deployment.wait(timedelta(minutes=10))
    deployment.tick()
    usual = deployment.tick().sent
    for connection in connections:
        either.run_sync(connection)
        deployment.wait(timedelta(seconds=0.8))
    until_idle(deployment)

    deployment.wait(timedelta(minutes=6))
    deployment.tick()
    soon = [deployment.tick() for _ in range(2)]
    deployment.wait(timedelta(hours=5))
    # A token is older than that.
    deployment.tick()
    later = [deployment.tick() for _ in range(2)]

    assert usual == (1 if has_configuration_api(either) else 2)
    assert [tick.sent for tick in soon + later] == [usual] * 4
    assert [tick.events for tick in soon + later] == [[]] * 4
    assert all(len(jobs) == 1 for jobs in deployment.reported_all(names).values())


def has_configuration_api(airbyte: AirbyteSimulator) -> bool:
    return any(e.request.path.startswith("/api/v1/") and e.status == 200 for e in airbyte.exchanges)


def syncs_with_gaps(
    airbyte: AirbyteSimulator, connections: list[SimulatedConnection], count: int
) -> dict[str, list[int | None]]:
    """So many syncs within five minutes; other workspaces use numbers of the same sequence."""
    gaps = random.Random(1)
    end = airbyte.now
    expected: dict[str, list[int | None]] = {}
    for place in range(count):
        airbyte.skip_job_ids(gaps.randint(1, 20))
        connection = connections[place % len(connections)]
        at = end - timedelta(seconds=290 * (count - place) / count)
        (job,) = airbyte.burst(connection, 1, status="succeeded", at=at)
        expected.setdefault(connection.streams[0].name, []).append(job.job_id)
    return expected


@pytest.mark.slow
def test_three_thousand_syncs_within_five_minutes_do_not_stop_the_sensor(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    """Most are of connections that this code location leaves out: they are in the cursor, too."""
    connections = add_connections(airbyte)
    deployment = deployed(airbyte, memory, connection_selector_fn=lambda each: each.name == "t0")
    deployment.tick()
    deployment.wait(timedelta(hours=1))
    expected = syncs_with_gaps(airbyte, connections, 3000)["t0"]

    ticks = [deployment.tick() for _ in range(4)]

    assert [len(tick.events) for tick in ticks] == [250, 50, 0, 0]
    assert deployment.reported("t0") == expected
    assert len(deployment.cursor or "") < 8_000


@pytest.mark.slow
def test_what_a_cursor_has_no_room_for_uses_up_no_tick(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read again, it counts as new; ten times as many syncs would do so with the usual size."""
    monkeypatch.setattr(cursor, "_MOST_BYTES", 450)
    monkeypatch.setattr(cursor, "_LEAST_BYTES", 450)
    # However fast this machine stores them.
    monkeypatch.setattr(pace, "MOST_EVENTS", 250)
    monkeypatch.setattr(pace, "FEWEST_EVENTS", 250)
    connections = add_connections(airbyte)
    deployment = deployed(airbyte, memory)
    deployment.tick()
    deployment.wait(timedelta(hours=1))
    expected = syncs_with_gaps(airbyte, connections, 750)

    ticks = []
    for _ in range(5):
        ticks.append(deployment.tick())
        deployment.wait(timedelta(seconds=10))

    assert [len(tick.events) for tick in ticks] == [250, 250, 250, 0, 0]
    assert deployment.reported_all(expected) == expected
    assert len(deployment.cursor or "") < 1_000


def add_connections(airbyte: AirbyteSimulator) -> list[SimulatedConnection]:
    return [airbyte.add_connection(name, streams=[name]) for name in (f"t{n}" for n in range(10))]
