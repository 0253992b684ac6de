"""When the events of a tick were stored, the event log says; what others have stored since does not
count."""

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.tables.keys import JOB_ID
from dagster_airbyte_sync.sensors.cursor.pace import Pace, Sent
from dagster_airbyte_sync.sensors.reading.pace_now import read_pace
from helpers.look_ups import counted_look_ups

USUAL = 1e6


def event(name: str, job_id: int) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(name, metadata={JOB_ID: job_id})


@pytest.fixture
def sent(memory: dg.DagsterInstance) -> Sent:
    """Of a tick that has reported three tables ten times, and was stored."""
    events = [event(name, job_id) for job_id in range(10) for name in "abc"]
    for each in events:
        memory.report_runless_asset_event(each)
    sent = Sent.of(events)
    assert sent is not None
    assert sent.events == 29
    return sent


def per_second(memory: dg.DagsterInstance, sent: Sent) -> float | None:
    return read_pace(memory, Pace(sent=sent), USUAL).per_second


def test_it_is_measured_by_the_event_log(memory: dg.DagsterInstance, sent: Sent) -> None:
    times = [
        record.timestamp for record in memory.fetch_materializations(sent.first.key, 25).records
    ]
    times += [
        record.timestamp for record in memory.fetch_materializations(sent.last.key, 1).records
    ]

    seen = per_second(memory, sent)

    assert seen == pytest.approx(max(29 / (max(times) - min(times)), USUAL / 4))


@pytest.mark.parametrize("name", ["a", "c"])
def test_what_a_run_has_stored_since_says_nothing(
    memory: dg.DagsterInstance, sent: Sent, name: str
) -> None:
    @dg.asset(name=name, metadata={})
    def table(context: dg.AssetExecutionContext) -> None:
        context.add_output_metadata({JOB_ID: 9 if name == "c" else 0})

    assert dg.materialize([table], instance=memory).success

    assert per_second(memory, sent) is None


def test_nor_does_what_another_tick_has_stored_since(
    memory: dg.DagsterInstance, sent: Sent
) -> None:
    memory.report_runless_asset_event(event("c", 10))

    assert per_second(memory, sent) is None


def test_nor_a_tick_that_was_stored_in_part(memory: dg.DagsterInstance, sent: Sent) -> None:
    with dg.DagsterInstance.ephemeral() as other:
        assert per_second(other, sent) is None


def test_after_a_tick_that_reported_little_nothing_is_looked_up(memory: dg.DagsterInstance) -> None:
    pace = Pace(12.5)

    with counted_look_ups() as asked:
        assert read_pace(memory, pace, USUAL) is pace
    assert not asked
