"""The command line, of a module that makes an AirbyteInstance."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.commands import User, user_of
from helpers.workspaces import Company

Capture = pytest.CaptureFixture[str]

INSTANCE = """
import os

from dagster_airbyte_sync import AirbyteInstance

ids = os.environ.get("AIRBYTE_WORKSPACE_IDS")
company = AirbyteInstance(
    rest_api_base_url=airbyte.rest_api_base_url,
    configuration_api_base_url=airbyte.configuration_api_base_url,
    client_id=airbyte.client_id,
    client_secret=airbyte.client_secret,
    workspace_ids=ids.split() if ids else None,
    request_retry_delay=0.01,
)
"""
DEFINITIONS = INSTANCE + "defs = build_airbyte_definitions(company)\n"


@pytest.fixture
def company() -> Iterator[Company]:
    with AirbyteSimulator(admin=False, clock=RealClock()) as airbyte:
        yield Company(airbyte, sync_seconds=0.1)


@pytest.fixture
def user(company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    with user_of(company.airbyte, tmp_path, monkeypatch) as user:
        yield user


def by_subject(printed: str) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for line in json.loads(printed)["lines"]:
        found.setdefault(line["subject"], []).append(line)
    return found


def test_check_names_the_workspaces(user: User, capsys: Capture) -> None:
    module = user.module(DEFINITIONS)
    code = user.calls(
        "check", "--workspace", f"{module}:company", "--definitions", module, "--json"
    )
    lines = by_subject(capsys.readouterr().out)
    assert [each["text"] for each in lines["workspace"]] == [
        "3 workspaces: Sales EU, Finance, Support"
    ]
    assert lines["contents"][0]["text"].startswith("3 connections")
    assert code == 0


def test_check_warns_of_one_that_is_missing(
    user: User, company: Company, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = " ".join(each.workspace_id for each in company.workspaces)
    monkeypatch.setenv("AIRBYTE_WORKSPACE_IDS", ids)
    company.airbyte.hide_workspace(company.finance)
    module = user.module(INSTANCE)
    user.calls("check", "--workspace", f"{module}:company", "--json")
    _, missing = by_subject(capsys.readouterr().out)["workspace"]
    assert missing["level"] == "warning"
    assert company.finance.workspace_id in missing["text"]


def test_check_says_that_there_is_none(user: User, company: Company, capsys: Capture) -> None:
    for workspace in company.workspaces:
        company.airbyte.hide_workspace(workspace)
    module = user.module(INSTANCE)
    assert user.calls("check", "--workspace", f"{module}:company", "--json") == 1
    (line,) = by_subject(capsys.readouterr().out)["workspace"]
    assert line["level"] == "problem"
    assert line["step"].startswith("Give the user of these credentials a role")


def test_status_shows_connections_of_all(user: User, company: Company, capsys: Capture) -> None:
    company.airbyte.run_sync(company.books)
    module = user.module(DEFINITIONS)
    user.calls("status", "--workspace", f"{module}:company", "--no-dagster", "--json")
    rows = json.loads(capsys.readouterr().out)["connections"]
    assert sorted(each["name"] for each in rows) == ["desk", "shop", "shop"]


def test_a_snapshot_is_of_all(user: User, capsys: Capture, tmp_path: Path) -> None:
    module = user.module(INSTANCE)
    file = tmp_path / "airbyte.json"
    assert user.calls("snapshot", "--workspace", f"{module}:company", "--out", str(file)) == 0
    assert "of workspaces 'Finance', 'Sales EU', 'Support'" in capsys.readouterr().out


def test_schedules_are_taken_over_and_put_back(
    user: User, company: Company, tmp_path: Path, capsys: Capture
) -> None:
    company.airbyte.update_connection(company.books, schedule={"cron": "0 0 2 * * ?"})
    module, file = user.module(INSTANCE), tmp_path / "schedules.jsonl"
    named = ("--workspace", f"{module}:company")
    assert user.calls("take-over", *named, "--file", str(file), "--yes") == 0
    assert company.books.schedule.cron is None
    assert user.calls("put-back", *named, "--file", str(file), "--yes") == 0
    assert company.books.schedule.cron == "0 0 2 * * ?"
