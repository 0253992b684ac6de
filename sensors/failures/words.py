"""What a tick of the failure sensor found, in one line."""

from collections.abc import Sequence

from dagster_airbyte_sync.sensors.cursor.cursor import Cursor
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind, SyncProblem

# The others are in the runs.
_MOST_NAMES = 8

_DID = {
    ProblemKind.FAILED: ("failed", "failed"),
    ProblemKind.CANCELLED: ("was cancelled", "were cancelled"),
    ProblemKind.EMPTY: ("moved no row", "moved no row"),
    ProblemKind.LATE: ("is late", "are late"),
}


def summary_of(problems: Sequence[SyncProblem], waiting: int, moved: Cursor, *, cut: bool) -> str:
    """What went wrong, how many connections wait for their run, how far the history is read."""
    by_kind = ([each for each in problems if each.kind is kind] for kind in ProblemKind)
    parts = [_sentence(each) for each in by_kind if each]
    if waiting:
        parts.append(f"{waiting} more {'waits' if waiting == 1 else 'wait'} for a later tick")
    if cut:
        parts.append("More to read at the next tick")
    did = ". ".join(parts) or "Nothing failed"
    return f"{did}. Read up to {moved.since:%Y-%m-%d %H:%M:%S} UTC."


def _sentence(problems: Sequence[SyncProblem]) -> str:
    count = sum(1 + each.others for each in problems)
    noun, did = ("sync", 0) if count == 1 else ("syncs", 1)
    return f"{count} {noun} {_DID[problems[0].kind][did]}: {_names(problems)}"


def _names(problems: Sequence[SyncProblem]) -> str:
    names = [_name(each) for each in problems[:_MOST_NAMES]]
    rest = len(problems) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "")


def _name(problem: SyncProblem) -> str:
    times = f" ({problem.others + 1} times)" if problem.others else ""
    return f"{problem.connection_name}{times}"
