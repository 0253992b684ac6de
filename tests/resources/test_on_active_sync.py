"""What a run does on a busy connection: two settings, the second by its name in dagster-airbyte."""

from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteSettingsError, AirbyteWorkspace

WHERE: dict[str, Any] = {
    "rest_api_base_url": "http://airbyte.test/api/public/v1",
    "configuration_api_base_url": "http://airbyte.test/api/v1",
    "workspace_id": "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6",
}


def choice(**settings: Any) -> str:
    with AirbyteWorkspace(**WHERE, **settings).resolved() as ready:
        return ready.when_a_sync_is_active()


@pytest.mark.parametrize(
    ("settings", "meaning"),
    [
        ({}, "fail"),
        ({"on_active_sync": "attach"}, "attach"),
        ({"on_active_sync": "wait"}, "wait"),
        ({"on_active_sync": "fail"}, "fail"),
        ({"poll_previous_running_sync": False}, "fail"),
        ({"poll_previous_running_sync": True}, "attach"),
        ({"poll_previous_running_sync": True, "on_active_sync": "attach"}, "attach"),
        ({"poll_previous_running_sync": False, "on_active_sync": "wait"}, "wait"),
    ],
)
def test_both_settings_together_mean_one_thing(settings: dict[str, Any], meaning: str) -> None:
    assert choice(**settings) == meaning


@pytest.mark.parametrize("other", ["wait", "fail"])
def test_a_contradiction_is_an_error_that_names_both(other: str) -> None:
    with pytest.raises(AirbyteSettingsError, match=f"on_active_sync is '{other}'.*remove one"):
        AirbyteWorkspace(**WHERE, on_active_sync=other, poll_previous_running_sync=True)


def test_an_unknown_choice_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(AirbyteSettingsError, match="'join': give 'attach', 'wait' or 'fail'"):
        AirbyteWorkspace(**WHERE, on_active_sync="join")


def test_both_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHOICE", "wait")
    monkeypatch.setenv("POLL", "true")
    assert choice(on_active_sync=dg.EnvVar("CHOICE")) == "wait"
    assert choice(poll_previous_running_sync=dg.EnvVar("POLL")) == "attach"
    with pytest.raises(AirbyteSettingsError, match="remove one"):
        choice(on_active_sync=dg.EnvVar("CHOICE"), poll_previous_running_sync=dg.EnvVar("POLL"))
