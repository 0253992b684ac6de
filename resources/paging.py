"""Reading Airbyte's lists completely, although its pages move, overlap and skip."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from dagster_airbyte_sync.resources.jobs import Job


class HasId(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=HasId)

# An unordered listing is believed when two readings in a row agree; mitodl/ol-data-platform
# measured one wrong reading in six.
_MOST_READINGS = 6


def jobs_by_end(
    since: datetime, limit: int, fetch: Callable[[datetime, int], Sequence[Job]]
) -> Iterator[Job]:
    """All jobs that `fetch(since, offset)` pages through, each once, in the order of their end.

    A page is fetched only when its first job is asked for.

    Every page starts at the end of the last job seen, not at a row number, so a row that moves
    while we read can be repeated but not missed. Row numbers serve only inside one second that
    fills a whole page (Airbyte prints whole seconds).
    """
    seen: set[int] = set()
    offset = 0
    while True:
        page = fetch(since, offset)
        for job in page:
            if job.id not in seen:
                seen.add(job.id)
                yield job
        if len(page) < limit:
            return
        last = max((job.updated_at for job in page if job.updated_at), default=since)
        moved = last > since
        offset = 0 if moved else offset + len(page)
        since = max(last, since)


def rows_by_offset(limit: int, fetch: Callable[[int], Sequence[Item]]) -> dict[str, Item]:
    """All rows of an offset-paged list, by id."""
    rows: dict[str, Item] = {}
    for offset in range(0, 1_000_000, limit):
        page = fetch(offset)
        rows.update((row.id, row) for row in page)
        if len(page) < limit:
            break
    return rows


def rows_of_unordered(limit: int, fetch: Callable[[int], Sequence[Item]]) -> dict[str, Item]:
    """All rows of a list that Airbyte pages without an order (public connections, destinations).

    One page is complete by itself. Longer lists are read, and added up, until a reading brings no
    new row.
    """
    rows = rows_by_offset(limit, fetch)
    if len(rows) < limit:
        return rows
    for _ in range(_MOST_READINGS - 1):
        again = rows_by_offset(limit, fetch)
        if again.keys() <= rows.keys():
            break
        rows |= again
    return rows
