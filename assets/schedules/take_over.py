"""Handing the schedules of Airbyte over to Dagster, and back."""

from collections.abc import Callable, Iterable
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
from dagster_airbyte_sync.resources.schedules.schedule_times import schedule_text
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
    """It was given another schedule since, and keeps that."""
    GONE = "gone"
    """It is not in Airbyte any more."""


def take_over_schedules(
    workspace: BaseAirbyteWorkspace,
    connection_selector_fn: ConnectionSelector | None = None,
    *,
    say: Say = print_now,
) -> TakenOver:
    """Make the selected connections manual in Airbyte, so that only Dagster starts their syncs.

    To be called once, by a person, and never where definitions are loaded. Keep what is printed
    (append it to a file): one line of JSON for each connection, said *before* the connection is
    changed, so that nothing is lost if the call dies in the middle. `put_back_schedules` restores
    from it, and `build_schedules_from_airbyte(taken_over=...)` goes on firing by it. Called again,
    it takes over what is left, and returns that alone.

    Raises AirbyteSettingsError, with nothing changed, if cron cannot say one of the schedules, or
    if Airbyte would not take one of them back (intervals and zones other than UTC, where the
    Configuration API is closed). A paused connection with such a schedule keeps it; that is said in
    a line that begins with "#". If Airbyte refuses a change the others are still made; AirbyteError
    then names, in the end, all that may have kept their schedules.
    """
    with as_workspace(workspace).resolved() as ready:
        client = ready.get_client()
        scheduled = _scheduled(client, connection_selector_fn)
        paused = [each for each in scheduled if not each.is_active and _stays(client, each)]
        connections = [each for each in scheduled if each not in paused]
        refuse_what_cron_cannot_say(connections)
        _refuse_one_way(client, connections)
        for each in paused:
            say(f"{REMARK} {_named(each)} is paused and keeps {schedule_text(each.schedule)}")
        taken = [_taken(client.settings.workspace_id, each) for each in connections]
        _do_each(taken, lambda each: _take(client, each, say))
    return TakenOver({each.connection_id: each for each in taken})


def _scheduled(client: AirbyteClient, selector: ConnectionSelector | None) -> list[Connection]:
    connections = client.catalog(fresh=True).connections.values()
    selected = [each for each in connections if selector is None or selector(each)]
    return [each for each in selected if each.schedule.kind != "manual"]


def _stays(client: AirbyteClient, connection: Connection) -> bool:
    """Whether Dagster could not fire the schedule, or Airbyte would not take it back."""
    return bool(why_no_cron(connection)) or not client.can_set_schedule(connection.schedule)


def _refuse_one_way(client: AirbyteClient, connections: Iterable[Connection]) -> None:
    lost = [each for each in connections if not client.can_set_schedule(each.schedule)]
    if lost:
        names = "; ".join(f"{_named(each)}, {schedule_text(each.schedule)}" for each in lost)
        raise AirbyteSettingsError(
            "Without the Configuration API, Airbyte would not take these schedules back:"
            f" {names}. Make the connections manual in Airbyte's UI, or leave them out with"
            " connection_selector_fn."
        )


def _taken(workspace_id: str, connection: Connection) -> TakenSchedule:
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
    """Give connections the schedules back that `take_over_schedules` took: its text, or its result.

    What was done is said, and returned by connection id. A connection that was given another
    schedule meanwhile keeps that one. May be called again, after a crash too. Airbyte starts a
    sync of an interval at once if it is overdue. Raises AirbyteSettingsError, with nothing
    changed, if the text is of another workspace; and AirbyteError, in the end, that names all
    connections that Airbyte refuses to change.
    """
    taken = as_taken_over(taken)
    with as_workspace(workspace).resolved() as ready:
        client = ready.get_client()
        _refuse_foreign(taken, client.settings.workspace_id)
        connections = client.catalog(fresh=True).connections
        return _do_each(
            taken.schedules.values(),
            lambda each: _put_back(client, each, connections.get(each.connection_id), say),
        )


def _refuse_foreign(taken: TakenOver, workspace_id: str) -> None:
    foreign = {each.workspace_id for each in taken.schedules.values()} - {workspace_id}
    if foreign:
        raise AirbyteSettingsError(
            f"These schedules are of workspace {' and '.join(sorted(foreign))}, and this is"
            f" workspace {workspace_id}: nothing was changed."
        )


def _put_back(
    client: AirbyteClient, taken: TakenSchedule, connection: Connection | None, say: Say
) -> PutBackResult:
    named = f"{taken.connection_name!r} ({taken.connection_id})"
    if connection is None:
        say(f"{named} is not in Airbyte any more")
        return PutBackResult.GONE
    if connection.schedule == taken.schedule:
        say(f"{named} has its schedule already: {schedule_text(taken.schedule)}")
        return PutBackResult.ALREADY_THERE
    if connection.schedule.kind != "manual":
        say(
            f"{named} was given another schedule meanwhile, {schedule_text(connection.schedule)},"
            f" and keeps it. What it had is {schedule_text(taken.schedule)}"
        )
        return PutBackResult.CHANGED_MEANWHILE
    client.set_schedule(connection.id, taken.schedule)
    say(f"{named} has its schedule again: {schedule_text(taken.schedule)}")
    return PutBackResult.RESTORED
