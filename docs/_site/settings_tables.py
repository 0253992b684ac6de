"""Makes tables of settings: `[[attributes]]` of the component's schema, `[[fields X]]` of a class.

MkDocs calls `on_page_markdown`; see `hooks` in mkdocs.yml.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

import dagster_airbyte_sync
from dagster_airbyte_sync import AirbyteWorkspaceComponent, BaseAirbyteWorkspace

PLACE = "[[attributes]]"
Schema = Mapping[str, Any]
# Dagster's own, the same for every component; and lengths of time, which need no table.
ELSEWHERE = re.compile("DefsState|PartitionsDefinition|^Ago$")
TYPES = {"string": "text", "boolean": "true or false", "integer": "number", "object": "mapping"}


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page, with the tables where it says so."""
    if PLACE in markdown:
        markdown = markdown.replace(PLACE, "\n".join(_tables()))
    return re.sub(r"\[\[fields (\w+)\]\]", lambda found: _fields(found[1]), markdown)


def _fields(name: str) -> str:
    """Those of a public class of ours; Dagster's own have no descriptions.

    First what must be given, then what is special to this workspace, then what all have.
    """
    model: type[BaseModel] = getattr(dagster_airbyte_sync, name)
    rows = ["| Field | What it is | Default |", "|---|---|---|"]
    common = BaseAirbyteWorkspace.model_fields
    fields = model.model_fields.items()
    for field, about in sorted(
        fields, key=lambda each: (not each[1].is_required(), each[0] in common)
    ):
        if about.description:
            value = None if about.is_required() else about.get_default(call_default_factory=True)
            default = "required" if about.is_required() else f"`{value!r}`"
            rows.append(f"| `{field}` | {' '.join(about.description.split())} | {default} |")
    return "\n".join(rows)


def _tables() -> Iterator[str]:
    model = AirbyteWorkspaceComponent.get_model_cls()
    assert model is not None
    schema = model.model_json_schema()
    yield from _table("attributes", schema)
    yield from _inner("", schema, schema["$defs"], set())


def _inner(prefix: str, schema: Schema, known: Schema, seen: set[str]) -> Iterator[str]:
    """A table for each kind of settings within, where it comes first."""
    for name, field in schema["properties"].items():
        for found in _settings_in(field, known):
            settings = known[found]
            if "properties" in settings and not ELSEWHERE.search(found) and found not in seen:
                seen.add(found)
                yield from _table(f"{prefix}{name}", settings)
                yield from _inner(f"{prefix}{name}.", settings, known, seen)


def _table(name: str, schema: Schema) -> Iterator[str]:
    yield f"\n## `{name}`\n"
    yield "| Attribute | What it is | Value | Default |"
    yield "|---|---|---|---|"
    needed = schema.get("required", [])
    for attribute, field in schema["properties"].items():
        default = "required" if attribute in needed else _default(field)
        text = " ".join((field.get("description") or "").split())
        yield f"| `{attribute}` | {text} | {_value(field)} | {default} |"


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
