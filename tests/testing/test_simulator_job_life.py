"""Jobs change as the test says, and by themselves as time passes."""

from datetime import timedelta

import pytest

from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    RealClock,
    SimulatedConnection,
    SimulatedJob,
    SimulatorError,
)


def statuses(airbyte: AirbyteSimulator) -> list[tuple[str, str]]:
    return [(job.type, job.status) for job in airbyte.jobs]


def test_a_job_that_a_test_starts_waits_for_the_test(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.start_sync(shop)
    airbyte.advance(timedelta(days=1))
    assert statuses(airbyte) == [("sync", "pending")]
    airbyte.begin(job)
    airbyte.advance(timedelta(days=1))
    assert statuses(airbyte) == [("sync", "running")]
    airbyte.succeed(job)
    assert (job.status, job.updated_at) == ("succeeded", airbyte.now)


def test_the_number_of_a_job_does_in_its_place(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.start_sync(shop)
    assert airbyte.begin(job.job_id) is job
    assert airbyte.fail(job.job_id, reason="no route") is job
    airbyte.write_log(job.job_id, ["no route"])
    airbyte.commit_late(job.job_id, by=60)
    assert (job.status, job.committed_at) == ("failed", airbyte.now + timedelta(minutes=1))
    with pytest.raises(SimulatorError, match="There is no job 99"):
        airbyte.succeed(99)


def test_rows_are_what_each_stream_says_unless_the_test_says_otherwise(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    assert airbyte.run_sync(shop).rows == 15
    assert airbyte.run_sync(shop, rows=3).rows == 6
    assert airbyte.run_sync(shop, rows={("users", "audit"): 4}).rows == 4
    assert airbyte.run_sync(shop, rows={"orders": 1, ("users", "audit"): 4}).rows == 5


def test_a_stream_that_the_rows_leave_out_has_no_statistics(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.run_sync(shop, rows={"orders": 3})
    assert list(job.stats) == [("orders", None)]


def test_rejected_rows_are_read_and_not_committed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    total = airbyte.run_sync(shop, rows=10, bytes=500, rejected={"orders": 4}).total
    assert (total.records_emitted, total.records_committed, total.records_rejected) == (20, 16, 4)
    assert total.bytes_emitted == 1000
    assert total.bytes_committed == 800


def test_a_mistyped_stream_is_an_error_that_names_the_streams(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    with pytest.raises(SimulatorError, match=r"'ordres' means 0 .*'orders'"):
        airbyte.run_sync(shop, rows={"ordres": 3})


def test_a_second_sync_is_refused_while_one_is_running(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    airbyte.start_sync(shop)
    with pytest.raises(SimulatorError, match="already running on 'shop'"):
        airbyte.start_sync(shop)
    with pytest.raises(SimulatorError, match="already running"):
        airbyte.start_refresh(shop)


@pytest.mark.parametrize("kind", ["clear", "reset"])
def test_a_reset_cancels_what_runs(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, kind: str
) -> None:
    airbyte.start_sync(shop)
    reset = airbyte.start_clear(shop) if kind == "clear" else airbyte.start_reset(shop)
    assert statuses(airbyte) == [("sync", "cancelled"), ("reset", "pending")]
    assert airbyte.succeed(reset).rows == 0


def test_a_job_that_has_ended_never_changes_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.run_sync(shop)
    with pytest.raises(SimulatorError, match="has succeeded already"):
        airbyte.fail(job)


def test_a_failed_attempt_leaves_the_job_incomplete_until_time_passes(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.fail_attempt(airbyte.start_sync(shop), reason="no network", rows=2)
    assert airbyte.job(job.job_id).status == "incomplete"
    airbyte.advance(1)
    assert (job.status, len(job.attempts)) == ("running", 2)
    airbyte.succeed(job, rows=3)
    # A full refresh starts again from nothing, the incremental stream goes on.
    assert job.stats["orders", None].records_committed == 3
    assert job.stats["users", "audit"].records_committed == 5


def test_a_job_fails_and_says_why(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    job = airbyte.fail(airbyte.start_sync(shop), reason="bad key", type="config_error")
    [attempt] = job.attempts
    assert (job.status, attempt.status) == ("failed", "failed")
    assert attempt.failure is not None
    assert (attempt.failure.reason, attempt.failure.type) == ("bad key", "config_error")


def test_an_unattended_job_takes_the_time_that_its_connection_takes(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.start_sync(shop, unattended=True)
    seen = [job.status]
    for _ in range(10):
        airbyte.advance(1)
        seen.append(job.status)
    assert seen == ["pending", *["running"] * 9, "succeeded"]
    assert job.updated_at == job.created_at + timedelta(seconds=10)
    assert job.rows == 15


def test_changes_have_their_own_times_however_late_they_are_seen(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.start_sync(shop, unattended=True)
    airbyte.advance(timedelta(days=1))
    assert job.updated_at - job.created_at == timedelta(seconds=10)


def test_a_plan_lets_attempts_fail_first(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    airbyte.plan(shop, failing_attempts=1)
    job = airbyte.start_sync(shop, unattended=True)
    seen = [job.status]
    for _ in range(20):
        airbyte.advance(1)
        seen.append(job.status)
    running = ["running"] * 9
    assert seen == ["pending", *running, "incomplete", *running, "succeeded"]
    assert [attempt.status for attempt in job.attempts] == ["failed", "succeeded"]


@pytest.mark.parametrize("outcome", ["failed", "cancelled"])
def test_a_plan_may_end_badly(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, outcome: str
) -> None:
    airbyte.plan(shop, outcome="failed" if outcome == "failed" else "cancelled", jobs=2)
    for _ in range(3):
        airbyte.start_sync(shop, unattended=True)
        airbyte.advance(10)
    assert statuses(airbyte) == [("sync", outcome), ("sync", outcome), ("sync", "succeeded")]


def test_a_plan_may_never_end(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    airbyte.plan(shop, outcome="never")
    job = airbyte.start_sync(shop, unattended=True)
    airbyte.advance(timedelta(days=30))
    assert job.status == "running"
    assert airbyte.fail(job).status == "failed"


def test_with_a_real_clock_jobs_run_in_real_time() -> None:
    airbyte = AirbyteSimulator(clock=RealClock())
    instant = airbyte.add_connection("instant", sync_seconds=0)
    slow = airbyte.add_connection("slow", sync_seconds=3600)
    airbyte.start_sync(instant, unattended=True)
    airbyte.start_sync(slow, unattended=True)
    assert [job.status for job in airbyte.jobs] == ["succeeded", "pending"]
    with pytest.raises(SimulatorError, match="real clock"):
        airbyte.advance(1)


def test_who_listens_hears_of_a_success_before_anybody_can_see_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    heard: list[SimulatedJob] = []
    airbyte.on_sync_succeeded(heard.append)
    by_hand = airbyte.run_sync(shop)
    by_itself = airbyte.start_sync(shop, unattended=True)
    airbyte.advance(10)
    airbyte.fail(airbyte.start_sync(shop))
    airbyte.run_clear(shop)
    assert heard == [by_hand, by_itself]


def test_job_ids_may_be_larger_than_31_bits(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    airbyte.job_ids_from(2**31 + 7)
    assert [airbyte.run_sync(shop).job_id for _ in range(2)] == [2**31 + 7, 2**31 + 8]


def test_a_year_of_history_is_written_at_once(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    start = airbyte.now - timedelta(days=365)
    for hour in range(365 * 24):
        airbyte.add_finished_job(shop, created_at=start + timedelta(hours=hour), rows=1)
    assert len(airbyte.jobs) == 8760
    assert airbyte.jobs[-1].updated_at == airbyte.now - timedelta(minutes=59, seconds=50)


def test_old_jobs_are_pruned(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> None:
    airbyte.add_finished_job(shop, created_at=airbyte.now - timedelta(days=200))
    kept = airbyte.add_finished_job(shop, created_at=airbyte.now - timedelta(days=100))
    airbyte.prune()
    assert airbyte.jobs == [kept]


def test_deleting_a_connection_cancels_its_job_and_keeps_its_record(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.start_sync(shop)
    airbyte.delete_connection(shop)
    assert (job.status, shop.status) == ("cancelled", "deprecated")
    with pytest.raises(SimulatorError, match="is deprecated"):
        airbyte.start_sync(shop)
