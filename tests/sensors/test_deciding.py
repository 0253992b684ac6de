"""What a tick decides: what is reported, and what waits. Plain records only."""

from collections.abc import Sequence
from dataclasses import replace

import dagster as dg

from dagster_airbyte_sync import Job, JobStatus, StreamId
from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.checks.check_settings import SYNC_CHECK, TableChecks
from dagster_airbyte_sync.assets.event_log.claims import Followers
from dagster_airbyte_sync.assets.events.event_log_facts import EventLogFacts
from dagster_airbyte_sync.assets.events.ledger import History, LastReported, Ledger
from dagster_airbyte_sync.sensors.cursor.pending import Pending, Reason, end_of, job_key
from dagster_airbyte_sync.sensors.decide import decide as decide_once
from dagster_airbyte_sync.sensors.decision import Decision, Limits, TickInputs
from dagster_airbyte_sync.sensors.reading.live_runs import LiveRun
from helpers.finished_jobs import job

SHOP = Table("shop", StreamId("orders"), dg.AssetSpec("orders"))
CHECKED = {SHOP.key: TableChecks(frozenset({SYNC_CHECK}))}
CRM = Table("crm", StreamId("leads"), dg.AssetSpec("leads"))


def known(*live_runs: LiveRun, now: int = 1000) -> TickInputs:
    return TickInputs(
        tables={"shop": [SHOP], "crm": [CRM]},
        live_runs=live_runs,
        facts=EventLogFacts(),
        checked={},
        pending={},
        now=now,
        limits=Limits(hold=600, grace=60),
        job_url=lambda job: f"https://airbyte.example/{job.id}",
    )


def following(claimed: int | None) -> LiveRun:
    return LiveRun("run", {SHOP.key: None if claimed is None else job(claimed, claimed).ref})


def knowing(inputs: TickInputs, ledger: Ledger, **followers: Followers) -> TickInputs:
    """With that ledger, and who follows the jobs `_1`, `_2` ..."""
    by_job = {int(name[1:]): each for name, each in followers.items()}
    return replace(inputs, facts=EventLogFacts(ledger, by_job))


def decide(jobs: Sequence[Job], inputs: TickInputs) -> Decision:
    """What is decided when all that is asked was looked up, and nothing was there."""
    while not (decision := decide_once(jobs, inputs)).is_certain:
        histories = {question.table.key: History() for question in decision.questions}
        noted = {question.key: False for question in decision.questions}
        facts = inputs.facts
        ledger = replace(
            facts.ledger,
            history={**histories, **facts.ledger.history},
            noted={**noted, **facts.ledger.noted},
            evaluations={key: {} for key in histories},
        )
        followers = {each.id: Followers() for _, each in decision.claims_to_read}
        facts = EventLogFacts(ledger, {**followers, **facts.followers})
        inputs = replace(inputs, facts=facts)
    return decision


def waits_since(since: int, job: Job, reason: Reason = Reason.RUN) -> dict[str, Pending]:
    return {"shop": Pending(job_key(job), end_of(job), since, reason)}


def reported_by(run_id: str) -> LastReported:
    return LastReported(job(2, 2).ref, job(2, 2).ref, "2", run_id)


def reported(decision: Decision) -> list[int]:
    return [sync.sync.job.id for sync in decision.reported]


def waiting(decision: Decision) -> list[int]:
    return [waits.id for waits in decision.waiting]


def test_a_job_a_live_run_follows_waits_and_so_do_the_later_ones_of_its_connection() -> None:
    jobs = [job(1, 1), job(2, 2), job(3, 3), job(4, 3, "crm")]

    decision = decide(jobs, known(following(2)))

    assert (reported(decision), waiting(decision)) == ([1, 4], [2, 3])


def test_a_failed_job_behind_one_that_waits_waits_too() -> None:
    failed = replace(job(3, 3), status=JobStatus.FAILED)

    decision = decide([job(2, 2), failed], known(following(2)))

    assert waiting(decision) == [2, 3]


def test_a_run_that_has_not_started_its_sync_yet_holds_every_job_of_its_connection() -> None:
    assert waiting(decide([job(1, 1)], known(following(None)))) == [1]


def test_what_a_hanging_run_may_hold_is_limited_once_and_not_once_a_job() -> None:
    hangs = LiveRun("run", {SHOP.key: None}, since={SHOP.key: 300.0})

    assert waiting(decide([job(1, 1)], known(hangs, now=899))) == [1]
    decision = decide([job(1, 1), job(2, 2)], known(hangs, now=900))

    assert (reported(decision), waiting(decision)) == ([1, 2], [])
    assert decision.reported[0].taken_from == "run"


