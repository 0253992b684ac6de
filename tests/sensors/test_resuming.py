"""Which jobs a sensor without a cursor passes over. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

import pytest

from dagster_airbyte_sync.resources import Job, JobRef, JobStatus, JobType
from dagster_airbyte_sync.sensors.cursor.resuming import LastEnd, Resuming, unreported_from

NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def job(minute: int, connection: str = "shop") -> Job:
    """A job that ended so many minutes after noon."""
    return Job(minute, connection, JobType.SYNC, JobStatus.SUCCEEDED, updated_at=at(minute))


def end(minute: int) -> LastEnd:
    return LastEnd(at(minute), job(minute).ref)


def by_run(minute: int) -> LastEnd:
    return LastEnd(at(minute), job(minute).ref, run_stored_at=at(minute).timestamp())


def resuming(ends: Mapping[str, Sequence[LastEnd]]) -> Resuming:
    return Resuming(at(30), at(20), at(40), at(40).timestamp(), lambda: ends)


def test_each_connection_begins_where_its_last_report_ended() -> None:
    passes = resuming({"shop": [end(2), end(3)]}).passes
    assert [passes(job(minute)) for minute in (1, 2, 3, 4)] == [True, True, False, False]


def test_a_connection_that_was_never_reported_begins_where_sensors_were_there() -> None:
    passes = resuming({"shop": [end(3)]}).passes
    assert [passes(job(minute, "crm")) for minute in (5, 19, 20, 35)] == [True, True, False, False]


HOUR = 60


@pytest.mark.parametrize(
    ("ends", "earliest", "since"),
    [
        # Nobody was there: as on a first tick.
        ([], at(0), 5 * HOUR),
        ([by_run(HOUR), LastEnd(at(HOUR))], at(0), 5 * HOUR),
        # An hour before the newest, if somebody had reported something by then.
        ([end(10), end(3 * HOUR), by_run(4 * HOUR)], None, 2 * HOUR),
        ([end(3 * HOUR)], at(0), 2 * HOUR),
        # Or from the first report on.
        ([end(2 * HOUR + 30), end(3 * HOUR)], None, 2 * HOUR + 30),
        ([end(2 * HOUR + 30), end(3 * HOUR)], at(2 * HOUR + 10), 2 * HOUR + 10),
        # What a sensor without a history reports anyway.
        ([end(6 * HOUR + 10)], at(0), 5 * HOUR),
    ],
)
def test_sensors_that_reported_others_would_have_reported_it_an_hour_later_at_most(
    ends: list[LastEnd], earliest: datetime | None, since: int
) -> None:
    assert unreported_from(at(5 * HOUR), ends, lambda: earliest) == at(since)


def test_a_newer_report_by_a_run_hides_nothing_that_ended_before() -> None:
    assert not resuming({"shop": [end(60)]}).passes(job(4))
    assert resuming({"shop": [end(10), end(60)]}).passes(job(4))


def test_nor_does_one_that_seems_to_be_older_because_airbytes_clock_was_set_back() -> None:
    by_run = LastEnd(at(20), job(20).ref, run_stored_at=at(45).timestamp())
    before = LastEnd(at(20), job(20).ref, run_stored_at=at(35).timestamp())

    assert not resuming({"shop": [by_run]}).passes(job(4))
    assert resuming({"shop": [before]}).passes(job(4))


def test_nothing_is_looked_up_for_what_ended_since_start_from() -> None:
    def never() -> Mapping[str, Sequence[LastEnd]]:
        raise AssertionError("an idle tick must not ask")

    assert not Resuming(at(30), at(20), at(40), at(40).timestamp(), never).passes(job(31))


def test_of_jobs_of_one_second_those_before_the_last_reported_are_passed_over() -> None:
    fifth = LastEnd(at(3), JobRef(5, ended_at=at(3)))
    same_second = [
        Job(n, "shop", JobType.SYNC, JobStatus.SUCCEEDED, updated_at=at(3)) for n in (4, 5, 6)
    ]

    assert [*map(resuming({"shop": [fifth]}).passes, same_second)] == [True, False, False]


def test_where_a_report_names_no_job_its_second_is_not_passed_over() -> None:
    passes = resuming({"shop": [LastEnd(at(3))]}).passes
    assert [passes(job(minute)) for minute in (2, 3)] == [True, False]


def test_while_tables_lag_behind_no_job_is_passed_over_that_one_of_them_lacks() -> None:
    """The process died within the sixth job; all of them ended in one second."""
    last = [LastEnd(at(3), JobRef(number, ended_at=at(3))) for number in (5, 6)]
    fifth = Job(5, "shop", JobType.SYNC, JobStatus.SUCCEEDED, updated_at=at(3))

    assert not resuming({"shop": last}).passes(fifth)
