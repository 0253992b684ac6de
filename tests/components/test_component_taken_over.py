"""A component whose schedules Dagster has taken over from Airbyte."""

from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, TakenOver, take_over_schedules
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.component_yaml import Load

FROM_AIRBYTE = "schedules: {from_airbyte: true}"


@pytest.fixture
def taken(airbyte: AirbyteSimulator) -> TakenOver:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    return take_over_schedules(workspace, say=lambda line: None)


@pytest.fixture(params=["a file", "text", "a template variable"])
def load_taken_over(
    request: pytest.FixtureRequest, load: Load, taken: TakenOver, tmp_path: Path
) -> Load:
    """Loads attributes besides `taken_over`, which is given in each way."""
    file = tmp_path / "taken.jsonl"
    file.write_text(f"# by ann\n{taken.text}")
    written = {"a file": str(file), "text": f"'{taken.text}'", "a template variable": "'{{ it }}'"}
    attribute = f"taken_over: {written[request.param]}\n"
    return lambda attributes: load(attribute + attributes, it=taken)


@pytest.mark.usefixtures("taken")
def test_airbyte_itself_knows_them_no_more(load: Load) -> None:
    loaded = load(f"{FROM_AIRBYTE}\nfreshness: true")
    assert not loaded.schedules
    assert loaded.spec("orders").freshness_policy is None


def test_schedules_from_airbyte_go_on_and_are_running(load_taken_over: Load) -> None:
    (schedule,) = load_taken_over(FROM_AIRBYTE).schedules.values()
    assert schedule.cron_schedule == "0 12 * * *"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_a_status_that_is_given_counts(load_taken_over: Load) -> None:
    written = "schedules: {from_airbyte: true, status: stopped}"
    (schedule,) = load_taken_over(written).schedules.values()
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


def test_freshness_goes_on_by_them(load_taken_over: Load) -> None:
    assert load_taken_over("").spec("orders").freshness_policy is None
    assert load_taken_over("freshness: true").spec("orders").freshness_policy is not None


def test_what_airbyte_still_starts_is_stopped_at_first(load: Load) -> None:
    """Else both would start it."""
    (schedule,) = load(FROM_AIRBYTE).schedules.values()
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
