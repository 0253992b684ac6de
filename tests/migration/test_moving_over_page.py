"""docs/guides/moving-over.md says of names what errors and `migrate` say, and is true of texts."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_airbyte_sync.cli import main
from dagster_airbyte_sync.legacy.former_names import ARGUMENTS, GONE, METHODS, SUPERSEDED, Former
from dagster_airbyte_sync.resources import FORMER_CALLS
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers import noticed
from helpers.checkout import ROOT
from helpers.dagster_airbyte_env import needs_dagster_airbyte, said_there
from helpers.simulated import host_and_port
from helpers.variables import environ_with, variables

GUIDE = (ROOT / "docs" / "guides" / "moving-over.md").read_text()


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", GUIDE, flags=re.S | re.M)
    assert found, title
    return found.group(1)


def rows_of(formers: tuple[Former, ...], before: str = "") -> set[str]:
    return {
        f"| {before}{', '.join(f'`{name}`' for name in each.names)} | {each.instead} |"
        for each in formers
    }


def rows_in(title: str) -> set[str]:
    return {line for line in section(title).splitlines() if line.startswith("| ")}


HEAD = "| dagster-airbyte | here |"


def test_the_names_that_are_gone_are_those_of_the_errors() -> None:
    assert rows_in("Names that are gone") == {HEAD, *rows_of(GONE)}


def test_the_former_loader_and_its_arguments_are_those_of_the_command() -> None:
    rows = rows_in("Names from before there were workspaces")
    assert rows >= {HEAD, *rows_of(SUPERSEDED), *rows_of(ARGUMENTS, "... ")}


def test_the_calls_of_a_client_are_those_of_its_warnings() -> None:
    calls = {f"| `{name}` | {instead} |" for name, instead in FORMER_CALLS.items()}
    assert rows_in("Calls of a client") >= {HEAD, *calls, *rows_of(METHODS)}


def test_what_the_command_prints_is_as_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (shown,) = re.findall(r"^```text\n(.*?)^```$", GUIDE, flags=re.S | re.M)
    shutil.copy(ROOT / "examples" / "migration" / "before" / "legacy.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    main(["migrate", "legacy.py", "--write"])
    printed = iter(capsys.readouterr().out.splitlines())
    # All of its lines, in their order.
    assert [line for line in shown.splitlines() if line not in printed] == []


# -- what tests and alerts may notice ----------------------------------------------------------

# By what happens, as the page has it, and as the program calls it.
HAPPENS = {
    "A sync fails": "failed_sync",
    "A connection is busy": "busy",
    "`@airbyte_assets` of a connection that does not exist, or has no selected streams": (
        "unknown_connection"
    ),
    "A selector accepts no connection": "none_selected",
    "Airbyte is down while definitions load": "down",
    "Airbyte is down when a module calls `load_assets_from_airbyte_instance`": "legacy_loader_down",
}


def texts() -> dict[str, tuple[str, str]]:
    """What happens, and what is said there and here: patterns."""
    rows = [line.strip("| ").split(" | ") for line in rows_in("What tests and alerts may notice")]
    return {HAPPENS[what]: (pattern(a), pattern(b)) for what, a, b in rows if what in HAPPENS}


def pattern(cell: str) -> str:
    """The first text in a cell, in which <what varies> is anything; "loads" if there is none."""
    if cell.startswith("loads"):
        return "loads"
    _, text, *_ = cell.split("`")
    return ".*".join(re.escape(part) for part in re.split(r"<[^>]*>", text))


@pytest.fixture(scope="module")
def environ() -> Iterator[tuple[dict[str, str], str, str]]:
    """A connection whose next two syncs fail, and one on which something runs."""
    with AirbyteSimulator(auth="basic", version="1.6.0", clock=RealClock()) as airbyte:
        failing = airbyte.add_connection("failing", ["a"], sync_seconds=0.1)
        busy = airbyte.add_connection("busy", ["b"], sync_seconds=600)
        airbyte.plan(failing, outcome="failed", jobs=2)
        airbyte.start_sync(busy)
        known = variables({**airbyte.workspace_config(), **host_and_port(airbyte)})
        yield known, failing.connection_id, busy.connection_id


def check(said: dict[str, str], which: int) -> None:
    expected = {what: both[which] for what, both in texts().items()}
    assert said.keys() == expected.keys()
    wrong = {
        what: said[what]
        for what, text in expected.items()
        if not re.fullmatch(text, said[what], flags=re.S)
    }
    assert not wrong


@needs_dagster_airbyte
def test_dagster_airbyte_says_what_the_page_says(
    environ: tuple[dict[str, str], str, str],
) -> None:
    variables, *connections = environ
    check(said_there(noticed.__file__, "dagster_airbyte", *connections, environ=variables), which=0)


@pytest.mark.filterwarnings("ignore")
def test_this_package_says_what_the_page_says(environ: tuple[dict[str, str], str, str]) -> None:
    variables, *connections = environ
    here = environ_with(variables)
    check(noticed.noticed("dagster_airbyte_sync", here, *connections), which=1)
