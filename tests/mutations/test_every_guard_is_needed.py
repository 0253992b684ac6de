"""For each invariant a one-line break of the code that guards it, and the tests that then fail.

A break that no test notices is a guard that no test needs, or a test that cannot fail. Rows that no
longer fit the product are found in a second by `test_every_break_fits.py`.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.breaks import Break
from helpers.preloaded import preloaded
from mutations.breaks import BREAKS

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout without anything that was built, for breaking."""
    copy = tmp_path_factory.mktemp("broken") / "checkout"
    copy.mkdir()
    for name in ("sensors", "assets", "resources", "src", "tests", "pyproject.toml", "README.md"):
        source = CHECKOUT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, copy / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, copy / name)
    return copy


@dataclass(frozen=True)
class Tried:
    code: int
    output: str


RunTests = Callable[[str], Tried]

# All of them, before anything is broken: what is compiled for that serves all breaks.
NAMED = " ".join(dict.fromkeys(test for one in BREAKS for test in one.noticed_by.split()))


@pytest.fixture(scope="module")
def run_tests(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunTests]:
    output = tmp_path_factory.mktemp("output") / "pytest.txt"
    with preloaded() as process:

        def run(which: str, *, compiles: bool = False) -> Tried:
            arguments = ["-x", "-q", "-p", "no:cacheprovider", *which.split()]
            code = process.run(copy, arguments, output, compiles=compiles)
            return Tried(code, output.read_text(errors="replace"))

        # A test that cannot run at all would seem to notice a break. That all of them pass without
        # one, the suite itself shows.
        unbroken = run(f"--collect-only {NAMED}", compiles=True)
        assert unbroken.code == 0, unbroken.output[-2000:]
        yield run


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.invariant)
def test_a_break_is_noticed(copy: Path, run_tests: RunTests, one: Break) -> None:
    file = copy / one.file
    whole, written = file.read_text(), file.stat()
    file.write_text(one.apply(whole))
    try:
        tried = run_tests(one.noticed_by)
    finally:
        file.write_text(whole)
        # What was compiled of it is as good as before.
        os.utime(file, ns=(written.st_atime_ns, written.st_mtime_ns))

    assert tried.code == 1, f"{one.noticed_by} did not notice:\n{tried.output[-2000:]}"
