"""`dagster-airbyte-sync check`: a line for each thing, next steps, and an exit code for CI."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from dagster_airbyte_sync.cli.check.about_definitions import definitions_lines
from dagster_airbyte_sync.cli.check.seen import Loaded
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, RealClock, SimulatedClock
from helpers.commands import User, user_of

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.run_sync(airbyte.add_connection("shop", ["orders", "users"]))
        yield airbyte


@pytest.fixture
def user(
    airbyte: AirbyteSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[User]:
    with user_of(airbyte, tmp_path, monkeypatch) as user:
        yield user


def lines_in(printed: str) -> dict[str, dict[str, str]]:
    """The lines of the JSON, by subject."""
    return {line["subject"]: line for line in json.loads(printed)["lines"]}


def test_where_all_is_well_it_says_so_in_80_columns_and_ends_with_0(
    user: User, capsys: Capture
) -> None:
    module = user.module("defs = build_airbyte_definitions(airbyte)")
    assert user.calls("check", "--workspace", f"{module}:airbyte", "--definitions", module) == 0
    printed = capsys.readouterr().out
    for said in (
        "Airbyte 2.1.0, community",
        "1 connection (0 paused) with 2 selected streams",
        "1 finished job",
        "200 rows are requested at once",
        "2 tables of Airbyte",
        "airbyte_sync_sensor",
        "loads in",
        "Nothing is wrong.",
    ):
        assert said in " ".join(printed.split())
    assert max(map(len, printed.splitlines())) <= 80
    assert "\x1b" not in printed


def test_it_changes_nothing_in_airbyte(user: User, airbyte: AirbyteSimulator) -> None:
    """And it asks each endpoint that the package reads, those of details once."""
    module = user.module()
    airbyte.forget_requests()
    user.calls("check", "--workspace", f"{module}:airbyte")
    asked = {
        (each.method, each.path.partition("/v1/")[2].partition("/")[0]) for each in airbyte.requests
    }
    reading = {"list", "list_for_workspaces", "get_without_logs", "get_for_job", "token"}
    posts = [each.path for each in airbyte.requests if each.method == "POST"]
    assert {path.rpartition("/")[2] for path in posts} == reading
    assert {method for method, _ in asked} == {"GET", "POST"}
    assert {name for _, name in asked} == {
        *("applications", "connections", "destinations", "instance_configuration", "jobs"),
        *("attempt", "sources", "stream_statuses", "workspaces"),
    }
    ends = [each.path.partition("/v1/")[2] for each in airbyte.requests]
    for once in ("sources", "stream_statuses/list", "attempt/get_for_job"):
        assert ends.count(once) == 1


def test_each_answer_and_what_follows_from_it_is_in_the_json(
    user: User, airbyte: AirbyteSimulator, capsys: Capture
) -> None:
    airbyte.add_fault(Fault.status(403), path="/jobs/list_for_workspaces", times=None)
    airbyte.add_fault(Fault.status(403), path="/attempt/get_for_job", times=None)
    module = user.module()
    assert user.calls("check", "--workspace", f"{module}:airbyte", "--json") == 0
    lines = lines_in(capsys.readouterr().out)
    assert lines["config: jobs"]["level"] == "warning"
    assert lines["config: attempt log"]["text"].endswith(
        "failures come without the end of their log"
    )
    assert lines["config: stream statuses"]["level"] == lines["public: sources"]["level"] == "ok"
    assert lines["history"]["text"].startswith(
        "from the public API, because the other refuses (403)"
    )
    assert lines["catalog"]["text"] == "from the Configuration API, which answers"
    assert lines["clock"]["level"] == "ok"
    assert lines["links"]["text"] == f"{airbyte.url}, as Airbyte reports"
    assert airbyte.client_secret not in str(lines)


def test_with_strict_a_warning_counts(user: User, airbyte: AirbyteSimulator) -> None:
    airbyte.add_fault(Fault.status(403), path="/connections/events", times=None)
    module = user.module()
    assert user.calls("check", "--workspace", f"{module}:airbyte") == 0
    assert user.calls("check", "--workspace", f"{module}:airbyte", "--strict") == 1


def test_a_module_that_fails_as_it_loads_is_no_obstacle(
    user: User, airbyte: AirbyteSimulator, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("AIRBYTE_REST_API_BASE_URL", airbyte.url)
    module = user.module("defs = build_airbyte_definitions(airbyte)")
    assert user.calls("check", "--workspace", f"{module}:airbyte", "--json") == 1
    lines = lines_in(capsys.readouterr().out)
    assert lines["addresses"]["code"] == "rest_without_path"
    assert f"{module} could not be imported ({module}.py, line" in lines["definitions"]["text"]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (
            "defs = dg.Definitions(sensors=[build_airbyte_polling_sensor(workspace=airbyte)],"
            " resources={'other': airbyte})",
            "no_resource",
        ),
        (
            "defs = build_airbyte_definitions(airbyte, connection_selector_fn=lambda each: False)",
            "no_tables",
        ),
        ("1 / 0", "definitions"),
        ("x = 1", "definitions"),
    ],
)
def test_definitions_that_cannot_work_are_told_apart(
    user: User, code: str, problem: str, capsys: Capture
) -> None:
    module = user.module(code)
    assert user.calls("check", "--definitions", module, "--json") == 1
    assert problem in {line["code"] for line in lines_in(capsys.readouterr().out).values()}


def test_a_workspace_is_found_in_definitions_that_a_function_makes(
    user: User, capsys: Capture
) -> None:
    """As those of a project with components are, where no module has the workspace."""
    lazy = "@dg.definitions\ndef made():\n    return build_airbyte_definitions(airbyte)\n"
    module = user.module(lazy)
    assert user.calls("check", "--definitions", module, "--json") == 0
    assert lines_in(capsys.readouterr().out)["assets"]["text"] == "2 tables of Airbyte"


def test_a_clock_that_is_wrong_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    late = SimulatedClock(datetime.now(timezone.utc) - timedelta(minutes=20))
    with AirbyteSimulator(clock=late) as airbyte:
        airbyte.add_connection("shop", ["orders"])
        with user_of(airbyte, tmp_path, monkeypatch) as user:
            assert user.calls("check", "--workspace", f"{user.module()}:airbyte", "--json") == 0
    clock = lines_in(capsys.readouterr().out)["clock"]
    assert clock["level"] == "warning"
    assert clock["text"].startswith("Airbyte's is 20 min")
    assert clock["text"].endswith("behind this machine's")


@pytest.mark.parametrize(("tables", "level"), [(15_000, "ok"), (15_001, "warning")])
def test_more_tables_than_dagster_moves_at_once_are_a_warning(tables: int, level: str) -> None:
    """Its code server would not load: "Received message larger than max"."""
    lines = {line.subject: line for line in definitions_lines(Loaded("shop.defs", 1.0, tables))}
    assert lines["assets"].level == level
