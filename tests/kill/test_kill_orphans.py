"""Steps that outlive their run are found in the event log, with what they did then."""

import time
from collections.abc import Callable

import dagster as dg

from dagster_airbyte_sync.assets.sync.reporting import OwnRun
from helpers.dagster_private import store_run_event, store_step_event
from helpers.kill_orphans import Orphan, orphans_in, summary_of

Step = Callable[[dg.AssetExecutionContext], object]


def run(instance: dg.DagsterInstance, step: Step) -> str:
    """The id of a run with that step only."""

    @dg.asset
    def orders(context: dg.AssetExecutionContext) -> None:
        step(context)

    return dg.materialize([orders], instance=instance, raise_on_error=False).run_id


def mark(context: dg.AssetExecutionContext) -> None:
    context.instance.report_run_canceled(context.run)


def mark_and_look(context: dg.AssetExecutionContext) -> None:
    mark(context)
    OwnRun(context, time.monotonic).refuse_if_over()


def fail(context: dg.AssetExecutionContext) -> None:
    raise dg.Failure("Airbyte says no.")


def test_a_step_that_looks_says_that_its_run_is_over(instance: dg.DagsterInstance) -> None:
    run_id = run(instance, mark_and_look)

    assert orphans_in(instance) == [Orphan(run_id, said_so=True, reported_for=0.0)]


def test_a_step_that_does_not_look_is_found_with_the_time_of_its_last_report(
    instance: dg.DagsterInstance,
) -> None:
    run_id = run(instance, mark)

    (orphan,) = orphans_in(instance)
    assert (orphan.run_id, orphan.said_so) == (run_id, False)
    assert 0.0 < orphan.reported_for < 60.0


def test_a_step_that_ends_before_its_run_is_none(instance: dg.DagsterInstance) -> None:
    run(instance, fail)
    run(instance, lambda context: None)

    assert orphans_in(instance) == []


def test_a_step_whose_run_was_failed_before_it_began_is_none(
    instance: dg.DagsterInstance,
) -> None:
    """A daemon that was killed between making a run and queueing it fails it, and queues it."""

    @dg.job
    def sync() -> None: ...

    run = instance.create_run_for_job(sync)
    instance.report_run_failed(run)
    store_run_event(instance, run, dg.DagsterEventType.RUN_START)
    store_step_event(instance, run, "sync_shop", dg.AssetMaterialization("orders"))
    store_run_event(instance, run, dg.DagsterEventType.STEP_SUCCESS, "sync_shop")

    assert orphans_in(instance) == []


def test_the_summary_counts_them() -> None:
    found = [Orphan("a", said_so=True, reported_for=0.0), Orphan("b", False, 0.44)]

    assert summary_of(found) == "2 orphans (1 said so, the last report after 0.4 s)"
