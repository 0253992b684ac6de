"""What the kill test found or led to, as small tests that find it every time."""

from collections.abc import Iterator

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.dagster_private import asset_records_not_written
from helpers.deployment import deployed


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """An Airbyte whose syncs end by themselves, half a second after their start."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.5)
        yield airbyte


def test_a_run_that_reports_before_an_earlier_decided_tick_is_stored_is_not_reported_again(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    """The daemon takes seconds to store a large tick; runs report meanwhile."""
    deployment = deployed(airbyte, instance)
    external = airbyte.run_sync(airbyte.connections[0])
    decided = deployment.tick(crash_after=0)

    assert deployment.materialize("orders").success
    for event in decided.events:
        deployment.instance.report_runless_asset_event(event)
    deployment.tick()

    by_run = airbyte.jobs[-1]
    assert deployment.reported("orders") == [by_run.job_id, external.job_id]


@pytest.mark.parametrize("stored", [1, 2, 3])
def test_a_run_that_reports_all_tables_before_a_tick_is_stored_is_not_reported_again(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, stored: int
) -> None:
    """Of each table for which the tick is stored, the last event is then of the earlier job."""
    tables = ["items", "orders", "users"]
    airbyte.update_connection(airbyte.connections[0], streams=tables)
    deployment = deployed(airbyte, instance)
    external = airbyte.run_sync(airbyte.connections[0])
    decided = deployment.tick(crash_after=0)

    assert deployment.materialize(*tables).success
    for event in decided.events[:stored]:
        deployment.instance.report_runless_asset_event(event)
    deployment.tick()

    by_run = airbyte.jobs[-1].job_id
    for reported in deployment.reported_all(tables).values():
        assert reported == [by_run, external.job_id]


def test_an_event_whose_asset_record_was_not_written_is_not_reported_again(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    """PostgreSQL stores the event and the asset's record in two steps: the daemon died between."""
    deployment = deployed(airbyte, instance)
    job = airbyte.run_sync(airbyte.connections[0])
    with asset_records_not_written(instance):
        deployment.tick()
    deployment.cursor = None

    deployment.tick()

    assert deployment.reported("orders") == [job.job_id]
