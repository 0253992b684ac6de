"""`cursor`: where the sensor reads on."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import click

from dagster_airbyte_sync.cli.asking import may_go_on
from dagster_airbyte_sync.cli.mistakes import Mistake
from dagster_airbyte_sync.cli.options import dry_run_option, json_option, yes_option
from dagster_airbyte_sync.cli.past.deployed import Deployed, deployed, sensor_options, together
from dagster_airbyte_sync.cli.past.summary import bookmark_json, bookmark_lines
from dagster_airbyte_sync.cli.tables import counted, moment, show, show_if_read, show_json
from dagster_airbyte_sync.cli.times import When, moment_at, when
from dagster_airbyte_sync.resources import AirbyteUnavailable, Job
from dagster_airbyte_sync.sensors import (
    Backfill,
    Bookmark,
    UnreadableCursor,
    bookmark_at,
    bookmark_of,
)

_SET_BACK = "its next tick would set the cursor back"


class _InOrder(click.Group):
    """Lists its commands in the order of this file: to look comes first."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrder, short_help="Show where the sensor continues, or move it to another time."
)
def cursor() -> None:
    """Show where the sensor continues in Airbyte's history, or move it to another time.

    The cursor only says where to read next. What was reported is in Dagster's event log, so moving
    the cursor back never reports a sync twice.
    """


@cursor.command(name="show", short_help="Show the cursor in words, without asking Airbyte.")
@sensor_options
@json_option
def show_cursor(definitions: str, sensor: str | None, location: str | None, as_json: bool) -> int:
    """Show the cursor in words: how far history was read, and which connections wait, since when
    and why.

    Airbyte is not asked.
    """
    with deployed(definitions, sensor, location) as every:
        _show(every, lambda at, bookmark: ({}, []), as_json=as_json)
    return 0


@cursor.command(short_help="Show the cursor, and what the next tick will find in Airbyte.")
@sensor_options
@json_option
def explain(definitions: str, sensor: str | None, location: str | None, as_json: bool) -> int:
    """Show the cursor in words, and what the next tick will find in Airbyte."""
    with deployed(definitions, sensor, location) as every:
        _show(every, _explained, as_json=as_json)
    return 0


def _explained(at: Deployed, bookmark: Bookmark) -> tuple[dict[str, object], Sequence[str]]:
    new = _new(at, bookmark)
    by_status: dict[str, int] = {}
    for job in new:
        by_status[job.status.value] = by_status.get(job.status.value, 0) + 1
    return {"new": by_status}, _next_tick(new, by_status)


def _new(at: Deployed, bookmark: Bookmark) -> list[Job]:
    jobs = at.client.finished_jobs(bookmark.read_from)
    own = (job for job in jobs if at.polling.shard.has(job.connection_id))
    return [job for job in own if bookmark.is_new(job)]


def _next_tick(new: Sequence[Job], by_status: dict[str, int]) -> list[str]:
    if not new:
        return ["Nothing finished since: the next tick has nothing to report."]
    listed = ", ".join(f"{count} {status}" for status, count in sorted(by_status.items()))
    one = len(new) == 1
    return [
        f"{counted(len(new), 'job')} finished that the cursor does not know ({listed}), the first"
        f" at {moment(new[0].ended_at)}: the next tick looks {'it' if one else 'them'} up in the"
        " event log, and reports what is not there."
    ]


def _bookmark(at: Deployed) -> Bookmark:
    text = at.stored.cursor()
    if text is None:
        raise Mistake(
            f"The sensor {at.sensor} has no cursor yet: its first tick will continue after the last"
            " report of each connection (at most 30 days back), or begin at its start_from."
        )
    try:
        return bookmark_of(text, at.workspace_id)
    except UnreadableCursor as reason:
        raise Mistake(
            f"The cursor of {at.sensor} cannot be used because {reason}. The next tick continues"
            " from where the event log ends, and repeats nothing."
        ) from None


