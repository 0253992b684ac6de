"""Runs tests of this checkout again and again, each time with a function of the product broken.

To load and collect everything takes far longer than most tests. So one process does that once, and
forks for each request: the child gives the function its broken code, and goes on with the tests
that the request names. Also a program, for that process.
"""

import gc
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryDirectory
from types import CodeType, FunctionType
from typing import TextIO

import dagster as dg
import pytest

import dagster_airbyte_sync
from helpers.local_instance import MADE_BEFORE, make_empty_storage

_CHECKOUT = Path(__file__).resolve().parents[2]
_SECONDS = 600
# Exit codes of ours: pytest's own are smaller, and 1 is also that of a test that hangs.
HAS_FAILED = 70
HAS_NOT_BEGUN = 71
_IS_ELSEWHERE = 72
_HAS_CRASHED = 73


class Preloaded:
    """The process that has collected everything."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, tests: Sequence[str], output: Path) -> int:
        """0 if all passed, HAS_FAILED if one did not, HAS_NOT_BEGUN if that was before its body.

        Another one is pytest's. What it prints goes into `output`.
        """
        return self._run(tests=[*tests], output=str(output))

    def run_broken(self, tests: Sequence[str], output: Path, file: str, text: str) -> int | None:
        """The same with another text of a file of the product.

        None if that differs outside of functions: only a process that loads it anew can run that.
        """
        code = self._run(tests=[*tests], output=str(output), file=file, text=text)
        return None if code == _IS_ELSEWHERE else code

    def _run(self, **request: object) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "The process that runs the tests has ended."
        return int(answer)


@contextmanager
def preloaded(tests: Sequence[str]) -> Iterator[Preloaded]:
    """`tests` are all that there will be requests for, as pytest names them."""
    command = [sys.executable, "-m", __name__, *tests]
    pipe = subprocess.PIPE
    with TemporaryDirectory() as folder:
        environ = {
            **os.environ,
            MADE_BEFORE: str(make_empty_storage(Path(folder))),
            "PYTHONPATH": f"{_CHECKOUT / 'src'}{os.pathsep}{_CHECKOUT / 'tests'}",
        }
        with subprocess.Popen(
            command, cwd=folder, env=environ, stdin=pipe, stdout=pipe, text=True
        ) as process:
            yield Preloaded(process)
            assert process.stdin
            process.stdin.close()


class _Server:
    """A plugin of pytest that takes requests when it is time to run what was collected."""

    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self._requests = requests
        self._answers = answers
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.when)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._failed:
            session.exitstatus = HAS_FAILED if "call" in self._failed else HAS_NOT_BEGUN

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """In a child None: pytest is to go on, and runs what is left of the session's tests."""
        # What an instance loads when it is made is half of what a short test takes.
        with dg.DagsterInstance.local_temp():
            pass
        functions = _functions_of_the_product()
        # Nothing of all that is garbage, so no test need look.
        gc.freeze()
        for line in self._requests:
            sys.stdout.flush()
            child = os.fork()
            if child == 0:
                _begin(session, functions, **json.loads(line))
                return None
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), file=self._answers, flush=True)
        return True


def _functions_of_the_product() -> list[FunctionType]:
    """Also of what is only loaded when it is needed."""
    for module in walk_packages(dagster_airbyte_sync.__path__, "dagster_airbyte_sync."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    return [
        each
        for each in gc.get_objects()
        if isinstance(each, FunctionType) and "dagster_airbyte_sync" in each.__code__.co_filename
    ]


def _begin(
    session: pytest.Session,
    functions: Iterable[FunctionType],
    tests: Sequence[str],
    output: str,
    file: str | None = None,
    text: str = "",
) -> None:
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(written, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if file and not _replace(functions, _CHECKOUT / file, text):
        os._exit(_IS_ELSEWHERE)
    session.items = [item for item in session.items if any(_names(test, item) for test in tests)]


def _names(test: str, item: pytest.Item) -> bool:
    """A file, a test, or a test with one of its parameters."""
    return item.nodeid == test or item.nodeid.startswith((f"{test}::", f"{test}["))


def _replace(functions: Iterable[FunctionType], file: Path, text: str) -> bool:
    """Gives functions of the file the code that the text has for them; False if all have it."""
    new_codes = {
        old: new
        for old, new in zip(_codes(file.read_text()), _codes(text), strict=True)
        if _without_lines(old) != _without_lines(new)
    }
    changed = [
        each
        for each in functions
        if each.__code__ in new_codes and Path(each.__code__.co_filename).resolve() == file
    ]
    for function in changed:
        function.__code__ = new_codes[function.__code__]
    return bool(changed)


def _codes(source: str) -> list[CodeType]:
    """Of the functions of a module and its classes, not of those inside of functions."""
    found, left = [], [compile(source, "", "exec", dont_inherit=True)]
    while left:
        code = left.pop()
        if code.co_flags & inspect.CO_OPTIMIZED:
            found.append(code)
        else:
            left += [each for each in code.co_consts if isinstance(each, CodeType)]
    return found


def _without_lines(code: CodeType) -> CodeType:
    inner = (_without_lines(c) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(co_firstlineno=1, co_linetable=b"", co_consts=tuple(inner))


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    # What pytest prints is no answer.
    os.dup2(2, 1)
    os.chdir(_CHECKOUT)
    options = ["-x", "-q", "-s", "-p", "no:cacheprovider", "-o", f"faulthandler_timeout={_SECONDS}"]
    code = _HAS_CRASHED
    try:
        code = int(pytest.main([*options, *sys.argv[1:]], plugins=[_Server(sys.stdin, answers)]))
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
