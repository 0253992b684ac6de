"""`migrate` in YAML and in dependencies, which files it reads, and what it says of them."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from dagster_airbyte_sync.cli import main
from helpers.checkout import ROOT
from helpers.moving import Project

Capture = pytest.CaptureFixture[str]
EXAMPLES = ROOT / "examples" / "migration"
IMPORT = "from dagster_airbyte import AirbyteWorkspace\n"


@pytest.fixture
def project(tmp_path: Path, capsys: Capture) -> Project:
    return Project(tmp_path, capsys)


# -- the examples ------------------------------------------------------------------------------


@pytest.fixture
def moved(project: Project) -> Project:
    """The projects of examples/migration as they were, after `--write`."""
    for file in (EXAMPLES / "before").iterdir():
        project.has(file.name, file.read_text())
    project.calls("--write")
    return project


@pytest.mark.parametrize("name", ["builder.py", "component.yaml", "decorator.py"])
def test_a_project_that_only_needs_other_names_is_as_the_moved_one(
    moved: Project, name: str
) -> None:
    assert moved.text(name) == (EXAMPLES / "after" / name).read_text()


def test_of_the_former_loader_just_what_the_moved_project_writes_otherwise_is_left(
    moved: Project,
) -> None:
    """Its import is moved, as it works; all these are gone in the moved project."""
    left = moved.left()
    assert list(left) == ["legacy.py"]
    named = [
        *("AirbyteResource", "load_assets_from_airbyte_instance"),
        *("host=", "port=", "key_prefix=", "connection_to_group_fn=", "connection_filter="),
    ]
    assert [what for _, what in left["legacy.py"]] == named
    before = (EXAMPLES / "before" / "legacy.py").read_text()
    expected = before.replace("from dagster_airbyte import", "from dagster_airbyte_sync import")
    assert moved.text("legacy.py") == expected
    after = (EXAMPLES / "after" / "legacy.py").read_text()
    assert not [what for what in named if what in after]


# -- YAML --------------------------------------------------------------------------------------

COMPONENTS = """
    # Two of them.
    type: dagster_airbyte.AirbyteWorkspaceComponent  # of theirs

    attributes: {workspace: {workspace_id: "{{ env.ID }}"}}
    ---
    attributes:
        - type:   "dagster_airbyte.AirbyteCloudWorkspaceComponent"
        - {type: 'dagster_airbyte.AirbyteWorkspaceComponent', x: 1}
        - type: dagster_airbyte.components.workspace_component.component.AirbyteWorkspaceComponent
    """
MOVED_COMPONENTS = """
    # Two of them.
    type: dagster_airbyte_sync.AirbyteWorkspaceComponent  # of theirs

    attributes: {workspace: {workspace_id: "{{ env.ID }}"}}
    ---
    attributes:
        - type:   "dagster_airbyte_sync.AirbyteWorkspaceComponent"
        - {type: 'dagster_airbyte_sync.AirbyteWorkspaceComponent', x: 1}
        - type: dagster_airbyte_sync.AirbyteWorkspaceComponent
    """


@pytest.mark.parametrize("name", ["defs.yaml", "defs.yml"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_the_types_of_components_change_and_comments_and_quotes_stay(
    project: Project, name: str, ends: str
) -> None:
    before, after = (
        dedent(text).lstrip().replace("\n", ends) for text in (COMPONENTS, MOVED_COMPONENTS)
    )
    project.has(name, before)
    assert project.calls("--write")[0] == 0
    assert project.text(name) == after
    assert project.says()["files"] == []


def test_other_texts_in_yaml_are_listed(project: Project) -> None:
    project.has(
        "environment.yaml",
        """
        dependencies:
          - dagster-airbyte=0.29
          - dagster-airbyte-sync
        load_from: [dagster_airbyte.translator.DagsterAirbyteTranslator]
        type: dagster_airbyte.AirbyteScaffolderParams
        """,
    )
    assert project.left() == {
        "environment.yaml": [
            (2, "dagster-airbyte=0.29"),
            (4, "dagster_airbyte.translator.DagsterAirbyteTranslator"),
            (5, "dagster_airbyte.AirbyteScaffolderParams"),
        ]
    }


def test_scripts_in_yaml_and_the_files_of_ci_are_read(project: Project) -> None:
    project.has(
        ".github/workflows/ci.yml",
        """
        steps:
          - run: |
              pip install dagster
              pip install dagster-airbyte
        """,
    )
    assert project.left() == {".github/workflows/ci.yml": [(4, "pip install dagster-airbyte")]}


# -- dependencies ------------------------------------------------------------------------------


def test_dependencies_are_listed_and_never_changed(project: Project) -> None:
    pyproject = """
        dependencies = [
            # "dagster-airbyte",
            "dagster-airbyte>=0.26,<1",
            "dagster-airbyte-sync",
        ]
        registry_modules = ["dagster_airbyte"]
        """
    project.has("pyproject.toml", pyproject)
    project.has("requirements-dev.txt", "dagster\nDagster-Airbyte\n dagster-airbyte[x]\n")
    project.has("Dockerfile", "RUN pip install dagster-airbyte\n")
    project.has("notes.txt", "dagster-airbyte\n")
    files = {name: project.text(name) for name in os.listdir(project.folder)}
    assert project.left("--write") == {
        "Dockerfile": [(1, "RUN pip install dagster-airbyte")],
        "pyproject.toml": [
            (3, '"dagster-airbyte>=0.26,<1",'),
            (6, 'registry_modules = ["dagster_airbyte"]'),
        ],
        "requirements-dev.txt": [(2, "Dagster-Airbyte"), (3, "dagster-airbyte[x]")],
    }
    assert {name: project.text(name) for name in os.listdir(project.folder)} == files


# -- which files, and what is said -------------------------------------------------------------


def test_files_that_need_nothing_are_not_touched(project: Project) -> None:
    project.has("needs_nothing.py", "import dagster\n")
    project.has("moved.py", "from dagster_airbyte_sync import AirbyteWorkspace\n")
    project.has("by_hand.py", "from dagster_airbyte import airbyte_sync_op\n")
    project.has("needs.py", IMPORT)
    for file in project.folder.iterdir():
        os.utime(file, (1, 1))
    said = project.says("--write")["files"]
    assert [file["path"] for file in said if file["is_changed"]] == ["needs.py"]
    times = {file.name: file.stat().st_mtime for file in project.folder.iterdir()}
    assert times.pop("needs.py") > 1
    assert set(times.values()) == {1}


@pytest.mark.parametrize(
    "folder", [".git", ".venv", "node_modules", "env", "lib/site-packages", "__pycache__"]
)
def test_code_of_others_is_not_read(project: Project, folder: str) -> None:
    project.has(f"{folder}/theirs.py", IMPORT)
    project.has("env/pyvenv.cfg", "")
    assert project.says()["files"] == []


def test_links_are_not_followed(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "a.py").write_text(IMPORT)
    (project.folder / "link.py").symlink_to(elsewhere / "a.py")
    (project.folder / "folder").symlink_to(elsewhere)
    assert project.says("--write")["files"] == []
    assert (elsewhere / "a.py").read_text() == IMPORT


def test_one_file_may_be_named(project: Project, capsys: Capture) -> None:
    project.has("one.py", IMPORT)
    project.has("other.py", IMPORT)
    assert main(["migrate", str(project.folder / "one.py"), "--write"]) == 0
    assert project.text("one.py") != IMPORT
    assert project.text("other.py") == IMPORT


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("old.py", "import dagster_airbyte\nprint 'hello'\n", "line 2 is not Python"),
        ("helm.yaml", "a: dagster_airbyte\n{{ x }}: {{- y }}\n", "line 2 is not YAML"),
        ("bad.yaml", b"a: dagster_airbyte \xff\n", "it is not UTF-8"),
        ("bad.py", b"import dagster_airbyte\nx = '\xff'\n", "it is not text: "),
        ("requirements.txt", b"dagster-airbyte \xff\n", "it is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_left_and_said(
    project: Project, name: str, text: str | bytes, said: str
) -> None:
    content = text.encode() if isinstance(text, str) else text
    (project.folder / name).write_bytes(content)
    project.has("good.py", IMPORT)
    answer = project.says("--write")
    problems = {file["path"]: file["problem"] for file in answer["files"]}
    assert problems.pop("good.py") is None
    assert problems[name].startswith(said)
    assert answer["exit_code"] == 1
    assert answer["unreadable_files"] == 1
    assert (project.folder / name).read_bytes() == content
    assert f"It was left as it is: {said}" in project.calls()[1]


def test_without_write_a_diff_is_shown_that_can_be_applied(project: Project) -> None:
    """However long its lines are."""
    project.has("project.py", f"{IMPORT}x = '{'long ' * 40}'\n")
    before = project.text("project.py")
    code, printed = project.calls()
    assert code == 0
    assert project.text("project.py") == before
    diff = printed[printed.index("--- ") : printed.rindex("\n1 file would be changed")]
    applied = subprocess.run(
        ["git", "apply", "--unsafe-paths", "-p0", "-"], cwd="/", input=diff, text=True, check=False
    )
    assert applied.returncode == 0
    after = project.text("project.py")
    assert after == before.replace("dagster_airbyte", "dagster_airbyte_sync")


def test_the_report_says_how_much_was_changed_and_is_left(project: Project) -> None:
    project.has("one.py", "from dagster_airbyte import AirbyteWorkspace, airbyte_sync_op\n")
    project.has("two.py", IMPORT)
    _, looked = project.calls()
    assert "2 files would be changed by --write, 1 place left to change by hand." in looked
    _, written = project.calls("--write")
    assert "2 files changed, 1 place left to change by hand." in written
    assert "--- " not in written
    assert "airbyte_sync_op" in written
    assert "build_airbyte_start_job" in written


def test_a_project_without_it_needs_nothing(project: Project) -> None:
    project.has("project.py", "import dagster\n")
    assert project.calls() == (0, "Nothing here uses dagster-airbyte.\n")


def test_the_json_has_these_keys_and_types(project: Project) -> None:
    project.has("one.py", "from dagster_airbyte import AirbyteWorkspace, airbyte_sync_op\n")
    assert project.says("--write") == {
        "written": True,
        "renamed_files": 1,
        "left_by_hand": 1,
        "unreadable_files": 0,
        "files": [
            {
                "path": "one.py",
                "is_changed": True,
                "problem": None,
                "changes": [
                    {
                        "line": 1,
                        "what": "airbyte_sync_op",
                        "why": "not in this package",
                        "instead": "build_airbyte_start_job(...), or dg.define_asset_job of the"
                        " assets",
                        "kind": "by hand",
                    },
                    {
                        "line": 1,
                        "what": "from dagster_airbyte",
                        "why": "the same in another package",
                        "instead": "from dagster_airbyte_sync",
                        "kind": "rename",
                    },
                ],
            }
        ],
        "exit_code": 1,
    }


def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path: Path, capsys: Capture) -> None:
    assert main(["migrate", str(tmp_path / "nowhere")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_file_that_may_not_be_written_is_a_sentence(
    project: Project, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write anywhere, so it is a file system that refuses."""

    def refused(file: Path, content: bytes) -> int:
        raise PermissionError(13, "Permission denied", str(file))

    project.has("one.py", IMPORT)
    monkeypatch.setattr(Path, "write_bytes", refused)
    assert main(["migrate", str(project.folder), "--write"]) == 1
    assert "one.py: Permission denied." in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["libcst", "yaml"])
def test_without_the_extra_it_says_what_to_install(tmp_path: Path, missing: str) -> None:
    hide = (
        f"import sys; import dagster_airbyte_sync.cli as cli; sys.modules[{missing!r}] = None;"
        f" sys.exit(cli.main(['migrate', {str(tmp_path)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", hide], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("pip install 'dagster-airbyte-sync[migrate]'\n")
    assert "Traceback" not in done.stderr
