"""Connections of thousands of tables: a tick's work is bounded by time and size, not by jobs."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from time import monotonic

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    DagsterAirbyteTranslator,
)
from dagster_airbyte_sync.sensors import tick as polling
from dagster_airbyte_sync.sensors.decision import Limits
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject
from helpers.deployment import Deployment, Tick, deployed
from helpers.look_ups import counted_look_ups

MEGABYTE = 1_000_000

# After a tick that reported more than a few events: when two of them were stored.
LOOKS_AT_THE_PACE = 2


def tables(count: int) -> list[str]:
    return [f"t{number:04}" for number in range(count)]


def wide(count: int, columns: int = 2) -> list[SimulatedStream]:
    """So many streams, which share one schema."""
    properties: dict[str, Json] = {
        f"a_column_with_a_longer_name_{n}": {"type": ["null", "string"]} for n in range(columns)
    }
    schema: JsonObject = {"type": "object", "properties": properties}
    return [SimulatedStream(name, json_schema=schema) for name in tables(count)]


def size_of(tick: Tick) -> int:
    return sum(len(dg.serialize_value(event)) for event in tick.events)


def reported(ticks: list[Tick]) -> list[str]:
    return [name for tick in ticks for name, _ in tick.materialized]


def ticks_of(deployment: Deployment, most: int = 30) -> list[Tick]:
    ticks = []
    for _ in range(most):
        ticks.append(deployment.tick())
        if not ticks[-1].events and not ticks[-1].requests:
            return ticks[:-1]
    raise AssertionError(f"still not at rest: {ticks[-1].summary}")


@pytest.mark.slow
def test_a_thousand_tables_are_reported_table_by_table_with_no_more_look_ups_than_two(
    airbyte: AirbyteSimulator,
    memory: dg.DagsterInstance,
    record_property: Callable[[str, object], None],
) -> None:
    """One look-up for each table took a minute, past the daemon's limit. What follows the sync
    begins once all of it is reported."""

    @dg.asset(deps=["t0000", "t0999", "small"])
    def follows() -> None: ...

    shop = airbyte.add_connection("shop", wide(1000))
    small = airbyte.add_connection("small", ["small"])
    deployment = deployed(airbyte, memory, follows, downstream=dg.AssetSelection.assets("follows"))
    deployment.tick()
    deployment.wait(timedelta(hours=1))
    airbyte.run_sync(small)
    with counted_look_ups() as usual:
        deployment.tick()
    deployment.wait(timedelta(hours=1))
    airbyte.run_sync(shop, rows=1)

    begun = monotonic()
    look_ups = []
    ticks: list[Tick] = []
    while not ticks or ticks[-1].events:
        with counted_look_ups() as count:
            ticks.append(deployment.tick())
        look_ups.append(count.total())

    record_property("measured", f"1,000 tables in memory: {monotonic() - begun:.0f} s")
    assert reported(ticks) == tables(1000)
    first, *others, last = [len(tick.events) for tick in ticks]
    # By then it is known how fast they are stored.
    assert (first, sum(others), last) == (250, 750, 0)
    assert max(look_ups) <= usual.total() + 2 + LOOKS_AT_THE_PACE, look_ups
    [requested] = [place for place, tick in enumerate(ticks) if tick.requests]
    assert len(reported(ticks[: requested + 1])) == 1000
    assert len(ticks[requested].requests) == 1


def test_a_wide_connection_that_synced_before_is_no_dearer(memory: dg.DagsterInstance) -> None:
    """With a history of each table behind it."""
    look_ups = {}
    for width in (3, 90):
        with AirbyteSimulator() as airbyte, dg.DagsterInstance.ephemeral() as instance:
            shop = airbyte.add_connection("shop", wide(width))
            deployment = deployed(airbyte, instance)
            for _ in range(3):
                airbyte.run_sync(shop, rows=1)
                deployment.wait(timedelta(minutes=20))
                with counted_look_ups() as count:
                    ticks_of(deployment)
            look_ups[width] = count.total()

    assert look_ups[90] <= look_ups[3] + LOOKS_AT_THE_PACE


@pytest.mark.parametrize("is_cursor_lost", [False, True], ids=["", "cursor lost"])
@pytest.mark.parametrize("stored", range(8))
def test_a_daemon_that_dies_at_any_event_loses_and_repeats_no_table(
    airbyte: AirbyteSimulator,
    memory: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    stored: int,
    is_cursor_lost: bool,
) -> None:
    """Each second tick of those that one sync takes."""

    @dg.asset(deps=["t0000", "t0010"])
    def follows() -> None: ...

    monkeypatch.setattr(polling, "Limits", partial(Limits, events=7))
    shop = airbyte.add_connection("shop", wide(11))
    selection = dg.AssetSelection.assets("follows")
    deployment = deployed(
        airbyte, memory, follows, checks=True, downstream=selection, per_sync=True
    )
    jobs = []
    for _ in range(2):
        jobs.append(airbyte.run_sync(shop, rows=1).job_id)
        deployment.wait(timedelta(minutes=2))
    ticks = []
    for _ in range(9):
        if is_cursor_lost:
            deployment.cursor = None
        deployment.tick(crash_after=stored)
        ticks.append(deployment.tick())

    assert deployment.reported_all(tables(11)) == dict.fromkeys(tables(11), jobs)
    assert ticks[-1].events == []
    checks = [check for tick in ticks for check in tick.checked]
    assert len(set(checks)) == len(checks)
    asked = Counter(request.run_key for tick in ticks for request in tick.requests)
    assert len(asked) == 2
    if not is_cursor_lost:
        assert set(asked.values()) == {1}


def test_a_refresh_of_one_table_of_thirty_reads_one_history_at_most(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    """Also one that is committed late, after which a sync of all was reported."""
    shop = airbyte.add_connection("shop", wide(30))
    deployment = deployed(airbyte, memory)
    for _ in range(2):
        airbyte.run_sync(shop, rows=1)
        deployment.wait(timedelta(minutes=20))
        deployment.tick()
    late = airbyte.run_refresh(shop, ["t0007"])
    airbyte.commit_late(late, by=timedelta(minutes=4))
    deployment.wait(timedelta(minutes=2))
    newer = airbyte.run_sync(shop, rows=1)
    deployment.tick()
    deployment.wait(timedelta(minutes=2.5))

    with counted_look_ups() as count:
        tick = deployment.tick()

    assert tick.materialized == [("t0007", late.job_id)]
    assert deployment.reported("t0007")[-2:] == [newer.job_id, late.job_id]
    assert count["fetch_materializations"] <= 1 + LOOKS_AT_THE_PACE


def test_what_a_tick_sends_to_the_daemon_is_bounded_in_bytes(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of 330 columns makes an event of 48 kB, and gRPC takes 100 MB; here a tenth of it."""
    usual = Limits(hold=0, grace=0).bytes
    assert usual < 10 * MEGABYTE
    monkeypatch.setattr(polling, "Limits", partial(Limits, bytes=usual // 10))
    shop = airbyte.add_connection("shop", wide(25, columns=330))
    deployment = deployed(airbyte, memory)
    deployment.tick()
    deployment.wait(timedelta(hours=1))
    job = airbyte.run_sync(shop, rows=1)

    ticks = ticks_of(deployment)

    sizes = [size_of(tick) for tick in ticks]
    assert sum(sizes) > 1.1 * MEGABYTE
    assert max(sizes) < MEGABYTE
    assert deployment.reported_all(tables(25)) == {name: [job.job_id] for name in tables(25)}
    schema = deployment.last("t0024").metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    assert len(schema.schema.columns) == 330


def test_a_failure_text_of_two_hundred_kilobytes_stops_nothing(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    """On 300 tables. Where the rest of it is, a link says."""
    shop = airbyte.add_connection("shop", wide(300))
    deployment = deployed(airbyte, memory, checks=True)
    deployment.tick()
    deployment.wait(timedelta(hours=1))
    failed = airbyte.fail(airbyte.start_sync(shop), reason="java.lang.Error\n" * 12_500)
    deployment.wait(timedelta(minutes=1))

    ticks = ticks_of(deployment)

    checks = [check for tick in ticks for check in tick.checked]
    assert checks == [(name, failed.job_id, False) for name in tables(300)]
    assert sum(size_of(tick) for tick in ticks) < 3 * MEGABYTE
    (event, *_) = ticks[0].events
    assert isinstance(event, dg.AssetCheckEvaluation)
    assert (event.description or "").endswith("(shortened: see job_url for the rest)")
    assert f"jobId={failed.job_id}" in str(event.metadata["dagster-airbyte/job_url"].value)


class Unstorable(DagsterAirbyteTranslator):
    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = super().get_asset_spec(props)
        key = {"long": "x" * 600, "nul": "a\x00b", "half": "\ud83d"}.get(props.stream_name)
        return spec if key is None else spec.replace_attributes(key=[key])


@pytest.mark.parametrize("stream", ["long", "nul", "half"])
@pytest.mark.parametrize("is_newer", [False, True], ids=["defined", "newer"])
def test_a_key_that_dagster_cannot_store_stops_only_its_table(
    either: AirbyteSimulator,
    instance: dg.DagsterInstance,
    capsys: pytest.CaptureFixture[str],
    stream: str,
    is_newer: bool,
) -> None:
    names = ["orders", stream, "users"]
    shop = either.add_connection("shop", ["orders", "users"] if is_newer else names)
    crm = either.add_connection("crm", ["leads"])
    deployment = deployed(either, instance, dagster_airbyte_translator=Unstorable(), checks=True)
    deployment.tick()
    either.update_connection(shop, streams=names)
    deployment.wait(timedelta(hours=1))
    jobs = [either.run_sync(shop, rows=1).job_id, either.run_sync(crm, rows=1).job_id]
    deployment.wait(timedelta(minutes=1))

    ticks = ticks_of(deployment)

    assert deployment.reported_all(["orders", "users", "leads"]) == {
        "orders": [jobs[0]],
        "users": [jobs[0]],
        "leads": [jobs[1]],
    }
    assert sorted(reported(ticks)) == ["leads", "orders", "users"]
    said = capsys.readouterr().err
    assert ("keys cannot be used" if is_newer else "Nothing can be reported for the asset") in said
