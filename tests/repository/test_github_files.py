"""The files in .github are as GitHub reads them, and say what the rest of the project says."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.checkout import ROOT

GITHUB = ROOT / ".github"
FORMS = GITHUB / "ISSUE_TEMPLATE"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
SCHEMAS = [
    ("github-workflows", WORKFLOWS),
    ("dependabot", [GITHUB / "dependabot.yml"]),
    ("github-issue-config", [FORMS / "config.yml"]),
    ("github-issue-forms", sorted(set(FORMS.glob("*.yml")) - {FORMS / "config.yml"})),
]
# It says itself which of its releases that is.
BY_BRANCH = "pypa/gh-action-pypi-publish@release/v1"


def read(path: Path) -> dict[str, Any]:
    # In YAML's older version `on` means true.
    return dict(yaml.load(path.read_text(), yaml.BaseLoader))


@pytest.mark.parametrize(("schema", "files"), SCHEMAS, ids=[name for name, _ in SCHEMAS])
def test_they_are_valid(schema: str, files: list[Path]) -> None:
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_is_tested_on_each_python_that_it_names() -> None:
    named = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    matrix = read(GITHUB / "workflows" / "wheel.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix == {"python": named, "dagster": ["oldest", "newest"]}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_and_a_job_may_more_only_if_it_says_so(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    more = {
        name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job
    }
    assert set(more) <= {"publish", "documentation"}
    assert all("environment" in workflow["jobs"][name] for name in more)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_others_actions_are_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: ([^.\s]\S*)", path.read_text())
    pinned = [each for each in used if re.search(r"@[0-9a-f]{40}$", each)]
    assert [each for each in used if each not in pinned] == (
        [BY_BRANCH] if path.stem == "release" else []
    )


def test_what_workflows_run_is_there() -> None:
    commands = " ".join(path.read_text() for path in WORKFLOWS)
    scripts = set(re.findall(r"(?<=run: )\.ci/\w+", commands))
    assert scripts == {".ci/run", ".ci/wheel"}
    assert all((ROOT / script).stat().st_mode & 0o100 for script in scripts)
    targets = re.findall(r"make (\w+)", commands + (ROOT / ".pre-commit-config.yaml").read_text())
    makefile = (ROOT / "Makefile").read_text()
    assert {"docs", "mypy"} <= set(targets)
    assert all(re.search(rf"^{target}:", makefile, flags=re.M) for target in targets)
