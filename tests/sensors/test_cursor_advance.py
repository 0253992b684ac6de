"""Where the cursor goes after a tick. Plain records only."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dagster_airbyte_sync import Job
from dagster_airbyte_sync.sensors import cursor_advance
from dagster_airbyte_sync.sensors.cursor.cursor import OVERLAP, Cursor
from dagster_airbyte_sync.sensors.cursor.pending import JobKey, Pending, Reason, end_of, job_key
from dagster_airbyte_sync.sensors.cursor_advance import move
from dagster_airbyte_sync.sensors.decision import Decision
from dagster_airbyte_sync.sensors.reading.scan import Scan
from helpers.finished_jobs import NOON, job

SHOP = frozenset({"shop"})


def moved(
    jobs: Sequence[Job],
    waits: Sequence[Job] = (),
    left: Sequence[Job] = (),
    *,
    unreadable: frozenset[str] = frozenset(),
    graced: frozenset[JobKey] = frozenset(),
    complete: bool = True,
    now: int = 1000,
    server_time: datetime = NOON + timedelta(hours=2),
    **before: object,
) -> Cursor:
    cursor = replace(
        Cursor("w", begin=NOON - timedelta(days=1), since=NOON, floor=NOON - OVERLAP),
        **before,  # type: ignore[arg-type]
    )
    new = tuple(job for job in jobs if job.connection_id not in cursor.parked)
    decision = Decision((), tuple(waits), tuple(left), unreadable, graced)
    return move(cursor, Scan(tuple(jobs), new, complete), decision, now, server_time)


def waiting(job: Job, since: int = 400, reason: Reason = Reason.RUN) -> dict[str, Pending]:
    return {job.connection_id: Pending(job_key(job), end_of(job), since, reason)}


def parked(job: Job) -> dict[str, Pending]:
    return waiting(job, reason=Reason.UNREADABLE)


def done(*jobs: Job) -> frozenset[JobKey]:
    return frozenset(map(job_key, jobs))


def test_the_cursor_moves_to_the_end_of_the_last_job_read() -> None:
    after = moved([job(1, 1), job(2, 20)])

    assert after.since == NOON + timedelta(minutes=20)
    assert after.done == done(job(2, 20)), "what lies before the overlap need not be remembered"


def test_what_lies_within_the_overlap_is_remembered() -> None:
    assert moved([job(1, 17), job(2, 20)]).done == done(job(1, 17), job(2, 20))


def test_a_job_that_waits_is_read_again_while_the_cursor_goes_on() -> None:
    jobs = [job(1, 1), job(2, 10), job(3, 30, "crm")]

    after = moved(jobs, waits=[jobs[1]])

    assert after.since == NOON + timedelta(minutes=30)
    assert after.pending == waiting(jobs[1], since=1000)
    assert after.read_from == NOON + timedelta(minutes=10)
    assert [after.knows(each) for each in jobs] == [True, False, True]


def test_a_job_keeps_the_time_since_when_it_waits() -> None:
    late = job(2, 10)

    assert moved([late], waits=[late], pending=waiting(late)).pending == waiting(late, since=400)


def test_another_job_with_the_number_of_one_that_waits_begins_to_wait_itself() -> None:
    """Airbyte was restored, and gives numbers again."""
    again = job(2, 50)

    after = moved([again], waits=[again], pending=waiting(job(2, 10)))

    assert after.pending == waiting(again, since=1000)


def test_the_grace_of_a_run_begins_when_it_is_seen_to_be_over() -> None:
    waits = job(1, 1)

    first = moved([waits], [waits], graced=done(waits), pending=waiting(waits))
    later = moved([waits], [waits], graced=done(waits), pending=first.pending, now=1030)

    assert first.pending == waiting(waits, since=1000, reason=Reason.GRACE)
    assert later.pending == first.pending


def test_what_is_left_for_the_next_tick_stops_the_cursor_before_it() -> None:
    jobs = [job(1, 1), job(2, 10), job(3, 30)]

    after = moved(jobs, left=jobs[1:])

    assert after.since == NOON + timedelta(minutes=1)
    assert [after.knows(each) for each in jobs] == [True, False, False]


def test_a_waiting_job_that_was_not_come_to_still_waits() -> None:
    jobs = [job(1, 1), job(2, 10)]
    since = NOON + timedelta(minutes=60)

    after = moved(jobs, left=[jobs[1]], pending=waiting(jobs[1]), since=since)

    assert after.pending == waiting(jobs[1])
    assert not after.knows(jobs[1])


def test_a_waiting_job_that_was_not_even_read_again_still_waits() -> None:
    since, waits = NOON + timedelta(minutes=60), job(2, 10)

    cut = moved([job(1, 1)], complete=False, pending=waiting(waits), since=since)
    gone = moved([job(1, 1)], complete=True, pending=waiting(waits), since=since)

    assert cut.pending == waiting(waits)
    assert gone.pending == {}, "Airbyte has pruned it"


def test_of_many_that_wait_on_one_connection_the_first_stands_for_all() -> None:
    jobs = [job(number, number) for number in range(1, 1000)]
    other = job(1000, 1000, "crm")

    after = moved([*jobs, other], waits=jobs, server_time=NOON + timedelta(days=1))

    assert after.pending == waiting(jobs[0], since=1000)
    assert not any(map(after.knows, jobs))
    assert after.knows(other)


def test_what_comes_next_on_a_connection_begins_to_wait_when_the_first_is_reported() -> None:
    jobs = [job(1, 1), job(2, 2), job(3, 3)]

    after = moved(jobs, waits=jobs[1:], pending=waiting(jobs[0]))

    assert after.pending == waiting(jobs[1], since=1000)


def test_what_waited_behind_a_reported_one_and_was_not_read_again_is_not_taken_for_done() -> None:
    first, unread = job(1, 1), job(2, 30)

    after = moved([first], complete=False, pending=waiting(first), since=NOON + timedelta(days=1))

    assert after.knows(first)
    assert not after.knows(unread)


def test_a_backlog_of_a_connection_that_waited_is_read_on_from_where_the_scan_was_cut() -> None:
    """Or each tick would read all of it again."""
    jobs = [job(number, number) for number in range(1, 10)]
    day = NOON + timedelta(days=1)

    after = moved(jobs, complete=False, pending=waiting(jobs[0]), since=day, floor=day - OVERLAP)

    assert after.read_from == end_of(jobs[-1])
    assert after.knows(jobs[-1])


def test_a_connection_without_jobs_does_not_have_a_cut_scan_begin_at_the_same_place_again() -> None:
    """All it had up to the last job read is read; more may have ended with that one."""
    jobs, day = [job(1, 1), job(2, 60)], NOON + timedelta(days=1)
    other = waiting(job(3, 0, "crm"))

    after = moved(jobs, complete=False, pending=other, since=day, floor=day, server_time=day)

    assert after.read_from == end_of(jobs[-1])
    assert not after.knows(job(4, 60, "crm"))
    assert after.knows(job(4, 59, "crm"))


def test_nor_does_a_burst_of_the_past_that_is_longer_than_a_tick() -> None:
    """Minutes are read again only where a job may still be committed."""
    past, day = [job(1, 1), job(2, 3)], NOON + timedelta(days=1)

    after = moved(past, complete=False, since=day, floor=NOON, server_time=day)

    assert after.read_from == end_of(past[-1])


def test_nor_does_it_hide_what_is_committed_late() -> None:
    jobs, now = [job(1, 1), job(2, 60)], NOON + timedelta(minutes=62)
    other = waiting(job(3, 0, "crm"))

    after = moved(jobs, complete=False, pending=other, since=now, floor=now, server_time=now)

    assert not after.knows(job(4, 58, "crm"))
    assert after.knows(job(4, 56, "crm"))


@pytest.mark.parametrize("complete", [True, False])
def test_a_tick_that_is_cut_far_behind_takes_nothing_for_done_that_it_did_not_read(
    complete: bool,
) -> None:
    """As after an upgrade: an earlier cursor is read again from the first job that waited."""
    read, left, unread = job(1, 1), job(2, 20), job(3, 40)

    after = moved(
        [read, left] if complete else [read],
        left=[left] if complete else [],
        complete=complete,
        since=NOON + timedelta(days=1),
    )

    assert after.knows(read)
    assert not after.knows(left)
    assert not after.knows(unread)


def test_what_is_done_behind_one_that_waits_stays_known_as_done() -> None:
    waits, past = job(1, 1), job(2, 2)
    since = NOON + timedelta(days=1)

    after = moved([waits, past], [waits], pending=waiting(waits), done=done(past), since=since)

    assert after.knows(past)


def test_what_waited_and_was_forgotten_by_airbyte_takes_nothing_along() -> None:
    gone, later = job(1, 1), job(2, 2)

    after = moved([later], [later], pending=waiting(gone), since=NOON + timedelta(days=1))

    assert after.pending == waiting(later, since=1000)


def test_more_connections_than_fit_a_cursor_are_read_again_from_the_first_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cursor_advance, "MOST_PENDING", 2)
    jobs = [job(number, number, f"c{number}") for number in range(1, 5)]

    after = moved(jobs, waits=jobs, since=NOON + timedelta(days=1))

    assert list(after.pending) == ["c1", "c2"]
    assert after.floor == end_of(jobs[2])
    assert not any(map(after.knows, jobs))


def test_a_connection_that_cannot_be_read_is_parked_and_not_read_again_meanwhile() -> None:
    jobs = [job(1, 1), job(2, 10), job(3, 30, "crm")]

    after = moved(jobs, waits=jobs[:2], unreadable=SHOP)

    assert after.parked == SHOP
    assert after.read_from > NOON + timedelta(minutes=20)


def test_what_a_parked_connection_syncs_meanwhile_is_not_taken_for_done() -> None:
    later = job(2, 10)

    after = moved([later], pending=parked(job(1, 1)))

    assert (after.pending, after.done) == (parked(job(1, 1)), frozenset())
    assert after.since == later.ended_at


def test_a_parked_connection_stays_so_when_a_scan_is_cut() -> None:
    after = moved([job(2, 10)], complete=False, pending=parked(job(1, 1)))

    assert after.pending == parked(job(1, 1))


def test_a_job_committed_late_before_its_place_becomes_the_place_of_a_parked_connection() -> None:
    late, second = job(1, 1), job(2, 2)

    after = moved([late, second], pending=parked(second))

    assert after.pending["shop"].ended_at == late.ended_at
    assert after.parked == SHOP
    assert not after.knows(late)


def test_what_was_done_before_its_place_does_not_become_the_place_of_a_parked_connection() -> None:
    past, second = job(1, 1), job(2, 2)

    after = moved([past, second], pending=parked(second), done=done(past))

    assert after.pending == parked(second)


def test_the_cursor_never_goes_back_for_a_late_commit() -> None:
    assert moved([job(1, -3)]).since == NOON


def test_it_goes_back_with_airbytes_clock_but_not_for_servers_that_differ_a_little() -> None:
    differs, set_back = NOON - timedelta(seconds=90), NOON - timedelta(minutes=30)

    assert moved([], server_time=differs).since == NOON
    assert moved([], server_time=set_back).since == set_back


def test_it_goes_back_as_far_as_airbytes_clock_though_nobody_looked_for_hours() -> None:
    """Jobs that ended after the clock was set back have ends that were read already."""
    hour = timedelta(hours=1)
    skew = int(NOON.timestamp()) - 1000 + 3600

    after = moved([], skew=skew, server_time=NOON, since=NOON - hour)

    assert after.since == NOON - 2 * hour
    assert after.begin == NOON - timedelta(days=1) - hour
    assert moved([], skew=skew - 3540, server_time=NOON, since=NOON - hour).since == NOON - hour


def test_what_was_only_passed_over_is_not_done_once_the_clock_was_set_back() -> None:
    """It was read for the sake of one that waits, and ended before a floor of the other clock."""
    first, second = job(1, -60), job(3, -30, "crm")
    cursor = Cursor(
        "w",
        begin=NOON - timedelta(days=1),
        since=NOON,
        floor=NOON - OVERLAP,
        pending=waiting(first),
        skew=0,
    )
    scan = Scan((first, second), (first,), complete=True)
    at = int(NOON.timestamp())

    after = move(cursor, scan, Decision(waiting=(first,)), at, NOON - timedelta(hours=1))

    assert not after.knows(second)


def test_a_first_tick_by_a_clock_that_was_ahead_begins_in_the_past_once_it_is_right() -> None:
    ahead = NOON + timedelta(minutes=50)

    after = moved([], begin=ahead, since=ahead, floor=ahead, resumed_at=NOON, server_time=NOON)

    assert after.begin <= NOON
    assert after.read_from <= NOON


def test_an_idle_tick_reads_the_last_minutes_again_for_as_long_as_commits_are_late() -> None:
    at_once = moved([job(1, 20)], server_time=NOON + timedelta(minutes=20))

    soon = at_rest(at_once, minutes=23)
    later = at_rest(soon, minutes=26)

    assert at_once.read_from == NOON + timedelta(minutes=15)
    assert soon.read_from == NOON + timedelta(minutes=18)
    assert later.read_from == NOON + timedelta(minutes=20, seconds=1)
    assert (soon.done, later.done) == (done(job(1, 20)), frozenset())


def at_rest(cursor: Cursor, minutes: int) -> Cursor:
    read = tuple(each for each in [job(1, 20)] if end_of(each) >= cursor.read_from)
    scan = Scan(read, (), complete=True)
    return move(cursor, scan, Decision(), 1000, NOON + timedelta(minutes=minutes))


def test_an_end_in_the_future_does_not_draw_the_cursor_along() -> None:
    after = moved([job(1, 90)], server_time=NOON + timedelta(minutes=1))

    assert after.since == NOON
    assert after.knows(job(1, 90))


def test_a_scan_cut_short_forgets_nothing_it_did_not_read_again() -> None:
    read, others = job(1, 1), (job(7, 0), job(8, 0))

    assert moved([read], complete=False, done=done(*others)).done == done(read, *others)
    assert moved([read], complete=True, done=done(*others)).done == done(read)


def test_the_overlap_is_minutes_because_commits_are_late_by_minutes() -> None:
    assert timedelta(minutes=2) <= OVERLAP <= timedelta(minutes=30)
