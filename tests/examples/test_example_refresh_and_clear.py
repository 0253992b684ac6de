"""examples/refresh_and_clear: its jobs and its assets, against a simulated Airbyte."""

import re
import runpy
from collections.abc import Iterator

import dagster as dg
import pytest
import yaml

from dagster_airbyte_sync import AirbyteRunConfig
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.checkout import ROOT
from helpers.refreshes import CLEAR, REFRESH, sent
from helpers.variables import variables

FOLDER = ROOT / "examples" / "refresh_and_clear"
PAGE = (ROOT / "docs" / "guides" / "refresh-and-clear.md").read_text()


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        streams = ["customers", "addresses", "events"]
        airbyte.add_connection("shop", streams=streams, sync_seconds=0.1)
        yield airbyte


@pytest.fixture
def defs(airbyte: AirbyteSimulator, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    for name, value in variables(airbyte.workspace_config()).items():
        monkeypatch.setenv(name, value)
    found = runpy.run_path(str(FOLDER / "definitions.py"))["defs"]
    assert isinstance(found, dg.Definitions)
    return found


def streams(*names: str) -> list[dict[str, str]]:
    return [{"streamName": name} for name in names]


def test_the_schedule_refreshes_two_tables(
    airbyte: AirbyteSimulator, defs: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    (schedule,) = defs.get_repository_def().schedule_defs
    job = defs.resolve_job_def(schedule.job_name)
    assert job.execute_in_process(instance=instance).success
    ((path, said),) = sent(airbyte)
    assert (path, said["refreshMode"]) == (REFRESH, "Merge")
    assert sorted(each["streamName"] for each in said["streams"]) == ["addresses", "customers"]


def test_the_clear_is_of_one_table_and_must_be_confirmed(
    airbyte: AirbyteSimulator, defs: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    job = defs.resolve_job_def("clear_events")
    assert not job.execute_in_process(instance=instance, raise_on_error=False).success
    assert airbyte.jobs == []
    confirmed = {"ops": {"clear_events_op": {"config": {"confirm": True}}}}
    assert job.execute_in_process(instance=instance, run_config=confirmed).success
    assert sent(airbyte) == [(f"{CLEAR}/stream", {"streams": streams("events")})]


def test_the_config_on_the_page_refreshes_what_is_selected(
    airbyte: AirbyteSimulator, defs: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.S)
    result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey("events")],
        run_config=yaml.safe_load(text),
    )
    assert result.success
    assert sent(airbyte) == [(REFRESH, {"refreshMode": "Merge", "streams": streams("events")})]


def test_the_page_names_all_of_the_config() -> None:
    assert [name for name in AirbyteRunConfig.model_fields if f"`{name}" not in PAGE] == []
