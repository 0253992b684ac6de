"""Which job is taken for that of a run that said that it starts a sync, and no more."""

import logging
import time
from datetime import datetime

import pytest

from dagster_airbyte_sync.assets.start_jobs.queued_start import start_queued
from dagster_airbyte_sync.resources import JobRequest
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.airbyte_time import client_of
from helpers.start_jobs import starts


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.connection("a")


def started(airbyte: AirbyteSimulator, shop: SimulatedConnection, *begun: datetime) -> int:
    """The number of the job that the next run starts or finds; the earlier ones began then."""
    ages = [(airbyte.now - each).total_seconds() for each in begun]
    job, _ = start_queued(
        client_of(airbyte),
        JobRequest(shop.connection_id),
        logging.getLogger(__name__),
        [time.time() - age for age in ages],
    )
    return job.id


def test_one_that_succeeded_or_runs_is_that_of_the_start(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    begun = airbyte.now
    airbyte.advance(600)
    job = airbyte.start_sync(shop)
    assert started(airbyte, shop, begun) == job.job_id
    airbyte.succeed(job)
    airbyte.advance(600)
    assert (started(airbyte, shop, begun), starts(airbyte)) == (job.job_id, 0)


@pytest.mark.parametrize("how", ["fail", "cancel"])
def test_one_that_failed_or_was_cancelled_does_not_stand_for_the_sync(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, how: str
) -> None:
    begun = airbyte.now
    getattr(airbyte, how)(airbyte.start_sync(shop))
    assert (started(airbyte, shop, begun), starts(airbyte)) == (2, 1)


def test_one_that_began_hours_later_is_somebody_elses(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    begun = airbyte.now
    airbyte.advance(3 * 3600)
    airbyte.run_sync(shop)
    assert (started(airbyte, shop, begun), starts(airbyte)) == (2, 1)


def test_of_several_starts_each_may_have_come_to_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    first = airbyte.now
    airbyte.advance(3 * 3600)
    second = airbyte.now
    airbyte.run_sync(shop)
    assert (started(airbyte, shop, first, second), starts(airbyte)) == (1, 0)
