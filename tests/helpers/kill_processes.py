"""The processes that Dagster spawns for runs and their steps, as /proc lists them."""

from collections.abc import Mapping
from pathlib import Path


def spawned_in(group: int) -> Mapping[int, int]:
    """The parent of each living process of a process group that multiprocessing has spawned.

    So Dagster starts the main process of each run, and from there one for each step.
    """
    folders = (each for each in Path("/proc").iterdir() if each.name.isdigit())
    found = (_parent(folder, group) for folder in folders)
    return dict(each for each in found if each is not None)


def _parent(folder: Path, group: int) -> tuple[int, int] | None:
    try:
        # A zombie has no command line any more.
        command = (folder / "cmdline").read_bytes()
        stat = (folder / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # After the program's name, which may have blanks and brackets: state, parent, group.
    _, parent, its_group = stat.rpartition(")")[2].split()[:3]
    if int(its_group) != group or b"spawn_main" not in command:
        return None
    return int(folder.name), int(parent)
