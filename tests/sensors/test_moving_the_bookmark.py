"""The pure core: what is told, what waits, and where the bookmark goes. Plain records only."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync import Job, JobStatus, JobType, StreamId
from dagster_airbyte_sync.assets import Ledger, Table
from dagster_airbyte_sync.assets.ledger import LastTold
from dagster_airbyte_sync.sensors.bookmark import MOST_APART, OVERLAP, Bookmark, Place
from dagster_airbyte_sync.sensors.decide import Decision, Known, decide
from dagster_airbyte_sync.sensors.moving import move
from dagster_airbyte_sync.sensors.promises import Promise
from dagster_airbyte_sync.sensors.scan import Scan

NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)
SHOP = Table("shop", StreamId("orders"), dg.AssetSpec("orders"))
CRM = Table("crm", StreamId("leads"), dg.AssetSpec("leads"))


def job(job_id: int, minute: int, connection: str = "shop") -> Job:
    return Job(
        id=job_id,
        connection_id=connection,
        type=JobType.SYNC,
        status=JobStatus.SUCCEEDED,
        created_at=NOON,
        updated_at=NOON + timedelta(minutes=minute),
    )


def known(*promises: Promise, held: dict[int, int] | None = None, now: int = 1000) -> Known:
    return Known(
        tables={"shop": [SHOP], "crm": [CRM]},
        promises=promises,
        ledger=Ledger({}),
        started_by={},
        checked=frozenset(),
        held=held or {},
        now=now,
        hold_limit=600,
        job_url=lambda job: f"https://airbyte.example/{job.id}",
    )


def following(declared: int | None) -> Promise:
    return Promise("run", {SHOP.key: declared})


def told(decision: Decision) -> list[int]:
    return [sync.sync.job.id for sync in decision.told]


def waiting(decision: Decision) -> list[int]:
    return [waits.id for waits in decision.waiting]


def test_a_job_a_live_run_follows_waits_and_so_do_the_later_ones_of_its_connection() -> None:
    jobs = [job(1, 1), job(2, 2), job(3, 3), job(4, 3, "crm")]

    decision = decide(jobs, known(following(2)))

    assert (told(decision), waiting(decision)) == ([1, 4], [2, 3])


def test_a_failed_job_behind_one_that_waits_waits_too() -> None:
    failed = replace(job(3, 3), status=JobStatus.FAILED)

    decision = decide([job(2, 2), failed], known(following(2)))

    assert waiting(decision) == [2, 3]


def test_a_run_that_has_not_started_its_sync_yet_holds_every_job_of_its_connection() -> None:
    assert waiting(decide([job(1, 1)], known(following(None)))) == [1]


def test_after_the_limit_a_job_is_told_and_the_run_it_was_taken_from_is_named() -> None:
    decision = decide([job(2, 2)], known(following(2), held={2: 300}, now=1000))

    assert told(decision) == [2]
    assert decision.told[0].taken_from == "run"


def test_a_tick_stops_at_the_first_job_after_enough_events() -> None:
    jobs = [job(number, number) for number in range(1, 6)]

    decision = decide(jobs, replace(known(), most_events=2))

    assert told(decision) == [1, 2]
    assert [left.id for left in decision.left] == [3, 4, 5]


def test_a_run_whose_job_is_told_holds_nothing_more() -> None:
    told_two = Ledger({SHOP.key: LastTold(2, 2, "2", "run")})

    decision = decide([job(3, 3)], replace(known(following(2)), ledger=told_two))

    assert told(decision) == [3]


def test_a_failure_is_not_told_after_a_newer_success() -> None:
    failed = replace(job(1, 1), status=JobStatus.FAILED)
    told_two = Ledger({SHOP.key: LastTold(2, 2, "2", "")})

    decision = decide([failed], replace(known(), ledger=told_two, checked=frozenset({SHOP.key})))

    assert told(decision) == []


def test_the_check_of_a_sync_that_a_run_told_is_told_by_the_sensor() -> None:
    by_run = Ledger({SHOP.key: LastTold(2, 2, "2", "run")})
    found = replace(known(), ledger=by_run, checked=frozenset({SHOP.key}), started_by={2: "run"})

    (sync,) = decide([job(2, 2)], found).told

    assert [type(event) for event in sync.events] == [dg.AssetCheckEvaluation]
    assert not sync.makes_fresh


def test_the_jobs_of_a_connection_that_cannot_be_read_wait() -> None:
    found = replace(known(), tables={"shop": [], "crm": [CRM]}, unreadable=frozenset({"shop"}))

    decision = decide([job(1, 1), job(2, 2, "crm")], found)

    assert (told(decision), waiting(decision)) == ([2], [1])


def test_a_job_without_tables_here_is_neither_told_nor_waits() -> None:
    found = replace(known(), tables={"stranger": []})

    decision = decide([job(1, 1, "stranger")], found)

    assert (told(decision), waiting(decision)) == ([], [])


def moved(
    jobs: Sequence[Job],
    waits: Sequence[Job] = (),
    left: Sequence[Job] = (),
    *,
    unreadable: frozenset[str] = frozenset(),
    complete: bool = True,
    server_time: datetime = NOON + timedelta(hours=2),
    **before: object,
) -> Bookmark:
    bookmark = replace(
        Bookmark("w", begin=NOON - timedelta(days=1), since=NOON),
        **before,  # type: ignore[arg-type]
    )
    behind = frozenset(job.connection_id for job in jobs if job.id in bookmark.held)
    scan = Scan(tuple(jobs), tuple(jobs), complete, behind=behind)
    decision = Decision((), tuple(waits), tuple(left), unreadable)
    return move(bookmark, scan, decision, now=1000, server_time=server_time)


def test_the_bookmark_moves_to_the_end_of_the_last_job_read() -> None:
    after = moved([job(1, 1), job(2, 20)])

    assert after.since == NOON + timedelta(minutes=20)
    assert after.done == {2}, "what lies before the overlap need not be remembered"


def test_what_lies_within_the_overlap_is_remembered() -> None:
    assert moved([job(1, 17), job(2, 20)]).done == {1, 2}


def test_a_job_that_waits_is_named_and_read_again_while_the_bookmark_goes_on() -> None:
    jobs = [job(1, 1), job(2, 10), job(3, 30, "crm")]

    after = moved(jobs, waits=[jobs[1]])

    assert after.since == NOON + timedelta(minutes=30)
    assert after.held == {2: 1000}
    assert after.read_from == NOON + timedelta(minutes=10)
    assert [after.knows(found) for found in jobs] == [True, False, True]


def test_a_job_keeps_the_time_since_when_it_waits() -> None:
    late = job(2, 10)

    assert moved([late], waits=[late], held={2: 400}).held == {2: 400}


def test_what_is_left_for_the_next_tick_stops_the_bookmark_before_it() -> None:
    jobs = [job(1, 1), job(2, 10), job(3, 30)]

    after = moved(jobs, left=jobs[1:])

    assert after.since == NOON + timedelta(minutes=1)
    assert [after.knows(found) for found in jobs] == [True, False, False]


def test_a_waiting_job_that_was_not_come_to_still_waits() -> None:
    jobs = [job(1, 1), job(2, 10)]

    after = moved(jobs, left=[jobs[1]], held={2: 400}, since=NOON + timedelta(minutes=60))

    assert after.held == {2: 400}
    assert not after.knows(jobs[1])


def test_a_waiting_job_that_was_not_even_read_again_still_waits() -> None:
    since = NOON + timedelta(minutes=60)
    later = NOON + timedelta(minutes=10)

    cut = moved([job(1, 1)], complete=False, held={2: 400}, held_from=later, since=since)
    gone = moved([job(1, 1)], complete=True, held={2: 400}, held_from=later, since=since)

    assert (cut.held, cut.held_from) == ({2: 400}, later)
    assert gone.held == {}, "Airbyte has pruned it"


def test_of_many_that_wait_on_one_connection_the_first_stands_for_all() -> None:
    jobs = [job(number, number) for number in range(1, 1000)]
    other = job(1000, 1000, "crm")

    after = moved([*jobs, other], waits=jobs, server_time=NOON + timedelta(days=1))

    assert after.held == {1: 1000}
    assert not any(after.knows(one, is_behind=one is not jobs[0]) for one in jobs)
    assert after.knows(other)


def test_what_comes_next_on_a_connection_begins_to_wait_when_the_first_is_told() -> None:
    jobs = [job(1, 1), job(2, 2), job(3, 3)]

    after = moved(jobs, waits=jobs[1:], held={1: 400}, held_from=NOON + timedelta(minutes=1))

    assert after.held == {2: 1000}
    assert after.held_from == NOON + timedelta(minutes=2)


def test_what_waited_behind_a_told_one_and_was_not_read_again_is_not_taken_for_done() -> None:
    since = NOON + timedelta(days=1)
    first, unread = job(1, 1), job(2, 30)

    after = moved([first], complete=False, held={1: 400}, held_from=first.ended_at, since=since)

    assert after.held == {1: 400}
    assert after.knows(first)
    assert not after.knows(unread, is_behind=True)


def test_what_is_done_behind_one_that_waits_stays_known_as_done() -> None:
    since = NOON + timedelta(days=1)
    waits, done = job(1, 1), job(2, 2)

    after = moved([waits, done], waits=[waits], held={1: 400}, done=frozenset({2}), since=since)

    assert after.knows(done, is_behind=True)


SHOP_ONLY = frozenset({"shop"})


def test_a_connection_that_cannot_be_read_is_set_apart_and_not_read_again_meanwhile() -> None:
    jobs = [job(1, 1), job(2, 10), job(3, 30, "crm")]

    after = moved(jobs, waits=jobs[:2], unreadable=SHOP_ONLY)

    assert after.apart == {"shop": Place(1, NOON + timedelta(minutes=1))}
    assert (after.held, after.held_from) == ({}, None)
    assert after.read_from > NOON + timedelta(minutes=20)


def test_what_it_syncs_meanwhile_is_not_taken_for_done() -> None:
    later = job(2, 10)
    apart = {"shop": Place(1, NOON + timedelta(minutes=1))}

    after = moved([later], apart=apart, unreadable=SHOP_ONLY)

    assert (after.apart, after.done) == (apart, frozenset())
    assert after.since == later.ended_at


def test_it_is_not_set_apart_while_something_is_done_behind_what_waits() -> None:
    """What is done is named only as long as history is read from before it."""
    late, done = job(2, 1), job(1, 2)

    after = moved([late, done], waits=[late], done=frozenset({1}), unreadable=SHOP_ONLY)

    assert (after.held, after.apart) == ({2: 1000}, {})
    assert after.knows(done, is_behind=True)


def test_it_is_not_set_apart_by_a_scan_that_did_not_come_to_all_that_is_done() -> None:
    waits = job(1, 1)
    cut = {"complete": False, "done": frozenset({7}), "unreadable": SHOP_ONLY}

    assert moved([waits], waits=[waits], **cut).held == {1: 1000}  # type: ignore[arg-type]


def test_a_job_committed_late_before_its_place_becomes_its_place() -> None:
    place, late = Place(2, NOON + timedelta(minutes=2)), job(1, 1)

    after = moved([late, job(2, 2)], apart={"shop": place}, unreadable=SHOP_ONLY)

    assert after.apart == {"shop": Place(1, NOON + timedelta(minutes=1))}


def test_a_job_committed_late_before_what_is_done_waits_with_what_is_done_named() -> None:
    """As if it had never been set apart."""
    place, late, done = Place(3, NOON + timedelta(minutes=3)), job(1, 1), job(2, 2)

    after = moved([late, done], apart={"shop": place}, done=frozenset({2}), unreadable=SHOP_ONLY)

    assert (after.held, after.apart) == ({1: 1000}, {})
    assert after.knows(done, is_behind=True)


def test_more_connections_than_fit_a_cursor_wait_like_any_other() -> None:
    jobs = [job(number, number, f"c{number}") for number in range(1, MOST_APART + 3)]
    unreadable = frozenset(each.connection_id for each in jobs)

    after = moved(jobs, waits=jobs, unreadable=unreadable)

    assert list(after.apart) == [f"c{number}" for number in range(1, MOST_APART + 1)]
    assert list(after.held) == [MOST_APART + 1, MOST_APART + 2]


def test_the_bookmark_never_goes_back_for_a_late_commit() -> None:
    assert moved([job(1, -3)]).since == NOON


def test_it_goes_back_with_airbytes_clock_but_not_for_servers_that_differ_a_little() -> None:
    differs, set_back = NOON - timedelta(seconds=90), NOON - timedelta(minutes=30)

    assert moved([], server_time=differs).since == NOON
    assert moved([], server_time=set_back).since == set_back


def test_an_end_in_the_future_does_not_draw_the_bookmark_along() -> None:
    after = moved([job(1, 90)], server_time=NOON + timedelta(minutes=1))

    assert after.since == NOON + timedelta(minutes=1)
    assert after.knows(job(1, 90))


def test_a_scan_cut_short_forgets_nothing_it_did_not_read_again() -> None:
    assert moved([job(1, 1)], complete=False, done=frozenset({7, 8})).done == {1, 7, 8}
    assert moved([job(1, 1)], complete=True, done=frozenset({7, 8})).done == {1}


def test_the_overlap_is_minutes_because_commits_are_late_by_minutes() -> None:
    assert timedelta(minutes=2) <= OVERLAP <= timedelta(minutes=30)
