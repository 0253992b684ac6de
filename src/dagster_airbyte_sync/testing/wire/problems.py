"""How Airbyte says no.

The public API answers with problems (`airbyte-api/problems-api`), labelled as plain JSON. The
Configuration API has bodies of its own, which say almost nothing since 2.0.
"""

import json
import uuid

from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject, without_nulls
from dagster_airbyte_sync.testing.wire.versions import Version

_REFERENCE = "https://reference.airbyte.com/reference/errors"


class Refusal(Exception):
    """Raised if a request is answered with an error."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def answer(body: Json, status: int = 200) -> Response:
    """Any JSON answer, without the keys that have no value."""
    return Response(json.dumps(without_nulls(body)), status, mimetype="application/json")


def problem(
    status: int, title: str, detail: str, message: str | None = None, **data: Json
) -> Refusal:
    content = {"message": message, **data} if message or data else None
    kind = f"{_REFERENCE}#{title}"
    body: JsonObject = {"status": status, "type": kind, "title": title, "detail": detail}
    return Refusal(answer({**body, "data": content}, status))


def bad_request(message: str) -> Refusal:
    detail = "The request could not be processed due to a client error."
    return problem(400, "bad-request", detail, message)


def unbound(argument: str, value: str) -> Refusal:
    """Micronaut's own answer to a value that it cannot convert."""
    message = f"Failed to convert argument [{argument}] for value [{value}]"
    errors: Json = [{"message": message}]
    return Refusal(answer({"message": "Bad Request", "_embedded": {"errors": errors}}, 400))


def forbidden() -> Refusal:
    return problem(403, "forbidden", "You don't have permission to access this resource.")


def resource_not_found(kind: str, resource_id: str) -> Refusal:
    detail = "The server could not find the requested resource."
    return problem(
        404, "resource-not-found", detail, None, resourceType=kind, resourceId=resource_id
    )


def try_again_later(connection_id: str) -> Refusal:
    detail = "The server is not ready to process the request. Try again later."
    return problem(409, "try-again-later", detail, already_running(connection_id))


def state_conflict(message: str) -> Refusal:
    detail = "State of target resource is in conflict with request."
    return problem(409, "state-conflict", detail, message)


def locked(connection_id: str, reason: str | None) -> Refusal:
    """Of both APIs."""
    detail = "The connection is locked and cannot be modified."
    data: JsonObject = {"connectionId": connection_id, "statusReason": reason or None}
    return _named(409, "error:connection/locked", "Connection is locked", detail, data)


def tag_exists() -> Refusal:
    detail = "A tag with this name already exists in this workspace."
    return _named(409, "error:tag-already-exists", "Tag already exists", detail)


def tag_name_too_long() -> Refusal:
    detail = "The tag name can be maximum 30 characters."
    return _named(400, "error:tag-name-too-long", "Tag name too long", detail)


def no_color() -> Refusal:
    detail = "The hex color provided is invalid."
    return _named(400, "error:tag-invalid-hex-color", "Invalid hex color", detail)


def _named(
    status: int, kind: str, title: str, detail: str, data: JsonObject | None = None
) -> Refusal:
    """A problem whose type is no address."""
    body: JsonObject = {"status": status, "type": kind, "title": title, "detail": detail}
    return Refusal(answer({**body, "data": data}, status))


def unprocessable(message: str) -> Refusal:
    detail = "The body of the request was not understood."
    return problem(422, "unprocessable-entity", detail, message)


def unexpected(version: Version) -> Refusal:
    """An exception that nobody caught; since 2.0 its message is kept from the client."""
    if version.since(2, 0):
        return Refusal(answer({"errorId": str(uuid.uuid4())}, 500))
    return problem(500, "unexpected-problem", "An unexpected problem has occurred.")


def gave_up() -> Refusal:
    """A gateway's answer for an Airbyte that gives none."""
    return Refusal(
        Response("<html><h1>504 Gateway Time-out</h1></html>", 504, mimetype="text/html")
    )


def already_running(connection_id: str) -> str:
    return f"A sync is already running for: {connection_id}"


def known_exception(status: int, message: str, version: Version) -> Refusal:
    """The Configuration API's answer that does keep its message."""
    error_id = str(uuid.uuid4()) if version.since(2, 0) else None
    return Refusal(answer({"message": message, "errorId": error_id}, status))


def configuration_error(status: int, message: str, version: Version) -> Refusal:
    if version.since(2, 0):
        return Refusal(answer({"errorId": str(uuid.uuid4())}, status))
    name = "io.airbyte.commons.server.errors.KnownException"
    body: JsonObject = {"message": message, "exceptionClassName": name, "exceptionStack": []}
    return Refusal(answer(body, status))


def no_content() -> Response:
    """What was asked for is done, and there is nothing to say."""
    return Response(status=204)


def unauthorized() -> Response:
    return answer({"message": "Unauthorized", "_embedded": {"errors": []}}, 401)


def no_such_page() -> Response:
    """Labelled as JSON, and no JSON (`NotFoundController`)."""
    return Response("Object not found.", 404, mimetype="application/json")
