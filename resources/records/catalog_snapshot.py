"""A workspace's catalog as text to keep, so that definitions load without Airbyte.

The text is JSON, sorted, so that two snapshots of one workspace differ only in what has changed.
It holds no credentials.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from operator import itemgetter

from pydantic import TypeAdapter, ValidationError

from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.records.catalog import Catalog
from dagster_airbyte_sync.resources.records.columns import with_shared_columns

VERSION = 1
WRITE_IT_ANEW = "Write it again: dagster-airbyte-sync snapshot --workspace MODULE:NAME --out FILE"

_VERSION_KEY = "dagster_airbyte_sync_snapshot"
_CATALOG = TypeAdapter(Catalog)


def snapshot_of(catalog: Catalog) -> str:
    """The catalog as versioned JSON text; `read_snapshot` makes an equal catalog of it."""
    plain = _CATALOG.dump_python(catalog, mode="json")
    for kind in ("destinations", "connections"):
        plain[kind] = sorted(plain.pop(kind).values(), key=itemgetter("id"))
    for kind in ("sources", "source_types"):
        plain[kind] = dict(sorted(plain[kind].items()))
    return json.dumps({_VERSION_KEY: VERSION, **plain}, indent=1) + "\n"


def read_snapshot(text: str, workspace_id: str | None = None) -> Catalog:
    """The catalog that `snapshot_of` wrote.

    Raises AirbyteSettingsError, with what to do, if the text is no snapshot, or one of another
    version, or, with a `workspace_id`, of another workspace.
    """
    catalog = _read_catalog(_read_object(text))
    check_is_of(catalog, workspace_id)
    return replace(catalog, connections=with_shared_columns(catalog.connections))


def _read_object(text: str) -> Mapping[str, object]:
    try:
        written = json.loads(text)
    except ValueError as damage:
        raise AirbyteSettingsError(f"This is not a snapshot: {damage}. {WRITE_IT_ANEW}") from None
    if not isinstance(written, dict) or _VERSION_KEY not in written:
        raise AirbyteSettingsError(
            f"This is not a snapshot of an Airbyte workspace: it has no {_VERSION_KEY!r}."
            f" {WRITE_IT_ANEW}"
        )
    if written[_VERSION_KEY] != VERSION:
        raise AirbyteSettingsError(
            f"This snapshot has version {written[_VERSION_KEY]!r}, and this dagster-airbyte-sync"
            f" reads version {VERSION}. {WRITE_IT_ANEW}"
        )
    return written


def _read_catalog(written: Mapping[str, object]) -> Catalog:
    try:
        return _CATALOG.validate_python(
            {
                **written,
                "connections": _keyed_by_id(written.get("connections")),
                "destinations": _keyed_by_id(written.get("destinations")),
            }
        )
    except ValidationError as damage:
        first = damage.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise AirbyteSettingsError(
            f"This snapshot is damaged at {where}: {first['msg']}. {WRITE_IT_ANEW}"
        ) from None


def _keyed_by_id(records: object) -> object:
    """The records by id; one without an id by its place, for the error to name."""
    if not isinstance(records, list):
        return records
    return {
        str(record.get("id", place)) if isinstance(record, dict) else str(place): record
        for place, record in enumerate(records)
    }


def check_is_of(catalog: Catalog, workspace_id: str | None) -> None:
    """Raise AirbyteSettingsError if a snapshot's catalog is of another workspace than that."""
    if workspace_id is not None and catalog.workspace_id != workspace_id.strip():
        of = f"workspace {catalog.workspace_id}" if catalog.workspace_id else catalog.where
        raise AirbyteSettingsError(
            f"This snapshot is of {of}, and not of {workspace_id}."
            f" Give the file of that workspace. {WRITE_IT_ANEW}"
        )
