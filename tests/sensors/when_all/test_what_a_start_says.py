"""A start names the sync that ended last, and says why nothing runs."""

from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import WhenAll
from dagster_airbyte_sync.resources import JobRef
from dagster_airbyte_sync.sensors.run_requests.arrival import Arrival, newest_of_each
from dagster_airbyte_sync.sensors.when_all.start import of_one_end
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.when_all import Deploy, triggered

NOON = datetime(2026, 1, 15, 12, tzinfo=timezone.utc)


def arrival(name: str, job_id: int, ended_at: datetime) -> Arrival:
    return Arrival(name, name, JobRef(job_id, NOON, ended_at), "", frozenset())


def test_the_newest_sync_is_the_one_that_ended_last_and_all_are_of_its_partition() -> None:
    """It may have begun first, and so have the lower number."""
    arrivals = [arrival("shop", 10, NOON), arrival("crm", 11, NOON - timedelta(hours=1))]

    together = of_one_end(arrivals, None)

    assert newest_of_each(arrivals)[-1].connection_name == "shop"
    assert {each.ended_at for each in together} == {NOON}


@dg.asset(deps=["orders", "leads"], partitions_def=dg.DailyPartitionsDefinition("2026-01-01"))
def by_past_day() -> None: ...


@pytest.mark.usefixtures("sources")
def test_each_round_without_a_run_says_why(airbyte: AirbyteSimulator, deploy: Deploy) -> None:
    """The day is not over, and so has no partition yet."""
    nightly = triggered(deploy, by_past_day, members=["shop", "crm"])
    lines = []
    for _ in range(2):
        nightly.sync("shop", "crm")
        lines.append(nightly.tick().summary or "")
        nightly.wait(hours=1)

    for line in lines:
        assert "nothing that depends on them can be run" in line
        assert "partition_offset=-1" in line


def test_an_offset_that_is_no_number_is_refused() -> None:
    with pytest.raises(Exception, match="partition_offset is '-1': give a whole number"):
        WhenAll("nightly", ["shop"], partition_offset="-1")  # type: ignore[arg-type]
