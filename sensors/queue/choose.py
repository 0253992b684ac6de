"""Which syncs start now, and what a tick says of those that wait. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from dagster_airbyte_sync.assets.queue.standing import Queue
from dagster_airbyte_sync.assets.queue.times import utc
from dagster_airbyte_sync.assets.queue.wait import Wait

# A line names so many connections.
_MOST_NAMED = 2


@dataclass(frozen=True)
class Busy:
    """What takes places: connections on which something waits or runs in Airbyte, and how many more
    of its jobs cannot be read."""

    connections: Collection[str]
    unreadable: int = 0


def chosen(queue: Queue, busy: Busy, now: float) -> Mapping[str, Sequence[Wait]]:
    """Those that may start, by connection, the oldest first.

    Each has as many places as it was written down with. What runs and what is about to start has
    one; a connection that is both has one, too. So one that is busy already takes none: the run
    then says that it is, or Airbyte clears a dead job away.
    """
    taken = {*busy.connections, *queue.coming}
    found: dict[str, Sequence[Wait]] = {}
    for connection_id, waits in queue.due(now).items():
        places = max(wait.places for wait in waits)
        if connection_id in taken or len(taken) + busy.unreadable < places:
            taken.add(connection_id)
            found[connection_id] = waits
    return found


def run_key_of(starts: Mapping[str, Sequence[Wait]], queue: Queue) -> str:
    """The same for the same syncs that waited, until a run for one of them was lost; and never that
    of an earlier one, though runs may be deleted."""
    parts = sorted(
        (each, sorted(wait.run_id for wait in waits), queue.last_lost.get(each, 0))
        for each, waits in starts.items()
    )
    return f"airbyte_queue:{sha256(repr(parts).encode()).hexdigest()[:32]}"


def config_of(starts: Mapping[str, Sequence[Wait]]) -> dict[str, object]:
    """The config of the op that starts them."""
    return {
        "connections": list(starts),
        "waits": {each: [wait.run_id for wait in waits] for each, waits in starts.items()},
    }


def places_line(queue: Queue, busy: Busy | None, starts: Mapping[str, Sequence[Wait]]) -> str:
    """Such as "20 of 20 run in Airbyte; 37 wait: 'shop', 'crm' and 35 more, the oldest since
    2026-01-15 02:00 UTC." """
    left = [waits for each, waits in queue.waiting.items() if each not in starts]
    parts = []
    if busy is not None:
        running = len(busy.connections) + busy.unreadable
        places = max(wait.places for waits in queue.waiting.values() for wait in waits)
        parts.append(f"{running} of {places} {'runs' if running == 1 else 'run'} in Airbyte")
    if queue.coming:
        parts.append(f"{len(queue.coming)} about to start")
    if starts:
        parts.append(f"now {'starts' if len(starts) == 1 else 'start'} {names(starts.values())}")
    if left:
        verb = "waits" if len(left) == 1 else "wait"
        since = f"{utc(left[0][0].since):%Y-%m-%d %H:%M} UTC"
        oldest = f"since {since}" if len(left) == 1 else f"the oldest since {since}"
        parts.append(f"{len(left)} {verb}: {names(left)}, {oldest}")
    return f"{'; '.join(parts)}."


def names(groups: Iterable[Sequence[Wait]]) -> str:
    known = [repr(waits[0].name) for waits in groups]
    if (more := len(known) - _MOST_NAMED) > 1:
        return f"{', '.join(known[:_MOST_NAMED])} and {more} more"
    return " and ".join(filter(None, [", ".join(known[:-1]), *known[-1:]]))
