"""What a tick decides on a failed job some of whose tables are complete. Plain records only."""

from dataclasses import replace

import dagster as dg
import pytest

from dagster_airbyte_sync import Job, JobStatus, StreamId
from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.event_log.claims import Followers
from dagster_airbyte_sync.assets.events.event_log_facts import EventLogFacts
from dagster_airbyte_sync.assets.events.ledger import History, Ledger
from dagster_airbyte_sync.resources import StreamOutcome
from dagster_airbyte_sync.sensors.cursor.pending import Pending, Reason, end_of, job_key
from dagster_airbyte_sync.sensors.decide import decide
from dagster_airbyte_sync.sensors.decision import Decision, Limits, TickInputs
from dagster_airbyte_sync.sensors.details.outcomes import OutcomesRead
from dagster_airbyte_sync.sensors.reading.live_runs import LiveRun
from helpers.finished_jobs import job

A, B = (Table("shop", StreamId(name), dg.AssetSpec(name)) for name in "ab")
FAILED = replace(job(2, 2), status=JobStatus.FAILED)
A_IS_COMPLETE = {A.stream: StreamOutcome(True, 0), B.stream: StreamOutcome(False, 0)}
FOLLOWED = LiveRun("run", {A.key: FAILED.ref, B.key: FAILED.ref})
READ = OutcomesRead(wanted=True, known={job_key(FAILED): A_IS_COMPLETE})
# Nothing was reported before, and no run that is over follows the job.
NOTHING = EventLogFacts(
    Ledger(history={A.key: History(), B.key: History()}),
    {number: Followers() for number in range(9)},
)


def decided(outcomes: OutcomesRead, *live_runs: LiveRun, **changes: object) -> Decision:
    known = TickInputs(
        tables={"shop": [A, B]},
        live_runs=live_runs,
        facts=NOTHING,
        checked={},
        pending={},
        now=1000,
        limits=Limits(hold=600, grace=60),
        job_url=lambda job: f"https://airbyte.example/{job.id}",
        outcomes=outcomes,
    )
    return decide([FAILED, job(3, 3)], replace(known, **changes))  # type: ignore[arg-type]


def ids(jobs: tuple[Job, ...]) -> list[int]:
    return [job.id for job in jobs]


def test_what_is_not_known_is_asked_for_and_then_decided() -> None:
    assert ids(decided(OutcomesRead(wanted=True)).outcomes_to_read) == [2]
    assert decided(OutcomesRead()).outcomes_to_read == ()
    decision = decided(READ)
    assert (decision.is_certain, decision.waiting) == (True, ())
    assert [[e.asset_key for e in each.events] for each in decision.reported] == [
        [A.key],
        [A.key, B.key],
    ]


def test_where_airbyte_says_it_of_no_job_nothing_waits() -> None:
    decision = decided(OutcomesRead(True, {job_key(FAILED): None}, is_refused=True))
    assert (decision.is_certain, decision.waiting) == (True, ())
    assert [each.sync.job.id for each in decision.reported] == [3]


def test_a_failed_job_that_a_live_run_follows_waits_and_is_not_asked_for() -> None:
    decision = decided(OutcomesRead(wanted=True), FOLLOWED)
    assert (ids(decision.waiting), decision.outcomes_to_read) == ([2, 3], ())


def test_nor_reported_if_it_is_known_which_of_its_tables_are_complete() -> None:
    assert ids(decided(READ, FOLLOWED).waiting) == [2, 3]


@pytest.mark.parametrize(("is_over", "is_final"), [(True, False), (False, True)])
def test_a_job_that_there_was_no_time_to_ask_for_waits_however_long_it_takes(
    *, is_over: bool, is_final: bool
) -> None:
    pending = {"shop": Pending(job_key(FAILED), end_of(FAILED), -9_000, Reason.RUN)}
    outcomes = OutcomesRead(wanted=True, is_over=is_over)
    decision = decided(outcomes, pending=pending, is_final=is_final)
    assert (ids(decision.waiting), decision.outcomes_to_read) == ([2, 3], ())
