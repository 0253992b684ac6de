"""Models of a dbt project below our tables: the real dagster-dbt, with its own keys and nothing
configured, in a real code server. The real sensor daemon asks for runs after syncs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedStream
from helpers import dagster_airbyte_env
from helpers.dagster_private import (
    OVER_CODE_SERVERS,
    AutomationDaemon,
    CodeServer,
    automation_daemon,
)
from helpers.dbt_manifest import Source, manifest_of
from helpers.local_instance import local_instance
from helpers.simulated import clock_from_now
from helpers.variables import variables

pytestmark = [dagster_airbyte_env.needs_dagster_airbyte, pytest.mark.xdist_group("dbt")]

# Of each model: what Airbyte writes to, a connection's settings, and the source in the project.
DESTINATIONS = {
    "postgres": {"database": "shop", "schema": "raw"},
    "bigquery": {"project_id": "shop-prod", "dataset_id": "raw"},
    "mysql": {"database": "shop"},
    "snowflake": {"database": "SHOP", "schema": "RAW"},
}
FOUND = [
    ("postgres", "sales", Source("revenue", "shop", "raw", "sales")),
    ("bigquery", "visits", Source("traffic", "shop-prod", "raw", "visits")),
    ("mysql", "stock", Source("shortages", None, "shop", "stock")),
    ("snowflake", "LEADS", Source("funnel", "SHOP", "RAW", "LEADS")),
    ("snowflake", "DEALS", Source("wins", "shop", "raw", "deals", asset_key=("DEALS",))),
]
NOT_FOUND = [
    ("snowflake", "CALLS", Source("calls_a_day", "shop", "raw", "calls")),
    ("postgres", "tbl_refunds", Source("losses", "shop", "raw", "refunds", "tbl_refunds")),
]
WITH_NAMESPACE = ("postgres", "raw_users", Source("people", "shop", "crm_eu", "raw_users"))


@dataclass
class Project:
    airbyte: AirbyteSimulator
    instance: dg.DagsterInstance
    daemon: AutomationDaemon
    connections: dict[str, SimulatedConnection]

    def run_after_a_sync_of(self, table: str) -> list[str]:
        """What the sensor asks to run after a sync of the table."""
        before = {run.run_id for run in self.instance.get_runs()}
        self.airbyte.run_sync(self.connections[table])
        self.airbyte.advance(31)
        self.daemon.report()
        assert self.instance.get_latest_materialization_event(dg.AssetKey(table)), "Not reported"
        runs = [run for run in self.instance.get_runs() if run.run_id not in before]
        return [key.to_user_string() for run in runs for key in run.asset_selection or ()]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, empty_storage: Path) -> Iterator[Project]:
    if not dagster_airbyte_env.is_there("dagster_dbt"):
        pytest.skip("The Python that DAGSTER_AIRBYTE_PYTHON names has no dagster-dbt")
    folder = tmp_path_factory.mktemp("dbt")
    manifest = folder / "manifest.json"
    every = [*FOUND, *NOT_FOUND, WITH_NAMESPACE]
    manifest.write_text(json.dumps(manifest_of([source for _, _, source in every])))
    server = CodeServer(Path(__file__).parent / "dbt_location.py", str(dagster_airbyte_env.PYTHON))
    with (
        AirbyteSimulator(clock=clock_from_now()) as airbyte,
        local_instance(folder / "instance", empty_storage, OVER_CODE_SERVERS) as instance,
    ):
        connections = _connections(airbyte)
        environ = {
            **variables(airbyte.workspace_config()),
            **dagster_airbyte_env.importable_there(folder),
            "DBT_MANIFEST": str(manifest),
        }
        with automation_daemon(instance, [server], environ, lambda: airbyte.now) as daemon:
            daemon.report()
            yield Project(airbyte, instance, daemon, connections)


def _connections(airbyte: AirbyteSimulator) -> dict[str, SimulatedConnection]:
    made = {
        name: airbyte.add_destination(name, type=name, configuration=dict(configuration))
        for name, configuration in DESTINATIONS.items()
    }
    connections = {
        table: airbyte.add_connection(table, [table], destination=made[destination])
        for destination, table, _ in (*FOUND, *NOT_FOUND)
    }
    users = airbyte.add_connection(
        "users",
        [SimulatedStream("users", "eu")],
        destination=made["postgres"],
        prefix="raw_",
        namespace_definition="custom_format",
        namespace_format="crm_${SOURCE_NAMESPACE}",
    )
    return {**connections, "raw_users": users}


@pytest.mark.parametrize(
    ("table", "model"), [(table, source.model) for _, table, source in (*FOUND, WITH_NAMESPACE)]
)
def test_a_sync_runs_the_model_whose_source_is_its_table(
    project: Project, table: str, model: str
) -> None:
    """The source is known by `database.schema.name`, in each adapter's words, or by our key."""
    assert project.run_after_a_sync_of(table) == [model]


@pytest.mark.parametrize("table", [table for _, table, _ in NOT_FOUND])
def test_a_source_that_is_written_in_another_way_is_another_table(
    project: Project, table: str
) -> None:
    """dagster-dbt does not look at `identifier`, and Dagster compares case by case."""
    assert project.run_after_a_sync_of(table) == []
