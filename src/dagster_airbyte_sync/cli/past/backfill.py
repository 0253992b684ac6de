"""`backfill`: reports syncs of the past to Dagster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dagster_airbyte_sync.cli.asking import may_go_on
from dagster_airbyte_sync.cli.mistakes import Interrupted, Mistake, sentence_of
from dagster_airbyte_sync.cli.options import (
    connection_option,
    dry_run_option,
    json_option,
    since_option,
    until_option,
    yes_option,
)
from dagster_airbyte_sync.cli.past.deployed import Deployed, deployed, sensor_options, together
from dagster_airbyte_sync.cli.past.summary import (
    consequences,
    left_out,
    outcome_json,
    outcome_table,
)
from dagster_airbyte_sync.cli.schedules.chosen import Chosen
from dagster_airbyte_sync.cli.tables import console, counted, moment, show, show_if_read, show_json
from dagster_airbyte_sync.cli.times import When, span_of
from dagster_airbyte_sync.resources import AirbyteError, Job
from dagster_airbyte_sync.sensors import (
    Backfill,
    Claim,
    LostClaim,
    OneAtATime,
    OtherBackfill,
    Outcome,
    automated_below,
)

_BOTH = "both would report the same syncs"


@click.command(short_help="Report past syncs to Dagster.")
@sensor_options
@connection_option
@since_option()
@until_option
@dry_run_option
@yes_option
@json_option
def backfill(
    definitions: str,
    sensor: str | None,
    location: str | None,
    since: When,
    until: When | None,
    patterns: Sequence[str],
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Report past syncs to Dagster, oldest first.

    A sync that is newer than a table's last report becomes a materialization. An older one becomes
    an observation, so that no table seems older than it is. Nothing is reported twice, neither by
    this command nor later by the sensor. No runs are requested. First stop the sensor, or all
    sensors that share the connections, and start them again afterwards. Run one backfill at a time.
    If it is interrupted or killed, run it again, and it continues.

    Exit code: 0 if everything was stored, or nothing was left to store; 1 if you answered no, or it
    failed.
    """
    with deployed(definitions, sensor, location) as every:
        at = together(every)
        ours = at.one_at_a_time()
        if not dry_run:
            _refuse_running(every)
            with _refused():
                ours.refuse_others(_say_that_one_may_run)
        filling = at.backfill()
        jobs = _jobs(at, filling, since, until, patterns)
        plan = filling.plan(jobs)
        # In the JSON there is only what came of it; who is asked must see the plan.
        if not as_json or not (yes or dry_run):
            _show_plan(at, plan, jobs, is_read=yes, err=as_json)
        may = bool(plan.events) and not dry_run
        may = may and all(each.stored.may_be_off(_BOTH, yes=yes) for each in every)
        may = may and may_go_on(f"\nStore {counted(plan.events, 'event')} in Dagster?", yes=yes)
        done = _store_alone(every, ours, filling, jobs, plan.events) if may else None
        if as_json:
            what = done or plan
            automated = len(automated_below(at.repository, what.fresh))
            show_json({**outcome_json(what, automated, at.name_of), "stored": may})
        else:
            show_if_read("", *_end(done))
    return 0 if may or dry_run or not plan.events else 1


def _jobs(
    at: Deployed,
    filling: Backfill,
    since: When,
    until: When | None,
    patterns: Sequence[str],
) -> list[Job]:
    span = span_of(since, until, at.client.server_time(fresh=True))
    return filling.read(span.since, span.until, _chosen_ids(at, patterns))


def _chosen_ids(at: Deployed, patterns: Sequence[str]) -> set[str] | None:
    """None for all, among them those that Airbyte has deleted."""
    if not patterns:
        return None
    chosen = Chosen(patterns)
    found = {each.id for each in at.client.catalog().connections.values() if chosen(each)}
    chosen.refuse_unused()
    return found


def _show_plan(
    at: Deployed, plan: Outcome, jobs: Sequence[Job], *, is_read: bool, err: bool
) -> None:
    see = show_if_read if is_read else partial(show, err=err)
    if not plan.events:
        see(f"Nothing is left to report of {counted(len(jobs), 'sync')}.", *left_out(plan))
        return
    see(outcome_table(plan, at.name_of, console().width), "")
    automated = len(automated_below(at.repository, plan.fresh))
    see(consequences(plan, automated), *left_out(plan))


@contextmanager
def _refused() -> Iterator[None]:
    """Another backfill, in a sentence."""
    try:
        yield
    except OtherBackfill as other:
        claim = other.claim
        raise Mistake(
            f"Another backfill of this workspace is running, since {moment(claim.since)} on"
            f" {claim.place}, and {_BOTH}: wait until it is over. Nothing was stored by this one."
        ) from None


def _say_that_one_may_run(claim: Claim) -> None:
    click.echo(
        f"A backfill that began at {moment(claim.since)} on {claim.place} may be running: looking"
        " for half a minute whether it goes on or was killed.",
        err=True,
    )


def _refuse_running(every: Sequence[Deployed]) -> None:
    for each in every:
        each.stored.refuse_running(_BOTH)


def _store_alone(
    every: Sequence[Deployed], ours: OneAtATime, filling: Backfill, jobs: Sequence[Job], events: int
) -> Outcome:
    with _refused(), ours.claimed() as before_each:
        return _store(every, filling, jobs, events, before_each)


def _store(
    every: Sequence[Deployed],
    filling: Backfill,
    jobs: Sequence[Job],
    events: int,
    before_each: Callable[[], None],
) -> Outcome:
    stored = 0

    with _bar(events) as progress:
        task = progress.add_task("stored", total=events)

        def count(event: object) -> None:
            nonlocal stored
            stored += 1
            progress.advance(task)

        try:
            done = filling.store(jobs, lambda: _refuse_running(every), count, before_each)
        except KeyboardInterrupt:
            raise Interrupted(f"Interrupted. {_half_way(stored)}") from None
        except (AirbyteError, LostClaim, Mistake) as error:
            raise Mistake(f"{sentence_of(error)} {_half_way(stored)}") from None
        progress.update(task, total=stored, completed=stored)
    return done


def _half_way(stored: int) -> str:
    has = "is" if stored == 1 else "are"
    return f"{counted(stored, 'event')} {has} stored. Run the same command again to continue."


@contextmanager
def _bar(events: int) -> Iterator[Progress]:
    """On stderr, and only for a terminal."""
    screen = Console(stderr=True, highlight=False)
    columns = (TextColumn("Storing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, disable=not (events and screen.is_terminal)) as bar:
        yield bar


def _end(done: Outcome | None) -> list[str]:
    if done is None:
        return ["Nothing was stored."]
    made, noted = done.materializations.total(), done.observations.total()
    return [
        f"Stored {counted(made, 'materialization')} and {counted(noted, 'observation')}, of"
        f" {counted(done.jobs.total(), 'sync')}, and"
        f" {counted(done.evaluations.total(), 'evaluation')} of checks.",
        *left_out(done),
    ]
