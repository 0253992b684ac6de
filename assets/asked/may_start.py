"""Whether a refresh or clear can be sent, where Airbyte would wait for ever or do nothing.

And the failures of starts, in one sentence each.
"""

from dataclasses import dataclass, replace

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.matching import match
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRedirected,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSentPage,
    AirbyteUnauthorized,
    AirbyteUnavailable,
    Api,
    Connection,
    JobRequest,
    JobType,
    NotSteady,
)

# Airbyte answers 409 `state-conflict` to a sync of each of these, in the same words
# (`SchedulerHandler`). To a refresh it does not answer at all (`startNewManualSync`), and its UI
# lets nobody refresh or clear them.
_WHY_NOT = {
    "inactive": "The Airbyte connection is inactive: enable it in Airbyte to {} it",
    "deprecated": "The Airbyte connection was deleted: reload the definitions",
    "locked": "The Airbyte connection is locked: Airbyte lets it {} again once it is unlocked",
}
_NOT_THERE = "These credentials can see no such Airbyte connection"
_REFUSED = "Airbyte did not start the {}"
_NO_ROLE = "These credentials may not {} in Airbyte: that requires the role of {}"
_ROLES = {JobType.REFRESH: "a runner", JobType.CLEAR: "an editor"}
_BLOCKED = (
    "something in front of Airbyte (a gateway or reverse proxy) blocks {}: let that address through"
    " for these credentials, or {} in Airbyte's UI. Nothing was started."
)
# Airbyte itself gives no such answer to a request for a connection that it knows, once it has taken
# the token; but 403 to who lacks a role.
_BLOCKING = (
    AirbyteForbidden,
    AirbyteNotFound,
    AirbyteRedirected,
    AirbyteSentPage,
    AirbyteUnauthorized,
)
_BLOCKING_STATUSES = (405, 410)


@dataclass(frozen=True)
class Beginning:
    """A request with the names that its streams have in Airbyte, and the API to send it to."""

    request: JobRequest
    through: Api = "public"

    @classmethod
    def of(cls, client: AirbyteClient, request: JobRequest) -> "Beginning":
        """Look at the connection as it is now: one request for a clear, two for a refresh.

        Nothing is asked before a sync, which Airbyte refuses by itself. Raises dg.Failure for what
        cannot be sent.
        """
        if request.type is JobType.SYNC:
            return cls(request)
        catalog = client.connections_with(request.connection_id)
        connection = catalog.connections.get(request.connection_id)
        if connection is None:
            raise failure(_NOT_THERE, request.connection_id, "", is_final=True)
        if not connection.is_active:
            description = _why_not(connection.status, request.type)
            raise failure(description, connection.id, connection.status_reason or "", connection)
        begin = cls(_as_named_now(request, connection), catalog.read_from or "public")
        if request.type is JobType.REFRESH and begin.through == "configuration":
            _refuse_old_destination(client, connection)
        return begin


def _as_named_now(request: JobRequest, connection: Connection) -> JobRequest:
    """Definitions that were made from the public API may lack the namespaces of streams."""
    if request.streams is None:
        return request
    known = match(request.streams, [stream.id for stream in connection.selected_streams]).pairs
    missing = [str(stream) for stream in request.streams if stream not in known]
    if missing:
        raise failure(
            f"The Airbyte connection {connection.name!r} does not sync the streams that are to be"
            f" {_DONE[request.type]}: {', '.join(missing)}. Reload the definitions.",
            connection.id,
            "",
            is_final=True,
        )
    named = tuple(known[stream] for stream in request.streams)
    is_all = len(named) == len(connection.selected_streams)
    return replace(request, streams=None if is_all else named)


_DONE = {JobType.REFRESH: "refreshed", JobType.CLEAR: "cleared"}


def _refuse_old_destination(client: AirbyteClient, connection: Connection) -> None:
    try:
        is_supported = client.supports_refreshes(connection)
    except AirbyteRequestError as error:
        refuse_blocked(JobType.REFRESH, connection.id, error)
        raise
    if not is_supported:
        raise failure(
            f"The destination {_destination_name(client, connection)} does not support refreshes:"
            " upgrade its connector in Airbyte (Settings > Destinations). Nothing was started.",
            connection.id,
            "",
            is_final=True,
        )


def _destination_name(client: AirbyteClient, connection: Connection) -> str:
    try:
        name = client.catalog(fresh=True).destination_of(connection).name
    except AirbyteError:
        name = ""
    return repr(name) if name else connection.destination_id


def refuse_if_down(client: AirbyteClient, refusal: dg.Failure | AirbyteError) -> None:
    """Raise NotSteady if Airbyte itself cannot have refused: while it restarts, gateways do."""
    cause = refusal.__cause__ if isinstance(refusal, dg.Failure) else refusal
    if not isinstance(cause, AirbyteError) or isinstance(cause, AirbyteUnavailable):
        return
    if not client.steadiness(fresh=True).is_steady:
        raise NotSteady.because_of(cause) from refusal


def refuse_unknown(connection_id: str, error: AirbyteRequestError) -> None:
    """Raise if Airbyte knows no such connection: who is no administrator is answered 403 then."""
    if isinstance(error, AirbyteForbidden | AirbyteNotFound):
        raise failure(_NOT_THERE, connection_id, error.reason, is_final=True) from error


def refuse_blocked(
    kind: JobType, connection_id: str, error: AirbyteRequestError, *, may_lack_role: bool = False
) -> None:
    """Raise if a request on a connection that was just read did not come as far as Airbyte."""
    if not isinstance(error, _BLOCKING) and error.status not in _BLOCKING_STATUSES:
        return
    blocked = _BLOCKED.format(f"{error.method} {error.url}", kind.value)
    description = f"It seems that {blocked}"
    # A gateway may forbid in the same words as Airbyte.
    is_final = may_lack_role and isinstance(error, AirbyteForbidden)
    if is_final:
        description = f"{_NO_ROLE.format(kind.value, _ROLES[kind])}. If they have it, {blocked}"
    raise failure(description, connection_id, str(error), is_final=is_final) from error


def refuse_inactive(client: AirbyteClient, connection_id: str, refusal: AirbyteRefused) -> None:
    """Raise if a sync was refused because the connection is not active."""
    connection = client.connection(connection_id)
    if not connection.is_active:
        description = _why_not(connection.status, JobType.SYNC)
        raise failure(description, connection_id, refusal.reason, connection) from refusal


def _why_not(status: str, kind: JobType) -> str:
    return _WHY_NOT.get(status, _REFUSED).format(kind.value)


def failure(
    description: str,
    connection_id: str,
    reason: str,
    connection: Connection | None = None,
    *,
    is_final: bool = False,
) -> dg.Failure:
    """A failed start. What differs is metadata, where error trackers are to group it.

    `connection` is one that is gone or switched off: it will not come back by itself.
    """
    known = {
        keys.CONNECTION_ID: connection_id,
        keys.CONNECTION_STATUS: connection.status if connection else None,
        keys.FAILURE_REASON: reason or None,
    }
    return dg.Failure(
        description=description,
        metadata={key: value for key, value in known.items() if value is not None},
        allow_retries=connection is None and not is_final,
    )
