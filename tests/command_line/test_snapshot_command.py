"""`dagster-airbyte-sync snapshot` writes what definitions load from, and nothing else does."""

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.cli import main
from dagster_airbyte_sync.resources import read_snapshot_file, write_snapshot_file
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.variables import variables

# It loads from the very file that the command is to write.
PROJECT = """
from pathlib import Path
import dagster as dg
from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)
defs = build_airbyte_definitions(airbyte, snapshot=Path(__file__).parent / "airbyte.json")
"""


@pytest.fixture
def airbyte(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", ["orders", "users"])
        for name, value in variables(airbyte.workspace_config()).items():
            monkeypatch.setenv(name, value)
        yield airbyte


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The name of a module in the working folder, which each test imports for the first time."""
    name = f"project_of_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield name
    sys.modules.pop(name, None)


def snapshot(workspace: str, out: str = "airbyte.json", *more: str) -> int:
    return main(["snapshot", "--workspace", workspace, "--out", out, *more])


def test_it_writes_the_file_that_its_module_needs_to_load(
    airbyte: AirbyteSimulator, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert snapshot(f"{project}:airbyte") == 0

    written = read_snapshot_file(Path("airbyte.json"))
    assert (
        written.connections
        == AirbyteWorkspace(**airbyte.workspace_config()).fetch_catalog().connections
    )
    said = capsys.readouterr().out
    assert "airbyte.json: 1 connection with 2 selected streams, and 1 destination, of" in said
    assert "first" in said


def test_it_asks_airbyte_no_more_than_once(airbyte: AirbyteSimulator, project: str) -> None:
    assert snapshot(f"{project}:airbyte") == 0

    asked = [request.path for request in airbyte.requests if "token" not in request.path]
    assert len(asked) == len(set(asked)) == 4


def test_code_that_names_what_is_not_in_the_old_file_yet_is_no_obstacle(
    airbyte: AirbyteSimulator, project: str
) -> None:
    # As another process: what it has read is not remembered here.
    before = AirbyteWorkspace(**airbyte.workspace_config(), catalog_ttl=1)
    write_snapshot_file(before.fetch_catalog(), Path("airbyte.json"))
    new = airbyte.add_connection("new", ["invoices"]).connection_id
    by_id = (
        "from dagster_airbyte_sync import airbyte_assets\n"
        f"airbyte_assets(connection_id={new!r}, workspace=airbyte, snapshot=Path('airbyte.json'))"
    )
    Path("newer.py").write_text(PROJECT.replace("defs = ", f"{by_id}\ndefs = "))

    assert snapshot("newer:airbyte") == 0

    assert new in read_snapshot_file(Path("airbyte.json")).connections


def test_another_workspace_of_the_module_that_is_down_is_no_obstacle(
    airbyte: AirbyteSimulator, project: str
) -> None:
    with AirbyteSimulator() as other:
        down = AirbyteWorkspace(**other.workspace_config(), request_max_retries=0)
        write_snapshot_file(down.fetch_catalog(), Path("other.json"))
        settings = {**other.workspace_config(), "request_max_retries": 0, "catalog_ttl": 1}
    load_other = (
        f"other = AirbyteWorkspace(**{settings})\n"
        "build_airbyte_definitions(other, snapshot=Path('other.json'))"
    )
    Path("two.py").write_text(PROJECT.replace("defs = ", f"{load_other}\ndefs = "))

    assert snapshot("two:airbyte") == 0


def test_it_takes_a_workspace_of_dagster_airbyte_as_the_builders_do(
    airbyte: AirbyteSimulator, project: str
) -> None:
    theirs = PROJECT.replace(
        "from dagster_airbyte_sync import AirbyteWorkspace,",
        "from helpers.their_workspaces import TheirSelfManaged as AirbyteWorkspace\n"
        "from dagster_airbyte_sync import",
    )
    Path("theirs.py").write_text(theirs)

    assert snapshot("theirs:airbyte") == 0

    assert len(read_snapshot_file(Path("airbyte.json")).connections) == 1


def test_it_says_how_old_the_snapshot_was_that_it_replaces(
    airbyte: AirbyteSimulator, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert snapshot(f"{project}:airbyte") == 0
    assert snapshot(f"{project}:airbyte") == 0

    assert "replaces a snapshot that was less than a minute old" in (capsys.readouterr().out)


@pytest.mark.parametrize("found", ["", "<html>", '{"dagster_airbyte_sync_snapshot": 99}'])
def test_it_replaces_what_cannot_be_used_and_says_so(
    airbyte: AirbyteSimulator, project: str, found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("airbyte.json").write_text(found)

    assert snapshot(f"{project}:airbyte") == 0

    assert read_snapshot_file(Path("airbyte.json")).connections
    assert (
        "replaces a file from which this workspace could not be loaded" in capsys.readouterr().out
    )


def test_an_airbyte_that_is_down_leaves_the_old_file_as_it_was(
    airbyte: AirbyteSimulator, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("airbyte.json").write_text("old")
    airbyte.stop()

    assert snapshot(f"{project}:airbyte") == 1

    assert Path("airbyte.json").read_text() == "old"
    assert capsys.readouterr().err.startswith("dagster-airbyte-sync: ")


def test_the_file_is_readable_by_all_whom_the_umask_lets_and_nothing_stays_beside_it(
    airbyte: AirbyteSimulator, project: str
) -> None:
    umask = os.umask(0o022)
    try:
        assert snapshot(f"{project}:airbyte") == 0
    finally:
        os.umask(umask)

    assert Path("airbyte.json").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in Path.cwd().glob("*airbyte*")] == ["airbyte.json"]


def test_the_file_behind_a_link_is_written(airbyte: AirbyteSimulator, project: str) -> None:
    Path("airbyte.json").symlink_to("real.json")

    assert snapshot(f"{project}:airbyte") == 0

    assert Path("airbyte.json").is_symlink()
    assert read_snapshot_file(Path("real.json")).connections


def test_no_secret_is_in_the_file(airbyte: AirbyteSimulator, project: str) -> None:
    assert snapshot(f"{project}:airbyte") == 0

    assert airbyte.client_secret not in Path("airbyte.json").read_text()


@pytest.mark.parametrize(
    ("workspace", "said"),
    [
        ("no_such_module:airbyte", "There is no module 'no_such_module': run this in"),
        ("json.no_such:airbyte", "There is no module 'json.no_such'"),
        ("json:airbyte", "json has no 'airbyte': write airbyte = AirbyteWorkspace(...)"),
        ("json:dumps", "json:dumps is a function, and must be an AirbyteWorkspace"),
    ],
)
def test_what_names_no_workspace_is_one_clear_sentence(
    workspace: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert snapshot(workspace, str(tmp_path / "out.json")) == 1

    assert said in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_a_module_that_the_project_itself_lacks_is_named_with_the_line_that_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lacking.py").write_text("\nimport no_such_dependency")
    monkeypatch.syspath_prepend(tmp_path)

    assert snapshot("lacking:airbyte") == 1

    said = capsys.readouterr().err
    assert "lacking could not be imported (lacking.py, line 2)" in said
    assert "No module named 'no_such_dependency'" in said
    assert "Traceback" not in said


def test_a_variable_that_is_not_set_is_named(
    airbyte: AirbyteSimulator,
    project: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("AIRBYTE_CLIENT_SECRET")

    assert snapshot(f"{project}:airbyte") == 1

    assert "AIRBYTE_CLIENT_SECRET" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(
    airbyte: AirbyteSimulator, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert snapshot(f"{project}:airbyte", "nowhere/airbyte.json") == 1

    assert "nowhere/airbyte.json cannot be written" in capsys.readouterr().err


def test_it_is_a_script(airbyte: AirbyteSimulator, project: str) -> None:
    script = Path(sys.executable).with_name("dagster-airbyte-sync")
    arguments = ["snapshot", "--workspace", f"{project}:airbyte", "--out", "airbyte.json"]

    done = subprocess.run([script, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert read_snapshot_file(Path("airbyte.json")).connections


def test_it_is_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["", "snapshot", "--workspace", "airbyte", "--out", "x"])

    with pytest.raises(SystemExit, match="2"):
        runpy.run_module("dagster_airbyte_sync", run_name="__main__")
