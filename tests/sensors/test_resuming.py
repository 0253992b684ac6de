"""Which jobs a sensor without a cursor passes over. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from dagster_airbyte_sync.resources import Job, JobStatus, JobType
from dagster_airbyte_sync.sensors.cursor.resuming import Resuming

NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def job(minute: int, connection: str = "shop") -> Job:
    """A job that ended so many minutes after noon."""
    return Job(minute, connection, JobType.SYNC, JobStatus.SUCCEEDED, updated_at=at(minute))


def resuming(ends: Mapping[str, Sequence[datetime]]) -> Resuming:
    return Resuming(begin=at(30), resumed_at=at(40), read_ends=lambda: ends)


def test_each_connection_begins_where_its_last_report_ended() -> None:
    passes = resuming({"shop": [at(2), at(3)]}).passes
    assert [passes(job(minute)) for minute in (1, 2, 3, 4)] == [True, True, False, False]


def test_a_connection_that_was_never_reported_begins_at_start_from() -> None:
    passes = resuming({"shop": [at(3)]}).passes
    assert [passes(job(minute, "crm")) for minute in (5, 29, 30, 35)] == [True, True, False, False]


def test_a_newer_report_by_a_run_hides_nothing_that_ended_before() -> None:
    assert not resuming({"shop": [at(60)]}).passes(job(4))
    assert resuming({"shop": [at(10), at(60)]}).passes(job(4))


def test_nothing_is_looked_up_for_what_ended_since_start_from() -> None:
    def never() -> Mapping[str, Sequence[datetime]]:
        raise AssertionError("an idle tick must not ask")

    assert not Resuming(at(30), at(40), never).passes(job(31))
