"""How many syncs may run at once (`max_running`), and how a run writes down that others wait."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync.assets.queue import times
from dagster_airbyte_sync.assets.queue.queue_name import QueueName
from dagster_airbyte_sync.assets.queue.reading import waits_of
from dagster_airbyte_sync.assets.queue.standing import queue_of
from dagster_airbyte_sync.assets.queue.start_runs import last_asked, read_starts
from dagster_airbyte_sync.assets.queue.times import CLOCKS, utc
from dagster_airbyte_sync.assets.queue.wait import Wait
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table, connection_name
from dagster_airbyte_sync.resources import AirbyteSettingsError

DEFAULT_WAIT_LIMIT = timedelta(days=1)
_WHO_STARTS = (
    "Now waiting: %s. The sensor of build_airbyte_queue_sensor starts them as places become free:"
    " it must be in the definitions, and on."
)
_NOBODY_STARTS = (
    "Syncs that have waited for hours: %d, the first since %s, and no run was requested since then"
    " to start any. The sensor of build_airbyte_queue_sensor does that: make sure that it is in the"
    " definitions, and on. If it is, other jobs take all places in Airbyte."
)
# So long (seconds) the places may all be taken before that is worth a warning.
_LONG = 6 * 3600.0
# So far back the queue is read where its sensor has no memory.
LONGEST_WAIT = timedelta(days=7)


@dataclass(frozen=True)
class Places:
    """A sync starts only while fewer than `count` connections of the workspace are busy; it waits
    for that as long as `limit`."""

    count: int
    limit: timedelta = DEFAULT_WAIT_LIMIT

    @classmethod
    def of(
        cls, max_running: int | None, wait_limit: timedelta = DEFAULT_WAIT_LIMIT
    ) -> "Places | None":
        """None for as many as one likes. Raises AirbyteSettingsError."""
        if max_running is None:
            return None
        if type(max_running) is not int or max_running < 1:
            raise AirbyteSettingsError(
                f"max_running is {max_running!r}: give the number of syncs that may run at once, 1"
                " or more, or leave it out."
            )
        if not isinstance(wait_limit, timedelta) or not timedelta(0) < wait_limit <= LONGEST_WAIT:
            raise AirbyteSettingsError(
                f"wait_limit is {wait_limit!r}: give a time of up to {LONGEST_WAIT.days} days, such"
                " as timedelta(hours=6)."
            )
        return cls(max_running, wait_limit)

    @property
    def tags(self) -> dict[str, str]:
        """Of a job: by these the queue's sensor finds its runs."""
        return {keys.QUEUE_TAG: keys.QUEUE_WAITS, keys.MAX_RUNNING: str(self.count)}


def write_down(
    context: dg.OpExecutionContext,
    queue_name: QueueName,
    groups: Mapping[str, Sequence[Table]],
    places: Places,
) -> None:
    """Say of each connection that its sync waits, unless it waits already or is about to start."""
    waits = [wait_of(group, queue_name, places) for group in groups.values()]
    now = times.now_seconds()
    ours = [
        each
        for each in waits_of(context.instance, [each.table for each in waits])
        if each.is_in(queue_name, lambda job: job == context.job_name)
    ]
    _warn_of_no_sensor(context, queue_name, ours, now)
    # What no sensor starts any more must not be in the way of what one does.
    known = [each for each in ours if each.until > now]
    since = min((each.since for each in known), default=now)
    starts = read_starts(context.instance, queue_name, utc(since) - CLOCKS, known, now)
    queue = queue_of(known, [each for each in starts if not each.is_foreign], now)
    written = 0
    for wait in waits:
        if earlier := queue.waiting.get(wait.connection_id):
            first = earlier[0]
            context.log.info("Skipped %s: it already %s, since %s", wait, first.words, _when(first))
        elif starting := queue.coming.get(wait.connection_id):
            context.log.info("Skipped %s: run %s is about to start it", wait, starting)
        else:
            context.log_event(wait.to_observation())
            context.log.info("%s %s", wait, wait.words)
            written += 1
    if written:
        context.log.info(_WHO_STARTS, written)


def wait_of(tables: Sequence[Table], queue: QueueName, places: Places) -> Wait:
    """What is to be written down of a connection, on the table on which starts are claimed."""
    last = tables[-1]
    name, limit = connection_name(last), places.limit.total_seconds()
    return Wait(last.connection_id, name, queue, last.key, places.count, limit)


def left_alone(waits: Iterable[Wait], asked_at: float | None, now: float) -> list[Wait]:
    """The last of each connection that began to wait after a run was asked for (`asked_at`), and
    long ago, the oldest first. Pure."""
    last = {each.connection_id: each for each in sorted(waits, key=lambda each: each.since)}
    since = now - LONGEST_WAIT.total_seconds()
    if asked_at is not None:
        # A run that was there by then may have come to it.
        since = max(since, asked_at + CLOCKS.total_seconds())
    until = {each: wait.since + min(wait.limit, _LONG) for each, wait in last.items()}
    return [wait for each, wait in last.items() if wait.since > since and until[each] <= now]


def _warn_of_no_sensor(
    context: dg.OpExecutionContext, queue_name: QueueName, waits: Sequence[Wait], now: float
) -> None:
    """Runs that only write down succeed, also if there is no sensor that reads it."""
    if not left_alone(waits, None, now):
        return
    if left := left_alone(waits, last_asked(context.instance, queue_name), now):
        first = min(left, key=lambda each: each.since)
        context.log.warning(_NOBODY_STARTS, len(left), _when(first))


def _when(wait: Wait) -> str:
    return f"{utc(wait.since):%Y-%m-%d %H:%M} UTC, in run {wait.run_id}"
