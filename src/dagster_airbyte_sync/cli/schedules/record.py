"""The file in which schedules are written down before Airbyte forgets them."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dagster_airbyte_sync.assets import TakenOver
from dagster_airbyte_sync.cli.mistakes import Mistake
from dagster_airbyte_sync.resources import AirbyteSettingsError


class Record:
    """An open file; `lines` is how many were written. Each is on the disk when `write` returns."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor, self._path = descriptor, path
        self.lines = 0

    def write(self, line: str) -> None:
        """Raises Mistake, and leaves the file as it was, if the line cannot be stored."""
        size = os.fstat(self._descriptor).st_size
        try:
            _write_all(self._descriptor, f"{line}\n".encode())
            os.fsync(self._descriptor)
        except OSError as error:
            # Half a line would make the whole file unreadable.
            with suppress(OSError):
                os.ftruncate(self._descriptor, size)
            raise Mistake(f"{self._path} cannot be written: {error.strerror}.") from None
        self.lines += 1


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def read_record(path: Path, *, must_be_there: bool = False) -> TakenOver:
    """The schedules in the file. Raises Mistake if it cannot be read, or has something else."""
    try:
        return TakenOver.from_text(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if must_be_there:
            raise Mistake(f"There is no file {path}: give the one that take-over wrote.") from None
        return TakenOver()
    except OSError as error:
        raise Mistake(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Mistake(f"{path} does not contain schedules: give a file of take-over.") from None
    except AirbyteSettingsError as reason:
        raise Mistake(f"{path} does not contain schedules. {reason}") from None


def refuse_other_workspace(path: Path, taken: TakenOver, here: Collection[str]) -> None:
    """Raise Mistake if the file has schedules of another workspace: it could not be put back."""
    others = {each.workspace_id for each in taken.schedules.values()} - {*here}
    if others:
        raise Mistake(
            f"{path} has schedules of workspace {' and '.join(sorted(others))}, and this is"
            f" workspace {' and '.join(here)}: give a file of its own."
        )


@contextmanager
def recording(path: Path) -> Iterator[Record]:
    """The file, made if it is not there, to be written at its end. Raises Mistake."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise Mistake(f"{path} cannot be written: {error.strerror}. Nothing was changed.") from None
    try:
        _end_last_line(descriptor)
        yield Record(descriptor, path)
    finally:
        os.close(descriptor)


def _end_last_line(descriptor: int) -> None:
    """A file that was edited by hand may end without a line break."""
    if os.fstat(descriptor).st_size:
        os.lseek(descriptor, -1, os.SEEK_END)
        if os.read(descriptor, 1) != b"\n":
            os.write(descriptor, b"\n")
