"""What becomes of each name of dagster-airbyte. Pure, but for the list of public names here."""

import re
from dataclasses import dataclass

import dagster_airbyte_sync
from dagster_airbyte_sync.legacy.former_names import (
    ARGUMENTS,
    GUIDE,
    METHODS,
    MODULES,
    OURS,
    SUPERSEDED,
    THEIRS,
    former,
    without_marks,
)
from dagster_airbyte_sync.resources import FORMER_CALLS, NO_SYNC_BY_ID

RENAMED = "the same thing under another name"
MOVED = "the same in another package"
WORKS = "works here, with a warning"
IS_GONE = "not in this package"
IN_A_TEXT = "named in a text"
DISTRIBUTION = OURS.replace("_", "-")

# A distribution, a module, or a name in it, but not this package.
MENTION = re.compile(r"(?<![\w.-])dagster[-_]airbyte(?![\w-])", re.IGNORECASE)
# A dependency as it is written in setup.py, with spaces, too.
REQUIREMENT = re.compile(r"dagster[-_]airbyte\s*(\[[^]]*\]\s*)?([<>=!~]=?[^'\"]*)?", re.IGNORECASE)
_MODULES = {f"{THEIRS}.{module}" for module in MODULES}


@dataclass(frozen=True)
class Fate:
    """What to do with a name: `now` is the public name here, `left` what somebody must do."""

    now: str | None = None
    left: str | None = None
    why: str = IS_GONE


def fate_of(name: str, module: str = "") -> Fate:
    """The fate of a name that dagster-airbyte has in a module, "" for the package itself."""
    known = former(name, module)
    is_here = name in dagster_airbyte_sync.__all__ or name == "__version__"
    if known is None:
        if is_here:
            return Fate(name)
        return Fate(left=f"see {GUIDE}", why="not known")
    if known.renamed is not None:
        return Fate(known.renamed)
    instead = without_marks(known.instead)
    return Fate(name, instead, WORKS) if known in SUPERSEDED else Fate(left=instead)


def split(dotted: str) -> tuple[str, str] | None:
    """The module within dagster-airbyte, and the name there, of `dagster_airbyte.x.Name`.

    None if it is a module itself, or something else altogether.
    """
    if is_theirs(dotted):
        return None
    module, _, name = dotted.rpartition(".")
    return (module.removeprefix(THEIRS).lstrip("."), name) if is_theirs(module) else None


def is_theirs(dotted: str) -> bool:
    """Whether it is dagster-airbyte's package, or a module in it."""
    return dotted == THEIRS or dotted in _MODULES


def is_ours(dotted: str) -> bool:
    return dotted == OURS or dotted.startswith(f"{OURS}.")


# What replaces the arguments of calls that are superseded, by the call.
REPLACED_ARGUMENTS = {
    name: without_marks(each.instead) for each in ARGUMENTS for name in each.names
}
CALLS_WITH_REPLACED_ARGUMENTS = tuple(
    name for each in SUPERSEDED if each.renamed is None for name in each.names
)
# What replaces methods, by their names, and whether they still work.
REPLACED_METHODS = {
    **{name: (without_marks(instead), WORKS) for name, instead in FORMER_CALLS.items()},
    **{name: (without_marks(each.instead), IS_GONE) for each in METHODS for name in each.names},
}
SYNC_BY_ID = NO_SYNC_BY_ID.partition(": ")[2]


def renaming(name: str, now: str) -> str:
    """Why a name that is here is changed."""
    return MOVED if name == now else RENAMED


def package_in_place_of(mentioned: str) -> str:
    """This package, as a distribution or as a module, as the other one is written."""
    return DISTRIBUTION if "-" in mentioned else OURS