def test_a_job_whose_run_is_over_waits_until_its_step_has_had_time_to_look() -> None:
    over = knowing(known(), Ledger(), _1=Followers(orphan="run"))

    first = decide([job(1, 1)], over)
    graced = replace(over, pending=waits_since(1000, job(1, 1), Reason.GRACE))
    within = decide([job(1, 1)], replace(graced, now=1059))
    after = decide([job(1, 1)], replace(graced, now=1060))

    assert (waiting(first), first.graced) == ([1], frozenset({job_key(job(1, 1))}))
    assert waiting(within) == [1]
    assert (reported(after), after.reported[0].taken_from) == ([1], "run")


def test_a_job_of_many_tables_is_reported_over_several_ticks_table_by_table() -> None:
    tables = [Table("shop", StreamId(f"t{n}"), dg.AssetSpec(f"t{n}")) for n in range(5)]
    found = replace(
        known(),
        tables={"shop": tables},
        limits=Limits(hold=600, grace=60, events=2),
        facts=EventLogFacts(Ledger({}, {tables[0].key: History()})),
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

    assert reported(decision) == [1]
    assert [left.id for left in decision.left] == [2, 3, 4, 5]


def test_one_event_that_is_larger_than_a_tick_goes_alone_rather_than_never() -> None:
    decision = decide([job(1, 1)], replace(known(), limits=Limits(hold=600, grace=60, bytes=10)))

    assert reported(decision) == [1]
    assert decision.reported[0].is_whole


def test_after_the_limit_a_job_is_reported_and_the_run_it_was_taken_from_is_named() -> None:
    waited = replace(known(following(2), now=1000), pending=waits_since(300, job(2, 2)))

    decision = decide([job(2, 2)], waited)

    assert reported(decision) == [2]
    assert decision.reported[0].taken_from == "run"


def test_a_tick_stops_at_the_first_job_after_enough_events() -> None:
    jobs = [job(number, number) for number in range(1, 6)]

    decision = decide(jobs, replace(known(), limits=Limits(hold=600, grace=60, events=2)))

    assert reported(decision) == [1, 2]
    assert [left.id for left in decision.left] == [3, 4, 5]


def test_a_run_whose_job_is_reported_holds_nothing_more() -> None:
    second = Ledger({SHOP.key: reported_by("run")})

    decision = decide([job(3, 3)], knowing(known(following(2)), second))

    assert reported(decision) == [3]


def test_a_failure_is_not_reported_after_a_newer_success() -> None:
    failed = replace(job(1, 1), status=JobStatus.FAILED)
    second = Ledger({SHOP.key: reported_by("")})

    decision = decide([failed], replace(knowing(known(), second), checked=CHECKED))

    assert reported(decision) == []


def test_the_check_of_a_sync_that_a_run_reported_is_reported_by_the_sensor() -> None:
    by_run = Ledger({SHOP.key: reported_by("run")})
    inputs = knowing(known(), by_run, _2=Followers("run"))
    inputs = replace(inputs, checked=CHECKED)

    (sync,) = decide([job(2, 2)], inputs).reported

    assert [type(event) for event in sync.events] == [dg.AssetCheckEvaluation]
    assert not sync.triggers_runs


def test_the_jobs_of_a_connection_that_cannot_be_read_wait() -> None:
    found = replace(known(), tables={"shop": [], "crm": [CRM]}, unreadable=frozenset({"shop"}))

    decision = decide([job(1, 1), job(2, 2, "crm")], found)

    assert (reported(decision), waiting(decision)) == ([2], [1])


def test_a_job_without_tables_here_is_neither_reported_nor_waits() -> None:
    found = replace(known(), tables={"stranger": []})

    decision = decide([job(1, 1, "stranger")], found)

    assert (reported(decision), waiting(decision)) == ([], [])


def test_another_job_with_the_number_of_one_that_waits_does_not_wait_in_its_place() -> None:
    """Airbyte was restored: the run follows the new one, which has only just ended."""
    again = job(2, 50)
    inputs = known(LiveRun("run", {SHOP.key: again.ref}), now=1000)

    decision = decide([again], replace(inputs, pending=waits_since(300, job(2, 2))))

    assert waiting(decision) == [2]
