"""A project of the real `dg` command with the component, in a real `dagster dev`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.dagster_dev import dagster_dev
from helpers.dg_project import DgProject, create_project, nobody_at
from helpers.variables import variables

# All on one project, one after the other.
pytestmark = pytest.mark.xdist_group("dg_project")

COMPONENT = "dagster_airbyte_sync.AirbyteWorkspaceComponent"
MORE = """\
  connection_selector:
    by_tag: dagster
  sensor:
    interval: 60
  schedules:
    - cron: "0 6 * * *"
      selector: {by_name: crm}
    - from_airbyte: true
"""
TABLES = {"orders", "users", "contacts"}
SHOP = "a1b2c3d4-0000-4000-8000-000000000001"
NOON = f"airbyte_schedule_shop_{SHOP[:8]}"
TIMED = {"airbyte_sync_sensor", "airbyte_sync_schedule", NOON}


@pytest.fixture(scope="module")
def airbyte() -> Iterator[AirbyteSimulator]:
    noon = {"cron": "0 0 12 * * ?", "timezone": "UTC"}
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection(
            "shop", ["orders", "users"], connection_id=SHOP, schedule=noon, tags=["dagster"]
        )
        airbyte.add_connection("crm", ["contacts"], tags=["dagster"])
        airbyte.add_connection("other", ["not_selected"])
        yield airbyte


@pytest.fixture(scope="module")
def project(airbyte: AirbyteSimulator, tmp_path_factory: pytest.TempPathFactory) -> DgProject:
    environ = variables(airbyte.workspace_config())
    made = create_project(tmp_path_factory.mktemp("home"), environ)
    made.run("dg", "scaffold", "defs", COMPONENT, "airbyte", "--deployment", "self-managed")
    written = made.defs / "airbyte" / "defs.yaml"
    written.write_text(written.read_text() + MORE)
    return made


def test_the_project_is_checked_refreshed_listed_and_outlives_airbyte(
    airbyte: AirbyteSimulator, project: DgProject
) -> None:
    components, _, _ = project.run_all(
        ("dg", "list", "components", "--json"),
        ("dg", "check", "yaml"),
        ("dg", "utils", "refresh-defs-state"),
    )
    assert COMPONENT in components
    (state,) = project.defs.glob(".local_defs_state/*/state")
    target = ("-m", f"{project.folder.name}.definitions")
    with dagster_dev(project.folder, project.environ, *target) as dev:
        assert dev.assets() == TABLES
        assert dev.instigators() == TIMED

        url, kept = airbyte.url, state.read_text()
        airbyte.stop()
        with nobody_at(url):
            dev.reload()
            assert dev.assets() == TABLES
            assert "Loading what Airbyte had at the last refresh" in dev.log.read_text()

            listed, _ = project.run_all(("dg", "list", "defs", "--json"), ("dg", "check", "defs"))
            assert all(f'"{name}"' in listed for name in TABLES | TIMED)

            failed = project.try_to("dg", "utils", "refresh-defs-state")
            assert failed.returncode != 0
            assert "is Airbyte running" in failed.stdout + failed.stderr
            assert state.read_text() == kept


def test_check_yaml_names_a_wrong_attribute(project: DgProject, tmp_path: Path) -> None:
    wrong = project.defs / "wrong" / "defs.yaml"
    wrong.parent.mkdir()
    wrong.write_text(f"type: {COMPONENT}\nattributes: {{workspace: {{workspace_ids: x}}}}\n")
    checked = project.try_to("dg", "check", "yaml")
    assert checked.returncode != 0
    assert "workspace_ids" in checked.stdout + checked.stderr
