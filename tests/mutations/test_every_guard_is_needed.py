"""For each invariant a one-line break of the code that guards it, and the tests that then fail.

A break that no test notices is a guard that no test needs, or a test that cannot fail. Rows that no
longer fit the product are found in a second by `test_every_break_fits.py`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.breaks import Break
from helpers.preloaded import HAS_FAILED, HAS_NOT_BEGUN, Preloaded, preloaded
from mutations.breaks import BREAKS

CHECKOUT = Path(__file__).parents[2]
EVERY = os.environ.get("EVERY_BREAK") == "1"
# A process that runs them takes seconds to start, so there is one for each half.
HALVES = [pytest.mark.xdist_group(name) for name in ("breaks", "more breaks")]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preloaded]:
    # In their order: a folder that is named after its neighbours may go without its fixtures.
    named = sorted({test for one in BREAKS for test in one.noticed_by.split()})
    with preloaded(named) as process:
        # That all of them pass without a break, the suite itself shows.
        output = tmp_path_factory.mktemp("unbroken") / "pytest.txt"
        assert process.run(named[:1], output) == 0, end_of(output)
        yield process


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout without anything that was built, for breaking what is not in a function."""
    copy = tmp_path_factory.mktemp("broken") / "checkout"
    copy.mkdir()
    of_package = ("sensors", "assets", "resources", "src", "pyproject.toml")
    for name in (*of_package, "tests", "README.md", "docs"):
        source = CHECKOUT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, copy / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, copy / name)
    return copy


def run_in_copy(copy: Path, tests: list[str], file: str, broken: str, output: Path) -> int:
    options = ["-x", "-q", "-p", "no:cacheprovider"]
    path = copy / file
    whole = path.read_text()
    path.write_text(broken)
    try:
        with output.open("w") as written:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *tests],
                cwd=copy,
                # A file that was broken has its old size and time soon.
                env={**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
            )
        return HAS_FAILED if done.returncode == 1 else done.returncode
    finally:
        path.write_text(whole)


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(one, marks=HALVES[number % 2], id=one.invariant)
        for number, one in enumerate(BREAKS)
        if EVERY or not one.is_slow
    ],
)
def test_a_break_is_noticed(
    process: Preloaded, one: Break, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    tests, output = one.noticed_by.split(), tmp_path / "pytest.txt"
    broken = one.apply((CHECKOUT / one.file).read_text())

    code = process.run_broken(tests, output, one.file, broken)
    if code in (None, 0):
        # What is not in a function, or what a process of the test's own loads anew.
        code = run_in_copy(request.getfixturevalue("copy"), tests, one.file, broken, output)
    elif code == HAS_NOT_BEGUN:
        # The break is in what the test begins with, unless it cannot begin there at all.
        unbroken = tmp_path / "unbroken.txt"
        assert process.run(tests, unbroken) == 0, end_of(unbroken)
        code = HAS_FAILED
    assert code == HAS_FAILED, f"{one.noticed_by} did not notice:\n{end_of(output)}"


def end_of(output: Path) -> str:
    return output.read_text(errors="replace")[-2000:]
