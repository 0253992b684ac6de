"""Dagster was off while Airbyte went on: all is reported, in order, over as many ticks as it takes.

`BACKLOG=20000` makes it long.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import Connection
from dagster_airbyte_sync.assets.events.sync_events import Event
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection
from helpers.dagster_private import dagster_time
from helpers.deployment import Deployment

Deploy = Callable[..., Deployment]

BACKLOG = int(os.environ.get("BACKLOG", "1200"))
# One look for each job would be far more: a page has 200 jobs, a tick 5,000 at most.
MOST_REQUESTS = 30


def history(
    airbyte: AirbyteSimulator, connections: list[SimulatedConnection], length: int
) -> dict[str, list[int]]:
    """Syncs of the connections in turn, a minute apart, the last of them a minute ago."""
    reported: dict[str, list[int]] = {}
    for number in range(length):
        connection = connections[number % len(connections)]
        end = airbyte.now - timedelta(minutes=length - number)
        job = airbyte.add_finished_job(connection, created_at=end, updated_at=end)
        reported.setdefault(connection.streams[0].name, []).append(job.job_id)
    return reported


def add_connections(airbyte: AirbyteSimulator, number: int) -> list[SimulatedConnection]:
    return [airbyte.add_connection(f"c{n}", streams=[f"table_{n}"]) for n in range(number)]


@pytest.mark.slow
def test_a_long_backlog_is_reported_in_order_over_many_ticks(
    airbyte: AirbyteSimulator, deploy: Deploy, record_property: Callable[[str, object], None]
) -> None:
    expected = history(airbyte, add_connections(airbyte, 20), BACKLOG)
    with dg.DagsterInstance.ephemeral() as instance:
        deployment = deploy(start_from=timedelta(minutes=BACKLOG + 5))
        deployment.instance = instance
        ticks = [deployment.tick()]
        while ticks[-1].events:
            ticks.append(deployment.tick())

        assert deployment.reported_all(expected) == expected
    record_property(
        "measured", f"backlog: {BACKLOG} jobs reported in order in {len(ticks) - 1} ticks"
    )
    assert len(ticks[0].events) == 250
    assert max(len(tick.events) for tick in ticks) <= 5_000
    assert max(tick.sent for tick in ticks) <= MOST_REQUESTS
    assert ticks[-1].summary is not None
    assert ticks[-1].summary.startswith("Nothing new.")


def test_the_summary_says_how_far_behind_airbyte_a_backlog_is(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    history(airbyte, add_connections(airbyte, 1), 400)
    deployment = deploy(start_from=timedelta(minutes=405))

    with dg.DagsterInstance.ephemeral() as deployment.instance:
        first, second = deployment.tick(), deployment.tick()

    assert first.summary is not None
    assert first.summary.startswith("Reported 250 syncs: c0 (250 tables); more to come at the next")
    assert re.search(r"UTC, 2 h (29|30|31) min behind Airbyte\.$", first.summary)
    assert second.summary is not None
    assert second.summary.endswith("UTC.")


def test_a_tick_after_a_full_one_takes_as_much_as_is_stored_in_its_share_of_the_interval(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    history(airbyte, add_connections(airbyte, 150), 1200)
    with dg.DagsterInstance.ephemeral() as instance:
        deployment = deploy(start_from=timedelta(minutes=1205), storing_share=0.4)
        deployment.instance = instance
        for per_second, taken in ((20, 250), (30, 240), (30, 360)):
            with stored_at_a_pace(instance, per_second):
                assert len(deployment.tick().events) == taken


def test_shards_divide_the_share_among_them(airbyte: AirbyteSimulator, deploy: Deploy) -> None:
    history(airbyte, add_connections(airbyte, 300), 1200)
    with dg.DagsterInstance.ephemeral() as instance:
        deployment = deploy(start_from=timedelta(minutes=1205), storing_share=0.4, shards=2)
        deployment.instance, deployment.sensor = instance, f"{deployment.sensor}_1_of_2"

        for per_second, taken in ((20, 250), (20, 120)):
            with stored_at_a_pace(instance, per_second):
                assert len(deployment.tick().events) == taken


@contextmanager
def stored_at_a_pace(instance: dg.DagsterInstance, per_second: float) -> Iterator[None]:
    """Within, each event is stored so long after the one before it, by the event log's clock."""
    now, store = datetime.now(timezone.utc), instance.report_runless_asset_event

    def store_slowly(event: Event) -> None:
        nonlocal now
        now += timedelta(seconds=1 / per_second)
        store(event)

    with dagster_time(lambda: now), pytest.MonkeyPatch.context() as patch:
        patch.setattr(instance, "report_runless_asset_event", store_slowly)
        yield


@pytest.mark.slow
def test_slow_pages_are_reported_as_far_as_they_could_be_read(
    airbyte: AirbyteSimulator, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a process that is new, and must ask more than the history."""
    monkeypatch.setenv("DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS", "4.5")
    expected = history(airbyte, add_connections(airbyte, 1), 40)
    strange = airbyte.add_connection("has no assets", streams=["strange"])
    deployment = deploy(
        start_from=timedelta(minutes=2000),
        connection_selector_fn=lambda connection: connection.name == "c0",
    )
    for number in range(1200):
        end = airbyte.now - timedelta(minutes=1500 - number)
        airbyte.add_finished_job(strange, created_at=end, updated_at=end)
    airbyte.add_fault(Fault.slow(0.7), path="/jobs/list_for_workspaces", times=None)

    with dg.DagsterInstance.ephemeral() as deployment.instance:
        for _ in range(15):
            if deployment.reported_all(expected) != expected:
                deployment.tick()

        assert deployment.reported_all(expected) == expected


@pytest.mark.slow
def test_a_connection_that_could_not_be_reported_for_days_is_reported_in_the_end(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    """Many more of its jobs wait than one tick reports; those of others are reported, once.

    Till it can be reported, history is not read again for its sake, however long that takes.
    """
    broken, fine = add_connections(airbyte, 2)
    expected = history(airbyte, [broken], 400) | history(airbyte, [fine], 300)

    def selector(connection: Connection) -> bool:
        if is_mended or connection.name != "c0":
            return True
        raise ValueError("a bug of the user's")

    is_mended = True
    deployment = deploy(start_from=timedelta(minutes=405), connection_selector_fn=selector)
    is_mended = False
    with dg.DagsterInstance.ephemeral() as deployment.instance:
        ticks = [deployment.tick() for _ in range(5)]

        assert deployment.reported_all(expected) == expected | {"table_0": []}
        assert [len(tick.events) for tick in ticks] == [250, 50, 0, 0, 0]
        assert str(ticks[-1].summary).startswith("1 connection cannot be read now. ")
        assert ticks[-1].sent == 1
        assert len(str(deployment.cursor)) < 1000

        for _ in range(3):
            airbyte.advance(timedelta(minutes=9))
            expected["table_0"].append(airbyte.run_sync(broken).job_id)
            deployment.tick()
        is_mended = True
        for _ in range(5):
            deployment.tick()
        assert deployment.reported_all(expected) == expected
