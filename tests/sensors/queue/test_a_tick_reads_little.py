"""However many runs have failed, a tick reads each of them once, and then no more."""

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.queue import said
from helpers.dagster_reads import reads_of
from helpers.queued import NOTHING_WAITS, Queued

FAILED = 12


def fail_starts(queue: Queued) -> None:
    """Runs that start what nobody waits for, and die."""
    for number in range(FAILED):
        waits = {f"connection {number}": [f"run {number}"]}
        op = {"config": {"connections": list(waits), "waits": waits}}
        request = dg.RunRequest(
            run_key=str(number),
            run_config={"ops": {"start_airbyte_syncs_op": op}},
            tags={"dagster-airbyte/queue": "starts"},
        )
        queue.instance.report_run_failed(queue.keep(request))


def fail_waits(queue: Queued) -> None:
    """Runs that were to write something down, and die before."""
    for number in range(FAILED):
        request = dg.RunRequest(run_key=str(number), tags={"dagster-airbyte/queue": "waits"})
        queue.instance.report_run_failed(queue.keep(request))


@pytest.fixture(autouse=True)
def _new_process() -> None:
    said._said.clear()


@pytest.mark.parametrize("is_idle", [True, False])
def test_runs_that_start_and_failed_are_read_only_if_something_waits_for_them(
    queue: Queued, is_idle: bool
) -> None:
    if not is_idle:
        queue.run()
        queue.go_on()
    fail_starts(queue)
    queue.tick()

    with reads_of(queue.instance) as reads:
        tick = queue.tick()

    assert (tick.summary == NOTHING_WAITS) is is_idle
    assert len(reads) <= 4, reads


def test_runs_that_wait_and_failed_are_read_once(queue: Queued) -> None:
    queue.run()
    queue.go_on()
    fail_waits(queue)
    queue.wait(minutes=20)
    queue.tick()

    with reads_of(queue.instance) as reads:
        queue.tick()

    assert len(reads) <= 4, reads
