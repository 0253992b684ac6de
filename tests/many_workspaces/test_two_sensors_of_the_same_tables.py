"""Two sensors that report the same tables are named, and nothing else is."""

import logging
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.assets.events.ledger import LastReported, Ledger
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import StreamId
from dagster_airbyte_sync.sensors.reading import other_sensors
from dagster_airbyte_sync.sensors.reading.other_sensors import OtherSensors
from helpers.deployment import Deployment
from helpers.workspaces import Company, reported


@pytest.fixture(autouse=True)
def _nothing_said() -> None:
    other_sensors._said.clear()


def sensor_of(company: Company, memory: dg.DagsterInstance, name: str) -> Deployment:
    """A code location with a sensor of that name, and tables that others have, too."""
    workspace = AirbyteWorkspace(**company.airbyte.workspace_config())
    defs = build_airbyte_definitions(workspace, sensor_name=name, checks=False)
    deployment = Deployment(company.airbyte, workspace, defs, memory, sensor=name)
    # What is stored after its tick is then not within the second in which it ticked.
    deployment.later = timedelta(seconds=-5)
    return deployment


def warnings_in(capfd: pytest.CaptureFixture[str]) -> list[str]:
    lines = capfd.readouterr().err.splitlines()
    return [line for line in lines if "reports tables that this one" in line]


def reporter_of(memory: dg.DagsterInstance, name: str) -> str:
    entry = memory.get_latest_materialization_event(dg.AssetKey(name))
    assert entry is not None
    assert entry.asset_materialization is not None
    return str(entry.asset_materialization.metadata["dagster-airbyte/reported_by"].value)


def test_an_event_says_which_sensor_reported_it(
    company: Company, memory: dg.DagsterInstance
) -> None:
    first = sensor_of(company, memory, "first")
    company.airbyte.run_sync(company.shop)
    first.tick()
    assert reporter_of(memory, "orders").endswith("first")
    assert len(reporter_of(memory, "orders")) < 60


def test_each_of_two_that_tick_is_told_of_the_other_once(
    company: Company, memory: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = sensor_of(company, memory, "first"), sensor_of(company, memory, "second")
    for sensor in (first, second):
        sensor.tick()
    jobs = []
    for order in ((first, second), (second, first), (first, second)):
        jobs.append(company.airbyte.run_sync(company.shop).job_id)
        for sensor in order:
            sensor.tick()
    said = warnings_in(capfd)
    assert len(said) == 2
    assert "first reports tables" in said[0]
    assert "second reports tables" in said[1]
    assert "connection_selector_fn" in said[0]
    assert reported(first, "orders") == jobs


def test_a_new_name_is_no_other_sensor(
    company: Company, memory: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    first = sensor_of(company, memory, "first")
    first.tick()
    company.airbyte.run_sync(company.shop)
    first.tick()
    renamed = sensor_of(company, memory, "renamed")
    renamed.later = timedelta(seconds=5)
    for _ in range(2):
        renamed.tick()
        company.airbyte.run_sync(company.shop)
    renamed.tick()
    assert warnings_in(capfd) == []


def test_shards_are_no_others(
    company: Company, memory: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    deployment = company.deployed(memory, shards=2)
    names = [each.name for each in deployment.defs.get_repository_def().sensor_defs]
    shards = [
        Deployment(company.airbyte, deployment.workspace, deployment.defs, memory, sensor=each)
        for each in names
    ]
    for _ in range(3):
        for shard in shards:
            shard.tick()
        for connection in (company.shop, company.books, company.desk):
            company.airbyte.run_sync(connection)
    assert warnings_in(capfd) == []


TABLE = Table("c1", StreamId("orders"), dg.AssetSpec("orders"))


@pytest.mark.parametrize(
    "last",
    [
        LastReported(reported_by="here:own", stored_at=20.0),
        LastReported(reported_by="there:other", stored_at=5.0),
        LastReported(reported_by="there:other", stored_at=20.0, run_id="a run"),
        LastReported(stored_at=20.0),
    ],
    ids=["its own", "before it", "of a run", "of nobody who is named"],
)
def test_what_is_no_other_sensor_s_report(last: LastReported) -> None:
    ledger = Ledger({TABLE.key: last})
    assert OtherSensors("here:own", 10.0).among(ledger, [TABLE]) == {}


def test_nobody_is_named_by_a_sensor_that_has_not_ticked_before() -> None:
    ledger = Ledger({TABLE.key: LastReported(reported_by="there:other", stored_at=20.0)})
    assert OtherSensors("here:own", None).among(ledger, [TABLE]) == {}
    assert OtherSensors("here:own", 10.0).among(ledger, [TABLE]) == {"there:other": [TABLE]}


def test_of_many_tables_three_are_named(caplog: pytest.LogCaptureFixture) -> None:
    tables = [Table("c1", StreamId(str(n)), dg.AssetSpec(f"t{n}")) for n in range(9)]
    theirs = LastReported(reported_by="there:other", stored_at=20.0)
    ledger = Ledger({table.key: theirs for table in tables})
    with caplog.at_level(logging.WARNING):
        OtherSensors("here:own", 10.0).warn(ledger, tables, logging.getLogger("tick"))
    assert "t0, t1, t2 and 6 more" in caplog.text
