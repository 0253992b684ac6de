"""When a connection is late: no sync of it has ended for longer than its schedule allows. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dagster_airbyte_sync.resources.records.catalog import SyncSchedule
from dagster_airbyte_sync.resources.schedules.schedule_times import longest_gap

# A sync begins in Airbyte's own time, takes some, and is reported by a sensor that ticks twice a
# minute. One that takes longer than the interval delays the next: 15 minutes are still usual.
_LEAST_MARGIN, _MOST_MARGIN = timedelta(minutes=20), timedelta(days=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Lateness:
    """A connection is late: `limit` is how long it may take from one sync's end to the next's.

    `since` is when the last one ended, or if it `never_synced`, when the connection was created;
    `by` is for how long it is late.
    """

    since: datetime
    limit: timedelta
    by: timedelta
    never_synced: bool = False


def is_late(
    schedule: SyncSchedule,
    last_sync_end: datetime | None,
    created_at: datetime | None,
    now: datetime,
) -> Lateness | None:
    """How late a connection is by its schedule; None if it is not, or if that cannot be known.

    All times are of one clock. A connection that is synced by hand is never late.
    """
    return lateness(longest_wait(schedule), last_sync_end, created_at, now)


def lateness(
    limit: timedelta | None,
    last_sync_end: datetime | None,
    created_at: datetime | None,
    now: datetime,
) -> Lateness | None:
    """The same by a limit of one's own. One that has never synced may take so long from its
    creation on."""
    since = last_sync_end or created_at
    if limit is None or since is None or now - since <= limit:
        return None
    return Lateness(since, limit, now - since - limit, never_synced=last_sync_end is None)


def longest_wait(schedule: SyncSchedule, margin: timedelta | None = None) -> timedelta | None:
    """How long it may take from one sync's end to the next's: the longest time between two syncs of
    the schedule, and a margin.

    None for a manual schedule, and for one that cannot be read.
    """
    gap = longest_gap(schedule)
    return None if gap is None else gap + (usual_margin(gap) if margin is None else margin)


def usual_margin(gap: timedelta) -> timedelta:
    """As long as the gap where that is short, at most half of it where it is long: 20 minutes up to
    that, half an hour for as much, 1 hour for 1 or 2, 12 for a day, and never more than a day."""
    return min(max(gap / 2, min(gap, _HOUR), _LEAST_MARGIN), _MOST_MARGIN)
