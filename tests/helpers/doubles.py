"""What Dagster's event log has more than once, and whether ticks at once explain that. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from helpers.kill_verdict import Reported

# Of a table's report of one job: when each of its events was stored.
Doubles = Mapping[tuple[str, int | None], Sequence[float]]


@dataclass(frozen=True)
class Span:
    """From when until when a tick took, in seconds since 1970."""

    begin: float
    end: float

    def has(self, moment: float) -> bool:
        return self.begin <= moment <= self.end

    def overlaps(self, other: "Span") -> bool:
        return self.begin < other.end and other.begin < self.end


def doubles_in(log: Iterable[Reported]) -> Doubles:
    stored: defaultdict[tuple[str, int | None], list[float]] = defaultdict(list)
    for reported in log:
        stored[reported.table, reported.job_id].append(reported.stored_at)
    return {key: moments for key, moments in stored.items() if len(moments) > 1}


def unexplained(doubles: Doubles, ticks: Sequence[Span]) -> Doubles:
    """Those of which an event was not stored in a tick that overlapped another one's tick."""
    pairs = [pair for pair in permutations(ticks, 2) if pair[0].overlaps(pair[1])]

    def is_explained(event: float, others: Iterable[float]) -> bool:
        return any(
            tick.has(event) and another.has(other) for tick, another in pairs for other in others
        )

    return {
        key: moments
        for key, moments in doubles.items()
        if not all(
            is_explained(event, [*moments[:place], *moments[place + 1 :]])
            for place, event in enumerate(moments)
        )
    }
