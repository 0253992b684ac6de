"""The pure core: what is told, what waits, and where the bookmark goes. Plain records only."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync import Job, JobStatus, JobType, StreamId
from dagster_airbyte_sync.assets import Followers, Ledger, Table
from dagster_airbyte_sync.assets.events.ledger import History, LastReported
from dagster_airbyte_sync.sensors.cursor.cursor import (
    MOST_APART,
    OVERLAP,
    UNKNOWN,
    Cursor,
    Place,
    done_job,
)
from dagster_airbyte_sync.sensors.cursor_advance import move
from dagster_airbyte_sync.sensors.decide import Decision, Limits, TickInputs
from dagster_airbyte_sync.sensors.decide import decide as decide_once
from dagster_airbyte_sync.sensors.live_runs import Claim
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
        created_at=NOON + timedelta(minutes=minute),
        updated_at=NOON + timedelta(minutes=minute),
    )


def known(*claims: Claim, held: dict[int, int] | None = None, now: int = 1000) -> TickInputs:
    return TickInputs(
        tables={"shop": [SHOP], "crm": [CRM]},
        claims=claims,
        ledger=Ledger({}),
        checked=frozenset(),
        held=held or {},
        now=now,
        limits=Limits(hold=600, grace=60),
        job_url=lambda job: f"https://airbyte.example/{job.id}",
    )


def following(declared: int | None) -> Claim:
    return Claim("run", {SHOP.key: None if declared is None else job(declared, declared).ref})


def decide(jobs: Sequence[Job], found: TickInputs) -> Decision:
    """What is decided when all that is asked was looked up, and nothing was there."""
    while not (decision := decide_once(jobs, found)).is_certain:
        histories = {question.table.key: History() for question in decision.questions}
        noted = {question.key: False for question in decision.questions}
        ledger = replace(
            found.ledger,
            history={**histories, **found.ledger.history},
            noted={**noted, **found.ledger.noted},
        )
        followers = {each.id: Followers() for _, each in decision.unfollowed}
        found = replace(found, ledger=ledger, followers={**followers, **found.followers})
    return decision


def told_by(run_id: str) -> LastReported:
    return LastReported(job(2, 2).ref, job(2, 2).ref, "2", run_id)


def told(decision: Decision) -> list[int]:
    return [sync.sync.job.id for sync in decision.reported]


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


def test_what_a_hanging_run_may_hold_is_limited_once_and_not_once_a_job() -> None:
    hangs = Claim("run", {SHOP.key: None}, since={SHOP.key: 300.0})

    assert waiting(decide([job(1, 1)], known(hangs, now=899))) == [1]
    decision = decide([job(1, 1), job(2, 2)], known(hangs, now=900))

    assert (told(decision), waiting(decision)) == ([1, 2], [])
    assert decision.reported[0].taken_from == "run"


def test_a_job_whose_run_is_over_waits_until_its_step_has_had_time_to_look() -> None:
    over = replace(known(), followers={1: Followers(orphan="run")})

    first = decide([job(1, 1)], over)
    within = decide([job(1, 1)], replace(over, held={1: 1000}, graced=frozenset({1}), now=1059))
    after = decide([job(1, 1)], replace(over, held={1: 1000}, graced=frozenset({1}), now=1060))

    assert (waiting(first), first.graced) == ([1], frozenset({1}))
    assert waiting(within) == [1]
    assert (told(after), after.reported[0].taken_from) == ([1], "run")


def test_the_grace_of_a_run_begins_when_it_is_seen_to_be_over() -> None:
    waits = job(1, 1)
    decision = Decision(waiting=(waits,), graced=frozenset({1}))
    bookmark = Cursor("w", NOON, NOON, NOON, held={(1, UNKNOWN): 400}, held_from=NOON)

    after = move(bookmark, Scan((waits,), (waits,), True), decision, 1000, NOON)

    assert (by_number(after), set(after.graced)) == ({1: 1000}, {1})
    assert by_number(move(after, Scan((waits,), (waits,), True), decision, 1030, NOON)) == {1: 1000}


def test_a_job_of_many_tables_is_reported_over_several_ticks_table_by_table() -> None:
    tables = [Table("shop", StreamId(f"t{n}"), dg.AssetSpec(f"t{n}")) for n in range(5)]
    found = replace(
        known(),
        tables={"shop": tables},
        limits=Limits(hold=600, grace=60, events=2),
        ledger=Ledger({}, {tables[0].key: History()}),
    )

    decision = decide([job(1, 1), job(2, 2)], found)

    (part,) = decision.reported
    assert [event.asset_key.to_user_string() for event in part.events] == ["t0", "t1"]
    assert not part.is_whole
    assert [left.id for left in decision.left] == [1, 2]


def test_a_tick_ends_behind_the_table_whose_event_makes_it_too_large_for_the_daemon() -> None:
    decision = decide(
        [job(number, number) for number in range(1, 6)],
        replace(known(), limits=Limits(hold=600, grace=60, bytes=1_500)),
    )

    assert told(decision) == [1]
    assert [left.id for left in decision.left] == [2, 3, 4, 5]


def test_one_event_that_is_larger_than_a_tick_goes_alone_rather_than_never() -> None:
    decision = decide([job(1, 1)], replace(known(), limits=Limits(hold=600, grace=60, bytes=10)))

    assert told(decision) == [1]
    assert decision.reported[0].is_whole


def test_after_the_limit_a_job_is_told_and_the_run_it_was_taken_from_is_named() -> None:
    decision = decide([job(2, 2)], known(following(2), held={2: 300}, now=1000))

    assert told(decision) == [2]
    assert decision.reported[0].taken_from == "run"


def test_a_tick_stops_at_the_first_job_after_enough_events() -> None:
    jobs = [job(number, number) for number in range(1, 6)]

    decision = decide(jobs, replace(known(), limits=Limits(hold=600, grace=60, events=2)))

    assert told(decision) == [1, 2]
    assert [left.id for left in decision.left] == [3, 4, 5]


def test_a_run_whose_job_is_told_holds_nothing_more() -> None:
    told_two = Ledger({SHOP.key: told_by("run")})

    decision = decide([job(3, 3)], replace(known(following(2)), ledger=told_two))

    assert told(decision) == [3]


def test_a_failure_is_not_told_after_a_newer_success() -> None:
    failed = replace(job(1, 1), status=JobStatus.FAILED)
    told_two = Ledger({SHOP.key: told_by("")})

    decision = decide([failed], replace(known(), ledger=told_two, checked=frozenset({SHOP.key})))

    assert told(decision) == []


def test_the_check_of_a_sync_that_a_run_told_is_told_by_the_sensor() -> None:
    by_run = Ledger({SHOP.key: told_by("run")})
    found = replace(
        known(), ledger=by_run, checked=frozenset({SHOP.key}), followers={2: Followers("run")}
    )

    (sync,) = decide([job(2, 2)], found).reported

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
) -> Cursor:
    bookmark = replace(
        Cursor("w", begin=NOON - timedelta(days=1), since=NOON, floor=NOON - OVERLAP),
        **before,  # type: ignore[arg-type]
    )
    behind = frozenset(job.connection_id for job in jobs if bookmark.held_since(job) is not None)
    scan = Scan(tuple(jobs), tuple(jobs), complete, behind=behind)
    decision = Decision((), tuple(waits), tuple(left), unreadable)
    return move(bookmark, scan, decision, now=1000, server_time=server_time)


def by_number(bookmark: Cursor) -> dict[int, int]:
    return {number: at for (number, _), at in bookmark.held.items()}


def done(*jobs: Job) -> frozenset[tuple[int, int]]:
    return frozenset(map(done_job, jobs))


def test_the_bookmark_moves_to_the_end_of_the_last_job_read() -> None:
    after = moved([job(1, 1), job(2, 20)])

    assert after.since == NOON + timedelta(minutes=20)
    assert after.done == done(job(2, 20)), "what lies before the overlap need not be remembered"


def test_what_lies_within_the_overlap_is_remembered() -> None:
    assert moved([job(1, 17), job(2, 20)]).done == done(job(1, 17), job(2, 20))


def test_a_job_that_waits_is_named_and_read_again_while_the_bookmark_goes_on() -> None:
    jobs = [job(1, 1), job(2, 10), job(3, 30, "crm")]

    after = moved(jobs, waits=[jobs[1]])

    assert after.since == NOON + timedelta(minutes=30)
    assert by_number(after) == {2: 1000}
    assert after.read_from == NOON + timedelta(minutes=10)
    assert [after.knows(found) for found in jobs] == [True, False, True]


def test_a_job_keeps_the_time_since_when_it_waits() -> None:
    late = job(2, 10)

    assert by_number(moved([late], waits=[late], held={(2, UNKNOWN): 400})) == {2: 400}


def test_what_is_left_for_the_next_tick_stops_the_bookmark_before_it() -> None:
    jobs = [job(1, 1), job(2, 10), job(3, 30)]

    after = moved(jobs, left=jobs[1:])

    assert after.since == NOON + timedelta(minutes=1)
    assert [after.knows(found) for found in jobs] == [True, False, False]


def test_a_waiting_job_that_was_not_come_to_still_waits() -> None:
    jobs = [job(1, 1), job(2, 10)]

    after = moved(
        jobs, left=[jobs[1]], held={(2, UNKNOWN): 400}, since=NOON + timedelta(minutes=60)
    )

    assert by_number(after) == {2: 400}
    assert not after.knows(jobs[1])


def test_a_waiting_job_that_was_not_even_read_again_still_waits() -> None:
    since = NOON + timedelta(minutes=60)
    later = NOON + timedelta(minutes=10)

    cut = moved([job(1, 1)], complete=False, held={(2, UNKNOWN): 400}, held_from=later, since=since)
    gone = moved([job(1, 1)], complete=True, held={(2, UNKNOWN): 400}, held_from=later, since=since)

    assert (by_number(cut), cut.held_from) == ({2: 400}, later)
    assert gone.held == {}, "Airbyte has pruned it"


def test_of_many_that_wait_on_one_connection_the_first_stands_for_all() -> None:
    jobs = [job(number, number) for number in range(1, 1000)]
    other = job(1000, 1000, "crm")

    after = moved([*jobs, other], waits=jobs, server_time=NOON + timedelta(days=1))

    assert by_number(after) == {1: 1000}
    assert not any(after.knows(one, is_behind=one is not jobs[0]) for one in jobs)
    assert after.knows(other)


def test_what_comes_next_on_a_connection_begins_to_wait_when_the_first_is_told() -> None:
    jobs = [job(1, 1), job(2, 2), job(3, 3)]

    after = moved(
        jobs, waits=jobs[1:], held={(1, UNKNOWN): 400}, held_from=NOON + timedelta(minutes=1)
    )

    assert by_number(after) == {2: 1000}
    assert after.held_from == NOON + timedelta(minutes=2)


def test_what_waited_behind_a_told_one_and_was_not_read_again_is_not_taken_for_done() -> None:
    since = NOON + timedelta(days=1)
    first, unread = job(1, 1), job(2, 30)

    after = moved(
        [first], complete=False, held={(1, UNKNOWN): 400}, held_from=first.ended_at, since=since
    )

    assert by_number(after) == {1: 400}
    assert after.knows(first)
    assert not after.knows(unread, is_behind=True)


def test_what_is_done_behind_one_that_waits_stays_known_as_done() -> None:
    since = NOON + timedelta(days=1)
    waits, past = job(1, 1), job(2, 2)

    after = moved(
        [waits, past], waits=[waits], held={(1, UNKNOWN): 400}, done=done(past), since=since
    )

    assert after.knows(past, is_behind=True)


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
    late, past = job(2, 1), job(1, 2)

    after = moved([late, past], waits=[late], done=done(past), unreadable=SHOP_ONLY)

    assert (by_number(after), after.apart) == ({2: 1000}, {})
    assert after.knows(past, is_behind=True)


def test_it_is_not_set_apart_by_a_scan_that_did_not_come_to_all_that_is_done() -> None:
    waits = job(1, 1)
    cut = {"complete": False, "done": done(job(7, 7)), "unreadable": SHOP_ONLY}

    assert by_number(moved([waits], waits=[waits], **cut)) == {1: 1000}  # type: ignore[arg-type]


def test_a_job_committed_late_before_its_place_becomes_its_place() -> None:
    place, late = Place(2, NOON + timedelta(minutes=2)), job(1, 1)

    after = moved([late, job(2, 2)], apart={"shop": place}, unreadable=SHOP_ONLY)

    assert after.apart == {"shop": Place(1, NOON + timedelta(minutes=1))}


def test_a_job_committed_late_before_what_is_done_waits_with_what_is_done_named() -> None:
    """As if it had never been set apart."""
    place, late, past = Place(3, NOON + timedelta(minutes=3)), job(1, 1), job(2, 2)

    after = moved([late, past], apart={"shop": place}, done=done(past), unreadable=SHOP_ONLY)

    assert (by_number(after), after.apart) == ({1: 1000}, {})
    assert after.knows(past, is_behind=True)


def test_more_connections_than_fit_a_cursor_wait_like_any_other() -> None:
    jobs = [job(number, number, f"c{number}") for number in range(1, MOST_APART + 3)]
    unreadable = frozenset(each.connection_id for each in jobs)

    after = moved(jobs, waits=jobs, unreadable=unreadable)

    assert list(after.apart) == [f"c{number}" for number in range(1, MOST_APART + 1)]
    assert list(by_number(after)) == [MOST_APART + 1, MOST_APART + 2]


def test_the_bookmark_never_goes_back_for_a_late_commit() -> None:
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


def at_rest(bookmark: Cursor, minutes: int) -> Cursor:
    read = tuple(each for each in [job(1, 20)] if each.ended_at >= bookmark.read_from)  # type: ignore[operator]
    scan = Scan(read, (), complete=True)
    return move(bookmark, scan, Decision(), 1000, NOON + timedelta(minutes=minutes))


def test_an_end_in_the_future_does_not_draw_the_bookmark_along() -> None:
    after = moved([job(1, 90)], server_time=NOON + timedelta(minutes=1))

    assert after.since == NOON
    assert after.knows(job(1, 90))


def test_a_scan_cut_short_forgets_nothing_it_did_not_read_again() -> None:
    read, others = job(1, 1), (job(7, 0), job(8, 0))

    assert moved([read], complete=False, done=done(*others)).done == done(read, *others)
    assert moved([read], complete=True, done=done(*others)).done == done(read)


def test_the_overlap_is_minutes_because_commits_are_late_by_minutes() -> None:
    assert timedelta(minutes=2) <= OVERLAP <= timedelta(minutes=30)