def _show(
    every: Sequence[Deployed],
    more: Callable[[Deployed, Bookmark], tuple[dict[str, object], Sequence[str]]],
    *,
    as_json: bool,
) -> None:
    """One sensor, or each of those that share the connections; `more` gives fields and lines."""
    shown: list[dict[str, object]] = []
    for place, at in enumerate(every):
        activity = at.stored.activity()
        try:
            bookmark = _bookmark(at)
        except Mistake as problem:
            if len(every) == 1:
                raise
            fields: dict[str, object] = {"problem": str(problem)}
            shown.append({"sensor": at.sensor, "activity": activity.name.lower(), **fields})
            lines: Sequence[str] = [f"{at.sensor} is {activity.value}.", str(problem)]
        else:
            fields, added = more(at, bookmark)
            shown.append({**bookmark_json(bookmark, at.sensor, activity, at.name_of), **fields})
            lines = [*bookmark_lines(bookmark, at.sensor, activity, at.name_of), *added]
        if not as_json:
            show(*([""] if place else []), *lines)
    if as_json:
        show_json(shown[0] if len(every) == 1 else {"sensors": shown})


@cursor.command(name="set", short_help="Make the sensor continue from another time.")
@sensor_options
@click.argument("time", type=when)
@dry_run_option
@yes_option
def set_cursor(
    definitions: str,
    sensor: str | None,
    location: str | None,
    time: When,
    dry_run: bool,
    yes: bool,
) -> int:
    """Make the sensor continue from TIME: 30d (ago), 2026-11-01, or 2026-11-01T10:00, by Airbyte's
    clock (UTC unless a zone is given).

    Moved back, it reports nothing twice. Moved forward, it never reports syncs that ended before
    TIME: it says how many those are, and asks. Stop the sensor first, and start it again
    afterwards.
    """
    with deployed(definitions, sensor, location) as every:
        at = together(every)
        if not dry_run:
            _refuse_running(every)
        see = show_if_read if yes else show
        now = at.client.server_time(fresh=True)
        goal = moment_at(time, now).replace(microsecond=0)
        if goal > now:
            raise Mistake(
                f"{moment(goal)} is in the future: by Airbyte's clock it is {moment(now)}."
            )
        texts = [bookmark_at(goal, at.workspace_id, each.stored.cursor()) for each in every]
        for each in every:
            see(*([f"{each.sensor}:"] if len(every) > 1 else []), *_consequences(each, goal, now))
        names = ", ".join(each.sensor for each in every)
        may = not dry_run and all(each.stored.may_be_off(_SET_BACK, yes=yes) for each in every)
        may = may and may_go_on(f"\nMake {names} continue from {moment(goal)}?", yes=yes)
        if may:
            _refuse_running(every)
            for each, text in zip(every, texts, strict=True):
                each.stored.set_cursor(text)
        done = f"{names} {'continues' if len(every) == 1 else 'continue'} from {moment(goal)}."
        see("", done if may else "Nothing was changed.")
    return 0 if may or dry_run else 1


def _refuse_running(every: Sequence[Deployed]) -> None:
    for each in every:
        each.stored.refuse_running(_SET_BACK)


def _consequences(at: Deployed, goal: datetime, now: datetime) -> list[str]:
    """What is skipped, and what will be reported: as the event log has it now."""
    filling = at.backfill()
    lines = []
    before = _read_from(at)
    if before is not None and before < goal:
        lines += _skipped(filling, before, goal)
    ahead = filling.plan(filling.read(goal, now + timedelta(seconds=1)))
    count = ahead.jobs.total()
    left = f"{counted(count, 'sync')} {'is' if count == 1 else 'are'} not reported yet"
    lines.append(f"From {moment(goal)} on, {left if count else 'all is reported'}.")
    if late := ahead.observations.total():
        lines.append(
            f"They would make {counted(late, 'late materialization')}, of tables that have a later"
            " one, which takes these back: run `dagster-airbyte-sync backfill` first, and they do"
            " not."
        )
    return lines


def _skipped(filling: Backfill, before: datetime, goal: datetime) -> list[str]:
    between = f"from {moment(before)} to {moment(goal)}"
    try:
        skipped = filling.plan(filling.read(before, goal)).jobs.total()
    except AirbyteUnavailable as error:
        # Such jobs may be why the sensor is to be moved past them.
        return [
            f"Skipped: all syncs that ended {between} and were not reported. How many those are is"
            f" unknown, because Airbyte cannot list them: {error}"
        ]
    if not skipped:
        return []
    return [
        f"Skipped: {counted(skipped, 'sync')} that ended {between} and were not reported;"
        " `dagster-airbyte-sync backfill` can still report them."
    ]


def _read_from(at: Deployed) -> datetime | None:
    """Where the sensor would read on now; None if its cursor does not say."""
    text = at.stored.cursor()
    try:
        return bookmark_of(text, at.workspace_id).read_from if text else None
    except UnreadableCursor:
        return None
