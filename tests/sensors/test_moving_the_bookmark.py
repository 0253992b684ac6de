"""The pure core: what is told, what waits, and where the bookmark goes. Plain records only."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync import Job, JobStatus, JobType, StreamId
from dagster_airbyte_sync.assets import Ledger, Table
from dagster_airbyte_sync.sensors.bookmark import OVERLAP, Bookmark
from dagster_airbyte_sync.sensors.decide import Decision, Known, decide, move
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


def test_a_job_without_tables_here_is_neither_told_nor_waits() -> None:
    decision = decide([job(1, 1, "stranger")], known())

    assert (told(decision), waiting(decision)) == ([], [])


def moved(
    jobs: Sequence[Job], waits: Sequence[Job] = (), *, complete: bool = True, **before: object
) -> Bookmark:
    bookmark = replace(
        Bookmark("w", begin=NOON - timedelta(days=1), since=NOON),
        **before,  # type: ignore[arg-type]
    )
    scan = Scan(tuple(jobs), tuple(jobs), complete)
    return move(bookmark, scan, Decision((), tuple(waits)), now=1000)


def test_the_bookmark_moves_to_the_end_of_the_last_job_read() -> None:
    after = moved([job(1, 1), job(2, 20)])

    assert after.since == NOON + timedelta(minutes=20)
    assert after.done == {2}, "what lies before the overlap need not be remembered"


def test_what_lies_within_the_overlap_is_remembered() -> None:
    assert moved([job(1, 17), job(2, 20)]).done == {1, 2}


def test_the_bookmark_stops_at_the_first_job_that_waits_and_remembers_what_lies_behind() -> None:
    jobs = [job(1, 1), job(2, 10), job(3, 30, "crm")]

    after = moved(jobs, waits=[jobs[1]])

    assert after.since == NOON + timedelta(minutes=10)
    assert after.done == {3}
    assert after.held == {2: 1000}


def test_a_job_keeps_the_time_since_when_it_waits() -> None:
    late = job(2, 10)

    assert moved([late], waits=[late], held={2: 400}).held == {2: 400}


def test_the_bookmark_never_goes_back_for_a_late_commit() -> None:
    assert moved([job(1, -3)]).since == NOON


def test_a_scan_cut_short_forgets_nothing_it_did_not_read_again() -> None:
    assert moved([job(1, 1)], complete=False, done=frozenset({7, 8})).done == {1, 7, 8}
    assert moved([job(1, 1)], complete=True, done=frozenset({7, 8})).done == {1}


def test_the_overlap_is_minutes_because_commits_are_late_by_minutes() -> None:
    assert timedelta(minutes=2) <= OVERLAP <= timedelta(minutes=30)
