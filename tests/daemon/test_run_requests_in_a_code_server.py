"""What follows a sync, asked for in a code server and started by Dagster's daemon, case by case."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.dagster_private import (
    OVER_CODE_SERVERS,
    AutomationDaemon,
    CodeServer,
    automation_daemon,
)
from helpers.local_instance import local_instance
from helpers.simulated import clock_from_now
from helpers.variables import variables

# What they share is made once.
pytestmark = pytest.mark.xdist_group("following")

LOCATION = Path(__file__).parent / "following_location.py"
TABLES = ("orders", "leads", "events", "costs", "items", "days", "asks")


@dataclass
class Place:
    airbyte: AirbyteSimulator
    instance: dg.DagsterInstance
    daemon: AutomationDaemon
    later: timedelta = timedelta(0)

    def runs_after(self, *tables: str) -> list[dg.DagsterRun]:
        """The runs that the daemon has queued after syncs of these tables, the oldest first."""
        before = {run.run_id for run in self.instance.get_runs()}
        for table in tables:
            self.airbyte.run_sync(self.airbyte.connection(f"Check {table}"))
        self.later += timedelta(seconds=31)
        self.airbyte.advance(timedelta(seconds=31))
        self.daemon.report()
        runs = [run for run in self.instance.get_runs() if run.run_id not in before]
        return list(reversed(runs))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, empty_storage: Path) -> Iterator[Place]:
    """All connections are there before the code location is loaded, and have ticked once."""
    folder = tmp_path_factory.mktemp("instance")
    with (
        AirbyteSimulator(clock=clock_from_now()) as airbyte,
        local_instance(folder, empty_storage, OVER_CODE_SERVERS) as instance,
    ):
        for table in TABLES:
            # Ops of "orders" and of the check of "Check orders" would have had one name.
            airbyte.add_connection(f"Check {table}", streams=[table])
        airbyte.add_connection("orders", streams=["others"])
        instance.add_dynamic_partitions("regions", ["north"])
        environ = variables(airbyte.workspace_config())
        servers = [CodeServer(LOCATION)]
        with automation_daemon(instance, servers, environ, lambda: airbyte.now) as daemon:
            place = Place(airbyte, instance, daemon)
            assert place.runs_after() == []
            yield place


def assets_of(runs: list[dg.DagsterRun]) -> list[list[str]]:
    return [sorted(key.to_user_string() for key in run.asset_selection or ()) for run in runs]


def test_two_connections_of_one_tick_are_followed_by_one_run_that_links_the_newest(
    place: Place,
) -> None:
    runs = place.runs_after("leads", "orders")

    assert assets_of(runs) == [["forecast", "revenue"]]
    tags = runs[0].tags
    assert tags["dagster-airbyte/connection_name"] == "Check orders"
    assert f"jobId={tags['dagster-airbyte/job_id']}" in tags["dagster-airbyte/job_url"]
    assert tags["dagster-airbyte/other_syncs"].startswith("Check leads ")


def test_an_edge_by_the_name_of_a_table_is_followed(place: Place) -> None:
    """As dagster-dbt makes them. That a name of the selection is gone stops nothing."""
    assert assets_of(place.runs_after("events")) == [["by_table_name"]]


def test_what_cannot_be_subset_is_run_as_a_whole(place: Place) -> None:
    assert assets_of(place.runs_after("costs")) == [["discounts", "margin"]]


def test_what_needs_config_or_a_region_takes_nothing_with_it(place: Place) -> None:
    assert assets_of(place.runs_after("items")) == [["stock"]]


def test_a_day_is_run_with_its_partition(place: Place) -> None:
    (run,) = place.runs_after("days")

    assert assets_of([run]) == [["by_day"]]
    assert run.tags["dagster/partition"] == place.airbyte.jobs[-1].updated_at.strftime("%Y-%m-%d")


# Dagster's own tags for partitions of several dimensions.
@pytest.mark.filterwarnings("ignore:Non-compliant tag keys like:DeprecationWarning")
def test_run_request_fn_may_ask_for_all_that_dagster_takes(place: Place) -> None:
    """A partition with a dynamic dimension, a range, checks alone, and one output of several."""
    runs = place.runs_after("asks")

    several, a_range, checks, _ = runs
    assert assets_of(runs) == [["by_day_and_region"], ["by_region"], [], ["discounts", "margin"]]
    assert several.tags["dagster/partition"] == "2026-01-05|north"
    assert a_range.tags["dagster/asset_partition_range_end"] == "south"
    assert checks.asset_check_selection == {dg.AssetCheckKey(dg.AssetKey("revenue"), "is_positive")}
