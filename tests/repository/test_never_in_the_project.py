"""What must not get into the repository by accident."""

import re
import subprocess
from pathlib import Path

import pytest

from helpers.checkout import ROOT

# Written in pieces, as this file is checked as well.
FORBIDDEN = {
    "an absolute path of somebody's machine": r"(?<![\w.$}-])/(?:work|home|Users|root)/",
    "a package index": r"pypi\.org/" + r"simple|python" + r"hosted\.org|registry\." + r"npmjs",
    "an option for another package index": r"--(?:extra-)?index" + r"-url|--find" + r"-links",
    "a conflict marker": r"(?m)^(?:<{7}|>{7}|={7})(?: |$)",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE" + r" KEY-----",
}


@pytest.fixture(scope="module")
def files() -> list[str]:
    """Every file that is, or would be, under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip(f"This is not a clone: {listed.stderr.strip()}")
    names = sorted(filter(None, listed.stdout.split("\0")))
    return [name for name in names if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def texts(files: list[str]) -> dict[str, str]:
    """What is in those of them that are text."""
    found = {name: text_of(ROOT / name) for name in files}
    return {name: text for name, text in found.items() if text is not None}


def text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_contains(what: str, texts: dict[str, str]) -> None:
    pattern = re.compile(FORBIDDEN[what])
    assert "pyproject.toml" in texts
    assert not [name for name, text in texts.items() if pattern.search(text)]


@pytest.mark.parametrize(
    "line", ["see /ho" + "me/me/x", "<<<" + "<<<< HEAD", "https://pypi.org/sim" + "ple"]
)
def test_what_is_forbidden_would_be_found(line: str) -> None:
    assert any(re.search(pattern, line) for pattern in FORBIDDEN.values())


def test_only_the_three_links_of_the_layout_are_links() -> None:
    package = Path("src/dagster_airbyte_sync")
    links = {
        path.relative_to(ROOT): path.readlink()
        for folder in ("src", "sensors", "assets", "resources", "tests", "examples")
        for path in (ROOT / folder).rglob("*")
        if path.is_symlink()
    }
    rooms = ("sensors", "assets", "resources")
    assert links == {package / room: Path("../..") / room for room in rooms}


def test_there_is_no_code_at_the_top() -> None:
    """A file here, or a `tests/__init__.py`, would make `import sensors` work by accident."""
    assert not list(ROOT.glob("*.py"))
    assert not (ROOT / "tests" / "__init__.py").exists()


def test_the_top_level_holds_what_the_layout_says(files: list[str]) -> None:
    """Dagster without a home leaves its databases wherever it was started."""
    assert {Path(name).parts[0] for name in files} == {
        *(
            ".ci",
            ".github",
            ".gitignore",
            ".pre-commit-config.yaml",
            "SECURITY.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "LICENSE",
            "Makefile",
        ),
        *("README.md", "pyproject.toml", "sensors", "assets", "resources", "src"),
        *("tests", "examples", "docs", "mkdocs.yml"),
    }


def test_what_is_no_text_is_a_picture(files: list[str], texts: dict[str, str]) -> None:
    assert {Path(name).suffix for name in files if name not in texts} == {".png"}
