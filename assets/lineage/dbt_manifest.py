"""The sources in dbt's `manifest.json`. Pure, but for `read_manifest`, which reads the file.

Fields are those of dbt's manifest from version 7 on (dbt 1.3).
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import dagster as dg

from dagster_airbyte_sync.assets.lineage.warehouse_names import Name, Relation
from dagster_airbyte_sync.resources import AirbyteSettingsError
from dagster_airbyte_sync.resources.json_values import Json, as_text, object_at

DbtManifest: TypeAlias = str | os.PathLike[str] | Mapping[str, object]
"""The path of a `manifest.json`, or what is in it."""

_WRITE_IT = "Give the manifest.json that `dbt parse` writes into the project's target folder."
_QUOTES = {'"': '"', "`": "`", "[": "]"}


@dataclass(frozen=True)
class DbtSource:
    """One table of a source; `props` is all that the manifest says of it."""

    id: str
    relation: Relation
    adapter_type: str | None
    props: Json = field(repr=False)


def default_source_key(source: Mapping[str, object]) -> dg.AssetKey:
    """The asset key that dagster-dbt gives a source by default (its `default_asset_key_fn`).

    That is `meta.dagster.asset_key`, with the `meta` of `config` before the other, or else the
    names of source and table.
    """
    meta = object_at(source, "config", "meta") or object_at(source, "meta")
    key = object_at(meta, "dagster").get("asset_key")
    if key:
        return dg.AssetKey([key] if isinstance(key, str) else [str(part) for part in _parts(key)])
    return dg.AssetKey([str(source["source_name"]), str(source["name"])])


def _parts(key: object) -> Sequence[object]:
    return key if isinstance(key, Sequence) else [key]


def sources_of(manifests: DbtManifest | Sequence[DbtManifest]) -> list[DbtSource]:
    """All sources of one manifest or several; one that several have is there once for each.

    Raises AirbyteSettingsError if a file cannot be read, or is no manifest.
    """
    if isinstance(manifests, str | os.PathLike | Mapping):
        return list(_sources_in(*_read(manifests)))
    every = list(manifests)
    if not every:
        raise AirbyteSettingsError(f"The list of dbt manifests is empty. {_WRITE_IT}")
    return [source for each in every for source in _sources_in(*_read(each))]


def _read(manifest: object) -> tuple[str, object]:
    """What to call it, and what is in it."""
    if isinstance(manifest, Mapping):
        return "This dbt manifest", manifest
    if isinstance(manifest, str | os.PathLike):
        return f"The dbt manifest {os.fspath(manifest)}", read_manifest(Path(manifest))
    raise AirbyteSettingsError(
        f"A dbt manifest is a path, or what is in the file, not {manifest!r}. {_WRITE_IT}"
    )


def read_manifest(path: Path) -> object:
    """What is in the file, whatever it is."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AirbyteSettingsError(
            f"The dbt manifest {path} cannot be read: {error.strerror}. {_WRITE_IT}"
        ) from None
    except ValueError as damage:
        raise AirbyteSettingsError(f"{path} is not a dbt manifest: {damage}. {_WRITE_IT}") from None


def _sources_in(called: str, manifest: object) -> Iterator[DbtSource]:
    sources = object_at(manifest).get("sources")
    if not isinstance(sources, Mapping):
        raise AirbyteSettingsError(f"{called} is none: it has no 'sources'. {_WRITE_IT}")
    adapter_type = as_text(object_at(manifest, "metadata").get("adapter_type"))
    for source_id, props in sources.items():
        try:
            yield _source(str(source_id), object_at(props), adapter_type)
        except KeyError as missing:
            raise AirbyteSettingsError(
                f"{called} is damaged: {source_id} has no {missing}. {_WRITE_IT}"
            ) from None


def _source(source_id: str, props: Json, adapter_type: str | None) -> DbtSource:
    # dagster-dbt makes the key of them.
    name, _ = props["name"], props["source_name"]
    written = as_text(props.get("relation_name"))
    usually_quoted = adapter_type != "snowflake"

    def as_name(text: object) -> Name:
        is_quoted = usually_quoted if written is None else _is_quoted(str(text), written)
        return Name(str(text), is_quoted)

    database = as_text(props.get("database"))
    relation = Relation(
        database=as_name(database) if database else None,
        schema=as_name(props["schema"]),
        name=as_name(as_text(props.get("identifier")) or name),
    )
    return DbtSource(source_id, relation, adapter_type, props)


def _is_quoted(name: str, relation_name: str) -> bool:
    """Whether dbt puts it into quotes: it writes the relation as SQL has it."""
    return any(f"{first}{name}{last}" in relation_name for first, last in _QUOTES.items())
