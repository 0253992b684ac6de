"""How many events a tick may report: as many as Dagster is seen to store in a part of the time
between two ticks. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources.json_values import as_int

# Fewer events say nothing of the storage.
_FEWEST_MEASURED = 20
# So many materializations of one table are read at most, to find when one of them was stored.
_FURTHEST_BACK = 25
# What one tick reports at most, whatever the storage: Dagster holds all of it in memory, twice.
MOST_EVENTS = 5_000
# And at least, so that one sync of a wide connection is reported however slow the storage is. It is
# more than can be measured: a storage that was slow is seen to be quick again.
FEWEST_EVENTS = 50
# A tick that was slower or faster than those before it changes the pace by so much at most.
_MOST_CHANGE = 4.0
# Dagster looks for sensors that are due every five seconds, whatever their interval.
_SHORTEST_INTERVAL = 5.0


@dataclass(frozen=True)
class Mark:
    """One materialization that a tick reported, of that job: of all that its table has by then, the
    newest (`back` is 1), or the one `back` - 1 before it."""

    key: dg.AssetKey
    back: int
    job_id: int

    def as_row(self) -> list[object]:
        return [list(self.key.path), self.back, self.job_id]


@dataclass(frozen=True)
class Sent:
    """What a tick gave Dagster to store: two of its materializations, with `events` stored from
    just behind the first up to the last."""

    events: int
    first: Mark
    last: Mark

    @staticmethod
    def of(events: Sequence[object]) -> "Sent | None":
        """Of the events of a tick in their order; None if they are too few to measure by."""
        places: dict[dg.AssetKey, list[tuple[int, int]]] = {}
        for place, event in enumerate(events):
            if isinstance(event, dg.AssetMaterialization):
                job_id = keys.int_in(event.metadata, keys.JOB_ID) or 0
                places.setdefault(event.asset_key, []).append((place, job_id))
        if not places:
            return None
        begins = ((own[-_FURTHEST_BACK:][0], key, own) for key, own in places.items())
        (start, first_job), first, own = min(begins, key=lambda each: each[0])
        (end, last_job), last = max((own[-1], key) for key, own in places.items())
        if end - start < _FEWEST_MEASURED:
            return None
        back = min(len(own), _FURTHEST_BACK)
        return Sent(end - start, Mark(first, back, first_job), Mark(last, 1, last_job))


@dataclass(frozen=True)
class Pace:
    """How many events a second Dagster was seen to store, by the clock of its daemon, and what of
    the last tick can be measured next."""

    per_second: float | None = None
    sent: Sent | None = None

    def measured(self, began: float | None, ended: float | None, usual: float) -> "Pace":
        """As the next tick knows it: when the first and the last of what was sent were stored, in
        epoch seconds; None for what was not, or has been reported again since.

        `usual` stands for what was measured before, as long as nothing was.
        """
        if self.sent is None or began is None or ended is None or ended <= began:
            return Pace(self.per_second)
        before = usual if self.per_second is None else self.per_second
        seen = self.sent.events / (ended - began)
        return Pace(min(max(seen, before / _MOST_CHANGE), before * _MOST_CHANGE))

    def as_row(self) -> list[object]:
        """JSON; empty if there is nothing to keep."""
        rate = None if self.per_second is None else round(self.per_second, 1)
        if self.sent is None:
            return [] if rate is None else [rate]
        return [rate, self.sent.events, self.sent.first.as_row(), self.sent.last.as_row()]


@dataclass(frozen=True)
class StoringTime:
    """What of the time between two ticks Dagster may spend on storing, in seconds; `at_first` is
    how many events a tick reports as long as nothing was measured."""

    seconds: float
    at_first: int

    @staticmethod
    def of(interval: float, share: float, at_first: int) -> "StoringTime":
        return StoringTime(share * max(interval, _SHORTEST_INTERVAL), at_first)

    @property
    def usual(self) -> float:
        """Events a second, if those at first just fit."""
        return self.at_first / self.seconds

    def most_events(self, pace: Pace) -> int:
        if pace.per_second is None:
            return self.at_first
        return round(min(max(pace.per_second * self.seconds, FEWEST_EVENTS), MOST_EVENTS))


UNMEASURED = Pace()


def pace_of(row: object) -> Pace:
    """What a row of a cursor says, as far as it can be read: without it, one tick is careful."""
    values = list(row) if isinstance(row, list) else []
    rate, events, first, last = [*values[:4], *[None] * 4][:4]
    is_rate = isinstance(rate, int | float) and not isinstance(rate, bool) and rate > 0
    per_second = float(rate) if is_rate else None
    number, start, end = as_int(events), _mark_of(first), _mark_of(last)
    if number is None or start is None or end is None:
        return Pace(per_second)
    return Pace(per_second, Sent(number, start, end))


def _mark_of(row: object) -> Mark | None:
    path, back, job_id = [*row, None, None, None][:3] if isinstance(row, list) else [None] * 3
    parts = path if isinstance(path, list) else []
    is_path = bool(parts) and all(isinstance(part, str) for part in parts)
    number, job = as_int(back), as_int(job_id)
    if not is_path or number is None or job is None or not 0 < number <= _FURTHEST_BACK:
        return None
    return Mark(dg.AssetKey(parts), number, job)
