"""Handing the schedules of Airbyte over to Dagster, and back."""

from collections.abc import Callable, Iterable
from enum import Enum
from functools import partial

from dagster_airbyte_sync.assets.mirrored_schedules import refuse_what_cron_cannot_say
from dagster_airbyte_sync.assets.tables import ConnectionSelector
from dagster_airbyte_sync.assets.taken_schedules import TakenOver, TakenSchedule
from dagster_airbyte_sync.assets.timing import in_words
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    Connection,
    SyncSchedule,
    as_workspace,
)

Say = Callable[[str], None]

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
    Configuration API is closed).
    """
    with as_workspace(workspace).resolved() as ready:
        client = ready.get_client()
        connections = _scheduled(client, connection_selector_fn)
        refuse_what_cron_cannot_say(connections)
        _refuse_one_way(client, connections)
        taken = [_take(client, client.settings.workspace_id, each, say) for each in connections]
    return TakenOver({each.connection_id: each for each in taken})


def _scheduled(client: AirbyteClient, selector: ConnectionSelector | None) -> list[Connection]:
    connections = client.catalog(fresh=True).connections.values()
    selected = [each for each in connections if selector is None or selector(each)]
    return [each for each in selected if each.schedule.kind != "manual"]


def _refuse_one_way(client: AirbyteClient, connections: Iterable[Connection]) -> None:
    lost = [each for each in connections if not client.can_set_schedule(each.schedule)]
    if lost:
        names = "; ".join(f"{each.name!r} ({each.id}), {in_words(each.schedule)}" for each in lost)
        raise AirbyteSettingsError(
            "Without the Configuration API, Airbyte would not take these schedules back:"
            f" {names}. Make the connections manual in Airbyte's UI, or leave them out with"
            " connection_selector_fn."
        )


def _take(
    client: AirbyteClient, workspace_id: str, connection: Connection, say: Say
) -> TakenSchedule:
    taken = TakenSchedule(workspace_id, connection.id, connection.name, connection.schedule)
    say(taken.text)
    client.set_schedule(connection.id, SyncSchedule())
    return taken


def put_back_schedules(
    workspace: BaseAirbyteWorkspace, taken: TakenOver | str, *, say: Say = print_now
) -> dict[str, PutBackResult]:
    """Give connections the schedules back that `take_over_schedules` took: its text, or its result.

    What was done is said, and returned by connection id. A connection that was given another
    schedule meanwhile keeps that one. May be called again, after a crash too. Airbyte starts a
    sync of an interval at once if it is overdue. Raises AirbyteSettingsError, with nothing
    changed, if the text is of another workspace.
    """
    taken = TakenOver.from_text(taken) if isinstance(taken, str) else taken
    with as_workspace(workspace).resolved() as ready:
        client = ready.get_client()
        _refuse_foreign(taken, client.settings.workspace_id)
        connections = client.catalog(fresh=True).connections
        return {
            each.connection_id: _put_back(client, each, connections.get(each.connection_id), say)
            for each in taken.schedules.values()
        }


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
        say(f"{named} has its schedule already: {in_words(taken.schedule)}")
        return PutBackResult.ALREADY_THERE
    if connection.schedule.kind != "manual":
        say(
            f"{named} was given another schedule meanwhile, {in_words(connection.schedule)}, and"
            f" keeps it. What it had is {in_words(taken.schedule)}"
        )
        return PutBackResult.CHANGED_MEANWHILE
    client.set_schedule(connection.id, taken.schedule)
    say(f"{named} has its schedule again: {in_words(taken.schedule)}")
    return PutBackResult.RESTORED
