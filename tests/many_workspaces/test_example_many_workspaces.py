"""examples/many_workspaces.py, as a user runs it."""

import runpy

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteInstance
from helpers.checkout import ROOT
from helpers.deployment import Deployment
from helpers.workspaces import Company, reported


def test_it_reports_all_workspaces_with_one_sensor(
    company: Company, memory: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in company.airbyte.instance_config().items():
        monkeypatch.setenv(f"AIRBYTE_{name.upper()}", str(value))
    made = runpy.run_path(str(ROOT / "examples" / "many_workspaces.py"))
    airbyte, defs = made["airbyte"], made["defs"]
    spec = next(
        each for each in defs.resolve_all_asset_specs() if each.key.path == ["finance", "orders"]
    )
    assert spec.owners == ["team:finance"]
    with airbyte.resolved() as ready:
        assert isinstance(ready, AirbyteInstance)
        deployment = Deployment(company.airbyte, ready, defs, memory)
        deployment.tick()
        jobs = [company.airbyte.run_sync(each) for each in (company.books, company.desk)]
        deployment.tick()
    assert reported(deployment, "finance/orders") == [jobs[0].job_id]
    assert reported(deployment, "support/tickets") == [jobs[1].job_id]
