"""Runs tests of a checkout again and again, in processes that have loaded Dagster already.

Loading it takes longer than a short test. Also a program, for the process that loads it: it reads
one request a line, forks, and writes the exit code of pytest.
"""

import gc
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

# Nothing of this project: each process loads the checkout that it is to test. And no plugin of
# pytest, which refuses one that it did not load itself.
_LOADED = (
    "cachetools",
    "dagster",
    "flask",
    "platformdirs",
    "pydantic.v1",
    "pytest",
    "requests",
    "responses",
    "sortedcontainers",
    "sqlalchemy",
    "xml.etree.ElementTree",
)
_SECONDS = 600


class Preloaded:
    """The process that has loaded everything."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(
        self, checkout: Path, arguments: Sequence[str], output: Path, *, compiles: bool = False
    ) -> int:
        """pytest's exit code; what it prints goes into the file.

        What it `compiles` is kept beside the sources, for the runs that follow.
        """
        assert self._process.stdin
        assert self._process.stdout
        request = {
            "checkout": str(checkout),
            "arguments": [*arguments],
            "output": str(output),
            "compiles": compiles,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def preloaded() -> Iterator[Preloaded]:
    # Not above: the program that this file is, too, has no such name.
    from helpers.local_instance import MADE_BEFORE, make_empty_storage

    command = [sys.executable, __file__]
    pipe = subprocess.PIPE
    with TemporaryDirectory() as folder:
        environ = {**os.environ, MADE_BEFORE: str(make_empty_storage(Path(folder)))}
        with subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, text=True) as process:
            yield Preloaded(process)
            assert process.stdin
            process.stdin.close()


def _serve() -> None:
    for name in _LOADED:
        import_module(name)
    # What an instance loads when it is made is half of what a short test takes.
    with import_module("dagster").DagsterInstance.local_temp():
        pass
    # Nothing of it is garbage, so no test need look.
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _test(**request)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _test(checkout: str, arguments: list[str], output: str, compiles: bool) -> None:
    code = 70
    try:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(file, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        source = os.path.join(checkout, "src")
        os.chdir(checkout)
        # This file's own folder is not one to import from.
        sys.path[:1] = [source]
        os.environ["PYTHONPATH"] = source
        sys.dont_write_bytecode = not compiles
        hangs = f"faulthandler_timeout={_SECONDS}"
        code = int(import_module("pytest").main(["-o", hangs, *arguments]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
