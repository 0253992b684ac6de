"""`translation:`, how YAML changes each table's asset, by templates with `spec` and `props`;
`dbt_manifest:`, whose sources give keys; `source_assets:`, what is above the tables; and `pool:`,
by a template with `connection`.

Not with Dagster's TranslationFnResolver, which turns text such as "2024" into numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import dagster as dg
from pydantic import BaseModel

from dagster_airbyte_sync.assets import (
    AirbyteConnectionTableProps,
    DuplicateAssetKey,
    Pool,
    SourceAssets,
)
from dagster_airbyte_sync.component.templates import in_one_sentence, rendered
from dagster_airbyte_sync.resources import AirbyteSettingsError, Connection

Translation = Callable[[dg.AssetSpec, AirbyteConnectionTableProps], dg.AssetSpec]

# These are added to those of the spec; all others replace them.
_ADDED = ("metadata", "tags")

_PARTITIONS: Mapping[str, Callable[..., dg.PartitionsDefinition]] = {
    "hourly": dg.HourlyPartitionsDefinition,
    "daily": dg.DailyPartitionsDefinition,
    "weekly": dg.WeeklyPartitionsDefinition,
    "static": dg.StaticPartitionsDefinition,
    "time_window": lambda start_date, end_date=None, **more: dg.TimeWindowPartitionsDefinition(
        start=start_date, end=end_date, **more
    ),
}


def resolve_translation(
    context: dg.ResolutionContext, attributes: str | BaseModel | None
) -> Translation | None:
    """A function that changes the spec of a table; templates are filled in for each table."""
    if attributes is None:
        return None
    return lambda spec, props: _translated(
        context.with_scope(spec=spec, props=props), spec, attributes
    )


ResolvedTranslation = Annotated[
    Translation | None,
    dg.Resolver(
        resolve_translation,
        model_field_type=dg.AssetAttributesModel | None,
        inject_before_resolve=False,
        description="Attributes of each asset. Templates can use `spec` and `props`.",
    ),
]


def resolve_pool(context: dg.ResolutionContext, template: str | None) -> Pool | None:
    """A function that says the pool of a connection; the template is filled in for each."""
    if template is None:
        return None

    def pool(connection: Connection) -> str | None:
        value = rendered(context.with_scope(connection=connection), template)
        value = value(connection) if callable(value) else value
        # A template makes a number of the name "2024".
        return str(value) if isinstance(value, int | float) else cast("str | None", value)

    return pool


ResolvedPool = Annotated[
    Pool | None,
    dg.Resolver(
        resolve_pool,
        model_field_type=str | None,
        inject_before_resolve=False,
        description=(
            "The Dagster pool of each connection's syncs: a name, or a template that can use"
            " `connection`, such as {{ connection.destination_id }}."
        ),
    ),
]


@in_one_sentence
def resolve_source_assets(context: dg.ResolutionContext, value: bool | str) -> SourceAssets:
    """A switch, or a function of the props that makes these assets."""
    given = rendered(context, value)
    if not isinstance(given, bool) and not callable(given):
        raise AirbyteSettingsError(
            f"source_assets is {given!r}: give true or false, or a template variable that returns"
            " a function of props."
        )
    return cast(SourceAssets, given)


ResolvedSourceAssets = Annotated[
    SourceAssets,
    dg.Resolver(
        resolve_source_assets,
        model_field_type=bool | str,
        inject_before_resolve=False,
        description=(
            "Whether there is an external asset for each stream of a source, upstream of the"
            " tables that are read from it; or a template variable that returns a function of"
            " `props`."
        ),
    ),
]


@in_one_sentence
def resolve_dbt_manifest(
    context: dg.ResolutionContext, value: str | list[str] | None
) -> Sequence[Path] | None:
    """The files, relative to the YAML. They are read as definitions are made: not every process
    that refreshes the state has them."""
    given = rendered(context, value)
    if given is None:
        return None
    every = given if isinstance(given, list) else [given]
    if not every or not all(isinstance(each, str | Path) for each in every):
        raise AirbyteSettingsError(
            f"dbt_manifest is {given!r}: give the path of a manifest.json, or a list of them."
        )
    return [context.resolve_source_relative_path(str(each)) for each in every]


ResolvedDbtManifest = Annotated[
    Sequence[Path] | None,
    dg.Resolver(
        resolve_dbt_manifest,
        model_field_type=str | list[str] | None,
        inject_before_resolve=False,
        description=(
            "The path of dbt's manifest.json, relative to this file, or a list of them. Each"
            " table that is one of its sources has that source's asset key."
        ),
    ),
]


def _translated(
    context: dg.ResolutionContext, spec: dg.AssetSpec, attributes: object
) -> dg.AssetSpec:
    if isinstance(attributes, str):
        attributes = rendered(context, attributes)
    if isinstance(attributes, dg.AssetSpec):
        return attributes
    if isinstance(attributes, Mapping):
        attributes = dg.AssetAttributesModel(**attributes)
    if not isinstance(attributes, BaseModel):
        raise AirbyteSettingsError(
            f"translation is a {type(attributes).__name__}: give attributes of assets, or a"
            " template that returns them or an AssetSpec."
        )
    values = {name: getattr(attributes, name) for name in attributes.model_fields_set}
    return changed(spec, {name: _resolved(context, name, value) for name, value in values.items()})


def in_yaml(clash: DuplicateAssetKey) -> DuplicateAssetKey:
    """The same error, with what to do about it in YAML."""
    part = "stream_namespace" if clash.by_namespace else "connection_group"
    way_out = (
        f"Give them different keys, with translation: {{key_prefix: '{{{{ props.{part} }}}}'}}; or"
        " set a stream prefix in Airbyte, or leave one connection out with connection_selector."
    )
    return DuplicateAssetKey(clash.found, way_out, clash.by_namespace)


def changed(spec: dg.AssetSpec, attributes: dict[str, Any]) -> dg.AssetSpec:
    """The spec with these attributes; `key_prefix` goes before its key, or before their own."""
    attributes = dict(attributes)
    if prefix := attributes.pop("key_prefix", None):
        attributes["key"] = attributes.get("key", spec.key).with_prefix(prefix)
    added = {name: attributes.pop(name) for name in _ADDED if name in attributes}
    return spec.replace_attributes(**attributes).merge_attributes(**added)


def _resolved(context: dg.ResolutionContext, name: str, value: object) -> object:
    plain = value.model_dump(exclude_none=True) if isinstance(value, BaseModel) else value
    filled_in = rendered(context.at_path(name), plain)
    convert = _CONVERT.get(name)
    return filled_in if convert is None or filled_in is None else convert(filled_in)


def _key(value: Any) -> dg.AssetKey:
    if isinstance(value, dg.AssetKey):
        return value
    parts = _prefix(value)
    return dg.AssetKey.from_user_string(parts) if isinstance(parts, str) else dg.AssetKey(parts)


def _prefix(value: Any) -> str | list[str]:
    # A template makes a number of the name "2024".
    return [str(part) for part in value] if isinstance(value, list | tuple) else str(value)


def _partitions(value: Any) -> object:
    if not isinstance(value, Mapping):
        return value
    arguments = dict(value)
    return _PARTITIONS[arguments.pop("type")](**arguments)


_CONVERT: Mapping[str, Callable[[Any], object]] = {
    "key": _key,
    "key_prefix": _prefix,
    "deps": lambda values: [_key(one) for one in values],
    "group_name": str,
    "description": str,
    "kinds": set,
    "tags": lambda tags: {name: str(value) for name, value in tags.items()},
    "code_version": str,
    "partitions_def": _partitions,
}
