"""What went over the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.wrappers import Request, Response

from dagster_airbyte_sync.testing.wire.payload import JsonObject


@dataclass(frozen=True)
class RecordedRequest:
    """A request as it came in. `body` is its JSON object or form, or None."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: JsonObject | None
    headers: Mapping[str, str]
    content: bytes = b""


@dataclass(frozen=True)
class Exchange:
    """A request and its answer."""

    request: RecordedRequest
    status: int
    headers: Mapping[str, str]
    body: bytes


def record(request: Request) -> RecordedRequest:
    content = request.get_data(cache=True)
    return RecordedRequest(
        method=request.method,
        path=request.path,
        query=request.args.to_dict(flat=False),
        body=_body(request, content),
        headers=dict(request.headers),
        content=content,
    )


def exchange(request: RecordedRequest, response: Response) -> Exchange:
    return Exchange(request, response.status_code, dict(response.headers), response.get_data())


def _body(request: Request, content: bytes) -> JsonObject | None:
    if request.mimetype == "application/x-www-form-urlencoded":
        return request.form.to_dict()
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
