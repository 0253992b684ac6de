"""Handing the schedules of Airbyte over to Dagster, and back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TypeVar

from dagster_airbyte_sync.assets.schedules.airbyte_schedules import (
    refuse_what_cron_cannot_say,
    why_no_cron,
)
from dagster_airbyte_sync.assets.tables.table import ConnectionSelector
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    Connection,
    SyncSchedule,
    as_workspace,
)
from dagster_airbyte_sync.resources.schedules.schedule_words import schedule_words
from dagster_airbyte_sync.resources.schedules.taken_over import (
    REMARK,
    TakenOver,
    TakenSchedule,
    as_taken_over,
)

Say = Callable[[str], None]
Result = TypeVar("Result")

# Flushed, because a line must be read by whoever lives when this process does not.
print_now: Say = partial(print, flush=True)


class PutBackResult(str, Enum):
    """What `put_back_schedules` did with a connection."""

    RESTORED = "restored"
    ALREADY_THERE = "already_there"
    CHANGED_MEANWHILE = "changed_meanwhile"
    """It was given another schedule in the meantime, which it keeps."""
    GONE = "gone"
    """It is no longer in Airbyte."""


def take_over_schedules(
    workspace: BaseAirbyteWorkspace,
    connection_selector_fn: ConnectionSelector | None = None,
    *,
    say: Say = print_now,
) -> TakenOver:
    """Make the selected connections manual in Airbyte, so that only Dagster starts their syncs.

    Call it once, by hand, and never where definitions are loaded. Keep what it prints, for example
    by appending it to a file: one line of JSON for each connection, printed *before* the connection
    is changed, so that nothing is lost if the call dies halfway. `put_back_schedules` restores
    schedules from these lines, and `build_schedules_from_airbyte(taken_over=...)` fires at their
    times. If you call it again, it takes over what is left, and returns only that.

    A paused connection keeps its schedule if Dagster or Airbyte could not restore it; a line that
    begins with "#" says so.

    Args:
        workspace: The workspace to change.
        connection_selector_fn: Selects the connections. Default: all.
        say: Called with each line. Default: print.

    Raises:
        AirbyteSettingsError: With nothing changed, if a schedule cannot be written as cron, or if
            Airbyte would not take it back (where the Configuration API is closed: intervals, and
            time zones other than UTC).
        AirbyteError: If Airbyte refuses a change. The other changes are still made; the error,
            raised at the end, names all connections that may have kept their schedules.
    """
    with as_workspace(workspace).resolved() as ready:
        client = ready.get_client()
        plan = _plan(client, connection_selector_fn)
        refuse_what_cron_cannot_say(plan.connections)
        _refuse_one_way(client, plan.connections)
        for each in plan.paused:
            say(f"{REMARK} {_named(each)} is paused and keeps {schedule_words(each.schedule)}")
        taken = [_taken(each) for each in plan.connections]
        _do_each(taken, lambda each: _take(client, each, say))
    return TakenOver({each.connection_id: each for each in taken})


@dataclass(frozen=True)
class TakeOverPlan:
    """What `take_over_schedules` would do in these workspaces: which `connections` it would make
    manual.

    `paused` keep a schedule that Dagster could not fire. `reasons`, by connection id, are why all
    of it would be refused.
    """

    workspaces: Sequence[str]
    connections: Sequence[Connection]
    paused: Sequence[Connection]
    reasons: Mapping[str, str]


def plan_take_over(
    workspace: BaseAirbyteWorkspace, connection_selector_fn: ConnectionSelector | None = None
) -> TakeOverPlan:
    """What `take_over_schedules` would do, without doing it. Raises AirbyteError."""
    with as_workspace(workspace).resolved() as ready:
        return _plan(ready.get_client(), connection_selector_fn)


def _plan(client: AirbyteClient, selector: ConnectionSelector | None) -> TakeOverPlan:
    scheduled = _scheduled(client, selector)
    reasons = {each.id: _why_it_stays(client, each) for each in scheduled}
    stays = [each for each in scheduled if not each.is_active and reasons[each.id]]
    left = [each for each in scheduled if each not in stays]
    known = {each.id: reason for each in left if (reason := reasons[each.id])}
    return TakeOverPlan(client.workspace_ids(), left, stays, known)


def _scheduled(client: AirbyteClient, selector: ConnectionSelector | None) -> list[Connection]:
    connections = client.catalog(fresh=True).connections.values()
    selected = [each for each in connections if selector is None or selector(each)]
    return [each for each in selected if each.schedule.kind != "manual"]


def _why_it_stays(client: AirbyteClient, connection: Connection) -> str | None:
    """Why Dagster could not fire the schedule, or Airbyte would not take it back."""
    if why_no_cron(connection):
        return "Dagster has no schedule that fires as this one does"
    if not client.can_set_schedule(connection.schedule):
        return "without the Configuration API, Airbyte would not take it back"
    return None


def _refuse_one_way(client: AirbyteClient, connections: Iterable[Connection]) -> None:
    lost = [each for each in connections if not client.can_set_schedule(each.schedule)]
    if lost:
        names = "; ".join(f"{_named(each)}, {schedule_words(each.schedule)}" for each in lost)
        raise AirbyteSettingsError(
            "Without the Configuration API, Airbyte would not take these schedules back:"
            f" {names}. Make the connections manual in Airbyte's UI, or leave them out with"
            " connection_selector_fn."
        )


def _taken(connection: Connection) -> TakenSchedule:
    workspace_id = connection.workspace_id or ""
    return TakenSchedule(workspace_id, connection.id, connection.name, connection.schedule)


def _take(client: AirbyteClient, taken: TakenSchedule, say: Say) -> None:
    say(taken.text)
    client.set_schedule(taken.connection_id, SyncSchedule())


def _do_each(
    taken: Iterable[TakenSchedule], change: Callable[[TakenSchedule], Result]
) -> dict[str, Result]:
    """What each change returned. Raises AirbyteError, in the end, that names those that failed."""
    done: dict[str, Result] = {}
    failed: dict[str, AirbyteError] = {}
    for each in taken:
        try:
            done[each.connection_id] = change(each)
        except AirbyteError as error:
            failed[f"{each.connection_name!r} ({each.connection_id})"] = error
    if failed:
        reasons = "; ".join(f"{named}: {error}" for named, error in failed.items())
        raise AirbyteError(
            f"{len(failed)} of {len(done) + len(failed)} schedules were not changed, as far as is"
            f" known; call again for them. {reasons}"
        )
    return done


def _named(connection: Connection) -> str:
    return f"{connection.name!r} ({connection.id})"


def put_back_schedules(
    workspace: BaseAirbyteWorkspace, taken: TakenOver | str, *, say: Say = print_now
) -> dict[str, PutBackResult]:
    """Give connections back the schedules that `take_over_schedules` took over.

    A connection that was given another schedule in the meantime keeps that one. You can call it
    again, also after a crash. Airbyte starts a sync on an interval at once if it is overdue.

    Args:
        workspace: The workspace to change.
        taken: What `take_over_schedules` printed or returned.
        say: Called with a line for each connection. Default: print. If nobody reads the output any
            more (a broken pipe), the rest is still put back.

    Returns:
        What was done, by connection id.

    Raises:
        AirbyteSettingsError: With nothing changed, if the text is of another workspace.
        AirbyteError: At the end, naming all connections that Airbyte refuses to change.
    """
    taken = as_taken_over(taken)
    say = _as_long_as_read(say)
    with as_workspace(workspace).resolved() as ready:
        client = ready.get_client()
        connections = _connections_of(client, taken)
        return _do_each(
            taken.schedules.values(),
            lambda each: _put_back(client, each, connections.get(each.connection_id), say),
        )


@dataclass(frozen=True)
class PutBackStep:
    """What `put_back_schedules` would do with one connection, which has `now` as its schedule."""

    taken: TakenSchedule
    result: PutBackResult
    now: SyncSchedule | None


def plan_put_back(workspace: BaseAirbyteWorkspace, taken: TakenOver | str) -> list[PutBackStep]:
    """What `put_back_schedules` would do, without doing it. Raises what that raises."""
    taken = as_taken_over(taken)
    with as_workspace(workspace).resolved() as ready:
        connections = _connections_of(ready.get_client(), taken)
    return [_step(each, connections.get(each.connection_id)) for each in taken.schedules.values()]


def _step(taken: TakenSchedule, connection: Connection | None) -> PutBackStep:
    now = None if connection is None else connection.schedule
    return PutBackStep(taken, _result(taken, connection), now)


def _as_long_as_read(say: Say) -> Say:
    """Says nothing more once nobody reads it."""
    is_read = True

    def said(line: str) -> None:
        nonlocal is_read
        if is_read:
            try:
                say(line)
            except BrokenPipeError:
                is_read = False

    return said


def _connections_of(client: AirbyteClient, taken: TakenOver) -> Mapping[str, Connection]:
    """All connections now. Raises AirbyteSettingsError for schedules of another workspace."""
    here = client.workspace_ids()
    foreign = {each.workspace_id for each in taken.schedules.values()} - {*here}
    if foreign:
        raise AirbyteSettingsError(
            f"These schedules are of workspace {' and '.join(sorted(foreign))}, and this is"
            f" workspace {' and '.join(here)}: nothing was changed."
        )
    return client.catalog(fresh=True).connections


def _result(taken: TakenSchedule, connection: Connection | None) -> PutBackResult:
    if connection is None:
        return PutBackResult.GONE
    if connection.schedule == taken.schedule:
        return PutBackResult.ALREADY_THERE
    if connection.schedule.kind != "manual":
        return PutBackResult.CHANGED_MEANWHILE
    return PutBackResult.RESTORED


def _put_back(
    client: AirbyteClient, taken: TakenSchedule, connection: Connection | None, say: Say
) -> PutBackResult:
    result = _result(taken, connection)
    if result is PutBackResult.RESTORED:
        client.set_schedule(taken.connection_id, taken.schedule)
    say(f"{taken.connection_name!r} ({taken.connection_id}) {_said(_step(taken, connection))}")
    return result


def _said(step: PutBackStep) -> str:
    had = schedule_words(step.taken.schedule)
    if step.result is PutBackResult.CHANGED_MEANWHILE and step.now is not None:
        return (
            f"has been given another schedule in the meantime, {schedule_words(step.now)}, and"
            f" keeps it (before: {had})"
        )
    return {
        PutBackResult.GONE: "is no longer in Airbyte",
        PutBackResult.ALREADY_THERE: f"has its schedule already: {had}",
    }.get(step.result, f"has its schedule again: {had}")
