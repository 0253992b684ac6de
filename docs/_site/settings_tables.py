"""Makes tables of settings: `[[attributes]]` of the component's schema, `[[fields X]]` of a class.

MkDocs calls `on_page_markdown`; see `hooks` in mkdocs.yml.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

import dagster_airbyte_sync
from dagster_airbyte_sync import AirbyteWorkspaceComponent
from dagster_airbyte_sync.component.schedule_fields import ScheduleFields
from dagster_airbyte_sync.component.sensor_fields import ChecksFields, SensorFields
from dagster_airbyte_sync.component.trigger_fields import OnFailureFields, WhenAllFields

PLACE = "[[attributes]]"
Schema = Mapping[str, Any]
# Dagster's schema of these has lost the descriptions of their fields.
FIELDS: dict[str, type[BaseModel]] = {
    f"{each.__name__}Model": each
    for each in (ChecksFields, OnFailureFields, ScheduleFields, SensorFields, WhenAllFields)
}
# They are Dagster's own, the same for every component.
ELSEWHERE = {"DefsStateConfigArgs"}
TYPES = {"string": "text", "boolean": "true or false", "integer": "number", "object": "mapping"}


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page, with the tables where it says so."""
    if PLACE in markdown:
        markdown = markdown.replace(PLACE, "\n".join(_tables()))
    return re.sub(r"\[\[fields (\w+)\]\]", lambda found: _fields(found[1]), markdown)


def _fields(name: str) -> str:
    """Those of a public class of ours; Dagster's own have no descriptions."""
    model: type[BaseModel] = getattr(dagster_airbyte_sync, name)
    rows = ["| Field | What it is | Default |", "|---|---|---|"]
    for field, about in model.model_fields.items():
        if about.description:
            default = "needed" if about.is_required() else f"`{about.get_default()!r}`"
            rows.append(f"| `{field}` | {' '.join(about.description.split())} | {default} |")
    return "\n".join(rows)


def _tables() -> Iterator[str]:
    model = AirbyteWorkspaceComponent.get_model_cls()
    assert model is not None
    schema = model.model_json_schema()
    yield from _table("attributes", schema, AirbyteWorkspaceComponent)
    yield from _inner("", schema, schema["$defs"])


def _inner(prefix: str, schema: Schema, known: Schema) -> Iterator[str]:
    """A table for each attribute that has settings of its own, and for those within."""
    for name, field in schema["properties"].items():
        for found in _settings_in(field, known):
            if found in ELSEWHERE or "properties" not in known[found]:
                continue
            path = f"{prefix}{name}"
            if found in FIELDS or not prefix:
                yield from _table(path, known[found], FIELDS.get(found))
                yield from _inner(f"{path}.", known[found], known)


def _table(name: str, schema: Schema, fields: type[BaseModel] | None) -> Iterator[str]:
    yield f"\n## `{name}`\n"
    yield "| Attribute | What it is | Value | Default |"
    yield "|---|---|---|---|"
    needed = schema.get("required", [])
    for attribute, field in schema["properties"].items():
        default = "needed" if attribute in needed else _default(field)
        text = " ".join((field.get("description") or _description(fields, attribute)).split())
        yield f"| `{attribute}` | {text} | {_value(field)} | {default} |"


def _description(fields: type[BaseModel] | None, attribute: str) -> str:
    if fields is None:
        return ""
    by_alias = {each.alias or name: each for name, each in fields.model_fields.items()}
    return (by_alias[attribute].description if attribute in by_alias else None) or ""


def _default(field: Schema) -> str:
    value = field.get("default")
    is_plain = isinstance(value, str | bool | int | float) and value != "__DAGSTER_UNSET_DEFAULT__"
    return f"`{str(value).lower()}`" if is_plain else ""


def _value(field: Schema) -> str:
    """In words what YAML may have there; a template may stand for any of it."""
    if "anyOf" in field:
        kinds = [_value(each) for each in field["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in field:
        return " or ".join(f"`{each}`" for each in field["enum"])
    if "$ref" in field:
        return "settings"
    if field.get("type") == "array":
        return f"list of {_value(field.get('items', {}))}"
    kind = str(field.get("type", "anything"))
    return TYPES.get(kind, kind)


def _settings_in(field: Schema, known: Schema) -> Iterator[str]:
    """The names of the settings that a field may hold, in lists, too."""
    found = {}
    for each in field.get("anyOf", [field]):
        name = str((each.get("items") or each).get("$ref", "")).rpartition("/")[2]
        if name in known:
            found[name] = None
    yield from found
