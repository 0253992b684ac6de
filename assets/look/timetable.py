"""Since when Airbyte syncs a connection by its schedule of today. Pure.

A connection that was paused until now, or synced less often, missed no sync before that.
"""

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import NamedTuple

from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation
from dagster_airbyte_sync.resources import Connection
from dagster_airbyte_sync.resources.schedules.schedule_words import schedule_words

_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Each key begins with it: one of another form cannot be compared with.
_FORM = "1 "


class Timetable(NamedTuple):
    """When Airbyte syncs a connection by itself, in words, or why it does not; and since when, as
    far as it was seen to begin (Airbyte's clock). Its `key` tells it from others, whatever the
    words for it are in another version of this package."""

    words: str
    key: str
    since: datetime | None = None


def timetable_of(
    connection: Connection | None, before: Iterable[LastEvaluation], now: datetime
) -> Timetable:
    """That of a connection as Airbyte had it at `now`; `before` are the last evaluations of its
    tables' `airbyte_connection`."""
    words, key, last = _words(connection), _key(connection), _last(before)
    if last is not None and is_other(key, last):
        return Timetable(words, key, now)
    return Timetable(words, key, last.scheduled_since if last else None)


def is_other(key: str, last: LastEvaluation) -> bool:
    """Whether the timetable is another by now; what cannot be compared counts as the same."""
    return _is_known(last) and last.timetable != key


def scheduled_since(
    connection: Connection, evaluations: Iterable[LastEvaluation]
) -> datetime | None:
    """Since when the connection is synced by the schedule it has, if its checks saw that begin."""
    last = _last(evaluations)
    return last.scheduled_since if last and not is_other(_key(connection), last) else None


def _last(evaluations: Iterable[LastEvaluation]) -> LastEvaluation | None:
    """If a change was not stored for all tables yet, those that have it know better."""
    return max(
        evaluations,
        key=lambda each: (_is_known(each), each.scheduled_since or _LONG_AGO),
        default=None,
    )


def _is_known(last: LastEvaluation) -> bool:
    return last.timetable.startswith(_FORM)


def _words(connection: Connection | None) -> str:
    if connection is None:
        return "deleted"
    return schedule_words(connection.schedule) if connection.is_active else connection.status


def _key(connection: Connection | None) -> str:
    """The same by each of Airbyte's APIs."""
    if connection is None or not connection.is_active:
        return _FORM + _words(connection)
    schedule = connection.schedule
    parts: list[str | int | None] = [schedule.kind]
    if schedule.kind == "cron":
        parts += schedule.cron_expression, schedule.cron_timezone or "UTC"
    if schedule.kind == "basic":
        parts += schedule.units, schedule.time_unit
    return _FORM + " ".join(map(str, parts))
