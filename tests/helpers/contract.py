"""Whether what went over the wire agrees with Airbyte's own OpenAPI description.

The description is Airbyte's `config.yaml`: it holds the Configuration API under `/v1`, and under
`/public/v1` what the server of the public API is generated from, which the published `api.yaml`
is not. It describes the newest release, so an older simulated one does not keep it. It is not part
of this repository: set AIRBYTE_OPENAPI_DIR to a folder that has it as `configuration-api.yaml`.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from dagster_airbyte_sync.testing import Exchange, RecordedRequest

HOST = "http://localhost:8000"
FILE = "configuration-api.yaml"
COMBINERS = ("allOf", "anyOf", "oneOf")

# Where the description is known to be wrong: keys that it requires by another name than the
# server uses (None: not at all), each with the reason.
REQUIRED_BY_MISTAKE: Mapping[str, tuple[str, str | None, str]] = {
    "AirbyteStream": ("json_schema", "jsonSchema", "the property is called jsonSchema"),
    "ConnectionEvent": ("created_at", "createdAt", "the property is called createdAt"),
    "ApplicationTokenRequestWithGrant": ("grant_type", None, "there is no such property"),
    "InstanceConfigurationResponse": ("licenseStatus", None, "only an enterprise has a licence"),
}
# Of these what is described is one of several by its properties, which the description leaves open.
KNOWN_BY_PROPERTIES = ("MapperConfiguration", "EncryptionMapperConfiguration")
# Not checked at all:
# - the bodies of errors, as most of them (409, 422, 429, 500) are not in the description, and the
#   rest are problems, which have a description of their own (api-problems.yaml);
# - whether a request is authenticated, as an Airbyte can be run without that;
# - bodies that are not JSON, which is the public health check.


def contract_violations(exchanges: Iterable[Exchange]) -> list[str]:
    """What is wrong with these requests and answers, a line for each; skips if undescribed."""
    contract = _contract()
    return [line for each in exchanges for line in contract.violations(each)]


class Contract:
    """Airbyte's description, read strictly: what it does not mention is a violation, too."""

    def __init__(self, description: dict[str, Any]) -> None:
        _correct(description["components"]["schemas"])
        _make_strict(description["components"]["schemas"])
        description.pop("security", None)
        self._paths: dict[str, Any] = description["paths"]
        self._openapi = OpenAPI.from_dict(description, config=Config(spec_validator_cls=None))

    def violations(self, exchange: Exchange) -> Iterator[str]:
        where = f"{exchange.request.method} {exchange.request.path} -> {exchange.status}"
        operation = self._operation(exchange.request)
        if operation is None:
            yield f"{where}: not described"
            return
        for problem in self._problems(exchange, operation):
            yield f"{where}: {problem}"

    def _problems(self, exchange: Exchange, operation: dict[str, Any]) -> Iterator[str]:
        known = {parameter["name"] for parameter in operation.get("parameters", ())}
        for name in set(exchange.request.query) - known:
            yield f"query parameter {name} is not described"
        request = _Request(exchange.request)
        yield from _complaints("request", self._openapi.iter_request_errors(request))
        if exchange.status < 400:
            answer = _Answer(exchange)
            yield from _complaints("answer", self._openapi.iter_response_errors(request, answer))

    def _operation(self, request: RecordedRequest) -> dict[str, Any] | None:
        path = request.path.removeprefix("/api")
        item = self._paths.get(path) or self._paths.get(self._template(path)) or {}
        operation: dict[str, Any] | None = item.get(request.method.lower())
        return operation

    def _template(self, path: str) -> str:
        parts = path.split("/")
        return next((known for known in self._paths if _fits(known.split("/"), parts)), "")


class _Request:
    """A recorded request as openapi-core wants to see it."""

    host_url = HOST

    def __init__(self, request: RecordedRequest) -> None:
        pairs = [(name, value) for name, values in request.query.items() for value in values]
        self.path = request.path
        self.method = request.method.lower()
        self.body = request.content or None
        self.content_type = _content_type(request.headers)
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(pairs), header=Headers(dict(request.headers))
        )


class _Answer:
    """A recorded answer as openapi-core wants to see it."""

    def __init__(self, exchange: Exchange) -> None:
        self.status_code = exchange.status
        self.headers = Headers(dict(exchange.headers))
        self.content_type = _content_type(exchange.headers)
        self.data = exchange.body


def openapi_file() -> Path | None:
    """Airbyte's description, if this machine has it."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "openapi"
    file = Path(os.environ.get("AIRBYTE_OPENAPI_DIR") or beside) / FILE
    return file if file.exists() else None


@cache
def _contract() -> Contract:
    file = openapi_file()
    if file is None:
        pytest.skip(f"Airbyte's {FILE} is not here: set AIRBYTE_OPENAPI_DIR to its folder")
    return Contract(yaml.load(file.read_text(), yaml.CSafeLoader))


def _correct(schemas: dict[str, Any]) -> None:
    for name, (wrong, right, _) in REQUIRED_BY_MISTAKE.items():
        required = schemas[name]["required"]
        schemas[name]["required"] = [right if key == wrong else key for key in required]
        schemas[name]["required"] = [key for key in schemas[name]["required"] if key]


def _make_strict(schemas: dict[str, Any]) -> None:
    """Forbid properties that are not described, but for schemas that are combined with others."""
    alternatives = [schemas[name] for name in KNOWN_BY_PROPERTIES]
    combined = set(_combined(schemas)) - set(_combined(alternatives))
    for name, schema in schemas.items():
        if name not in combined and "properties" in schema and not _is_combined(schema):
            schema.setdefault("additionalProperties", False)


def _combined(node: object) -> Iterator[str]:
    """Names of the schemas that occur inside allOf, anyOf or oneOf."""
    if isinstance(node, dict):
        for part in (part for key in COMBINERS for part in node.get(key, ())):
            yield str(part.get("$ref", "")).rpartition("/")[2]
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _combined(child)


def _is_combined(schema: dict[str, Any]) -> bool:
    return any(key in schema for key in COMBINERS)


def _complaints(what: str, errors: Iterable[Exception]) -> Iterator[str]:
    for error in errors:
        details = getattr(error.__cause__, "schema_errors", None) or [error]
        yield from (f"{what} {_place(detail)}" for detail in details)


def _place(error: Exception) -> str:
    """jsonschema says where in the JSON the error is, openapi-core has a cause at most."""
    place = getattr(error, "json_path", None)
    if place:
        return f"{place}: {getattr(error, 'message', error)}"
    return f"{error or type(error).__name__} ({error.__cause__})"


def _content_type(headers: Mapping[str, str]) -> str:
    return Headers(dict(headers)).get("Content-Type", "").lower()


def _fits(template: list[str], parts: list[str]) -> bool:
    return len(template) == len(parts) and all(
        known.startswith("{") or known == part for known, part in zip(template, parts, strict=True)
    )
