"""How a stream of Airbyte becomes an asset of Dagster: the one place users override."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.names import clean_name, group_of_name, loses_letters
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteSettingsError,
    Connection,
    Destination,
    FieldMapper,
    Source,
    Stream,
)
from dagster_airbyte_sync.resources.schedules.schedule_words import schedule_words


@dataclass(frozen=True)
class AirbyteConnectionTableProps:
    """What a translator knows of a table. Whatever Airbyte does not say is None.

    Attributes:
        table_name: The table's name: stream prefix and stream name together.
        stream_prefix: The prefix that the connection puts before the names of its streams.
        stream_name: The stream's name.
        json_schema: The stream's columns, as Airbyte's JSON schema.
        connection_id: The connection's id.
        connection_name: The connection's name.
        destination_type: Airbyte's short name of the destination connector ("snowflake").
        database: The destination's default database.
        schema: The destination's default schema.
        stream_namespace: The stream's namespace in the source.
        table_schema: The schema that this table is really written to, by the connection's namespace
            setting (airbyte-platform, `NamespacingMapper`).
        source_name: The source's name.
        destination_name: The destination's name.
        connection_url: The connection's page in Airbyte.
        schedule: When Airbyte itself syncs the connection, in words.
        workspace_id: The workspace's id.
        workspace_name: The workspace's name, only for an AirbyteInstance.
        source_id: The source's id.
        source_type: Airbyte's short name of the source connector ("postgres").
        source_url: The source's page in Airbyte.
        connection_tags: The names of the connection's tags.
        selected_fields: The columns that are synced; None for all.
        mappers: What Airbyte does to the columns while it syncs them.
        source_has_namesakes: Whether another source that is read has the same name.
    """

    table_name: str
    stream_prefix: str | None
    stream_name: str
    json_schema: Mapping[str, object]
    connection_id: str
    connection_name: str
    destination_type: str | None
    database: str | None
    schema: str | None
    stream_namespace: str | None = None
    table_schema: str | None = None
    source_name: str | None = None
    destination_name: str | None = None
    connection_url: str | None = None
    schedule: str | None = None
    workspace_id: str | None = None
    workspace_name: str | None = None
    source_id: str | None = None
    source_type: str | None = None
    source_url: str | None = None
    connection_tags: tuple[str, ...] = ()
    selected_fields: tuple[str, ...] | None = None
    mappers: tuple[FieldMapper, ...] = ()
    source_has_namesakes: bool = False

    @property
    def source_group(self) -> str | None:
        """The source's name, valid as a group name and in a key; None without a source.

        If other sources have the same name, the first part of its id is appended.
        """
        if self.source_id is None:
            return None
        name, known = clean_name(self.source_name or "").strip("_"), self.source_id[:8]
        return f"{name or 'source'}_{known}" if self.source_has_namesakes or not name else name

    @property
    def tag_group(self) -> str | None:
        """The first of the connection's tags, valid as a group name; None without tags.

        What is not Latin is treated as in `connection_group`.
        """
        return group_of_name(self.connection_tags[0], "tag") if self.connection_tags else None

    @property
    def workspace_group(self) -> str | None:
        """The name of an instance's workspace, valid as a group name and in a key; else None.

        If letters are lost that are not Latin, the first part of its id is appended.
        """
        if self.workspace_name is None:
            return None
        name, known = clean_name(self.workspace_name).strip("_"), (self.workspace_id or "")[:8]
        return f"{name or 'workspace'}_{known}" if loses_letters(self.workspace_name) else name

    @property
    def connection_group(self) -> str:
        """The connection's name, valid as a group name: `postgres_snowflake`.

        Airbyte itself names connections "Postgres → Snowflake", which Dagster refuses. If letters
        are lost that are not Latin, a hash of the name is appended: "売上 → Snowflake" becomes
        `snowflake_8592fd4d`, "売上" becomes `connection_443fb948`.
        """
        return group_of_name(self.connection_name, "connection")

    @property
    def fully_qualified_table_name(self) -> str | None:
        """`database.schema.table`, as far as known; None if only the table is known."""
        parts = [self.database, self.table_schema or self.schema]
        known = [part for part in parts if part]
        return ".".join([*known, self.table_name]) if known else None

    @property
    def description(self) -> str:
        """What people want to know of the table before its first sync, in Markdown."""
        name = plain(self.connection_name)
        linked = f"[{name}]({self.connection_url})" if self.connection_url else name
        source = f" from {plain(self.source_name)}" if self.source_name else ""
        target = f" to {plain(self.destination_name)}" if self.destination_name else ""
        when = f" Airbyte's schedule: {self.schedule}." if self.schedule else ""
        return f"Synced by Airbyte{source}{target}, connection {linked}.{when}"


# Each table of a connection has the same.
@lru_cache(10_000)
def plain(name: str) -> str:
    """A name that Markdown shows as it is, in one line."""
    return re.sub(r"([\\`*<>\[\]])", r"\\\1", " ".join(name.split()))


_UNKNOWN = Source("", "")


def table_props(
    connection: Connection,
    stream: Stream,
    destination: Destination,
    source: Source = _UNKNOWN,
    *,
    connection_url: str | None = None,
    source_url: str | None = None,
    source_has_namesakes: bool = False,
) -> AirbyteConnectionTableProps:
    """What the translator gets to know about one stream."""
    return AirbyteConnectionTableProps(
        table_name=f"{connection.stream_prefix or ''}{stream.name}",
        stream_prefix=connection.stream_prefix,
        stream_name=stream.name,
        json_schema=stream.json_schema,
        connection_id=connection.id,
        connection_name=connection.name,
        destination_type=destination.type or None,
        database=destination.database,
        schema=destination.schema,
        stream_namespace=stream.namespace,
        table_schema=_namespace_of(connection, stream) or destination.schema,
        source_name=source.name or None,
        destination_name=destination.name or None,
        connection_url=connection_url,
        schedule=schedule_words(connection.schedule),
        workspace_id=connection.workspace_id,
        workspace_name=connection.workspace_name,
        source_id=connection.source_id,
        source_type=source.type or None,
        source_url=source_url,
        connection_tags=connection.tags,
        selected_fields=stream.selected_fields,
        mappers=stream.mappers,
        source_has_namesakes=source_has_namesakes,
    )


def _namespace_of(connection: Connection, stream: Stream) -> str | None:
    """The namespace Airbyte sends to the destination; None means the destination's default."""
    if connection.namespace_definition == "destination":
        return None
    if connection.namespace_definition == "custom_format":
        pattern = connection.namespace_format or ""
        return pattern.replace("${SOURCE_NAMESPACE}", stream.namespace or "").strip() or None
    return stream.namespace


class DagsterAirbyteTranslator:
    """Turn a table into an AssetSpec. Override it to change keys, groups, kinds and the like."""

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        """Return the spec of one table. The default key is the same as dagster-airbyte's.

        For an AirbyteInstance, the key begins with the workspace's name, which is also the group.
        """
        return _usual_spec(props, {}, {})


def _usual_spec(
    props: AirbyteConnectionTableProps, metadata: Mapping[str, object], tags: Mapping[str, str]
) -> dg.AssetSpec:
    known = {
        keys.COLUMN_SCHEMA: column_schema(props.json_schema),
        keys.TABLE_NAME: props.fully_qualified_table_name,
        keys.STORAGE_KIND: props.destination_type,
        keys.CONNECTION_ID: props.connection_id,
        keys.CONNECTION_NAME: props.connection_name,
        keys.STREAM_PREFIX: props.stream_prefix,
    }
    found = {key: value for key, value in known.items() if value is not None}
    workspace = props.workspace_group
    return dg.AssetSpec(
        key=dg.AssetKey([*([workspace] if workspace else []), props.table_name]),
        group_name=workspace,
        description=props.description,
        metadata={**found, **metadata},
        tags=tags,
        kinds={"airbyte", *([props.destination_type] if props.destination_type else [])},
    )


class NamespacedTranslator(DagsterAirbyteTranslator):
    """Put each stream's namespace in front of its key: `public/users` and `audit/users`.

    Use it for sources that have the same table name in several schemas. A stream without a
    namespace keeps its key.
    """

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = super().get_asset_spec(props)
        if not props.stream_namespace:
            return spec
        # Behind the workspace, where there is more than one.
        workspace, own = _parted(spec.key.path, props.workspace_group)
        return spec.replace_attributes(key=dg.AssetKey([*workspace, props.stream_namespace, *own]))


def _parted(path: Sequence[str], first: str | None) -> tuple[Sequence[str], Sequence[str]]:
    return (path[:1], path[1:]) if first else ((), path)


def column_schema(json_schema: Mapping[str, object]) -> dg.TableSchema:
    """The columns of a stream, by name; types are written as Airbyte's JSON schema has them."""
    properties = _properties(json_schema) or _properties(json_schema.get("items")) or {}
    return dg.TableSchema(
        columns=[_column(name, str(_type_of(properties[name]))) for name in sorted(properties)]
    )


# What JSON has is found by its type, without asking an abstract class for each column.
_OBJECT = (dict, Mapping)


# A workspace has some hundred thousands of them, and most are called `id` or `created_at`.
@lru_cache(10_000)
def _column(name: str, kind: str) -> dg.TableColumn:
    return dg.TableColumn(name=name, type=kind)


def column_types(json_schema: Mapping[str, object]) -> Mapping[str, str]:
    """The columns of a stream with their types in words, to compare: `null|string (date-time)`."""
    properties = _properties(json_schema) or _properties(json_schema.get("items")) or {}
    return {name: _type_words(info) for name, info in properties.items()}


def _type_words(info: object) -> str:
    kind = _type_of(info)
    words = "|".join(sorted(map(str, kind))) if isinstance(kind, list) else str(kind)
    more = info if isinstance(info, _OBJECT) else {}
    known = [str(more[each]) for each in ("format", "airbyte_type") if each in more]
    # Few differ, and each is kept for each column.
    return sys.intern(f"{words} ({', '.join(known)})" if known else words)


def _properties(schema: object) -> Mapping[str, object] | None:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return properties if isinstance(properties, Mapping) else None


def _type_of(info: object) -> object:
    return info.get("type", "unknown") if isinstance(info, _OBJECT) else "unknown"


# What is used where no other is given.
DEFAULT_TRANSLATOR = DagsterAirbyteTranslator()


def spec_of(
    translator: DagsterAirbyteTranslator,
    props: AirbyteConnectionTableProps,
    metadata: Mapping[str, object] = MappingProxyType({}),
    tags: Mapping[str, str] = MappingProxyType({}),
) -> dg.AssetSpec:
    """What the translator makes of one table, with `metadata` and `tags` beside its own.

    Raises AirbyteSettingsError that names table and connection if it raises, or if Dagster or this
    package refuses what it makes.
    """
    spec = _translated(translator, props, metadata, tags)
    partitions = spec.partitions_def
    if partitions is not None and not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        raise AirbyteSettingsError(
            f"The translator (or `translation`) gives the table {props.table_name!r} of connection"
            f" {props.connection_name!r} partitions that are not times ({partitions}). A sync"
            " belongs to a time and covers a whole table: leave partitions_def out, or use one of"
            " times, such as DailyPartitionsDefinition; a sync then materializes the partition in"
            " which it ended."
        )
    return spec


def _translated(
    translator: DagsterAirbyteTranslator,
    props: AirbyteConnectionTableProps,
    metadata: Mapping[str, object],
    tags: Mapping[str, str],
) -> dg.AssetSpec:
    table = (
        f"the table {props.table_name!r} of connection {props.connection_name!r}"
        f" ({props.connection_id})"
    )
    if isinstance(translator, type):
        raise AirbyteSettingsError(
            f"The translator is the class {translator.__name__}: give an instance of it,"
            f" {translator.__name__}()."
        )
    # Making a spec is most of what loading takes, and so is adding to one: once will do.
    is_usual = type(translator) is DagsterAirbyteTranslator
    with calling(_TRANSLATOR, table):
        try:
            spec: object = (
                _usual_spec(props, metadata, tags) if is_usual else translator.get_asset_spec(props)
            )
        except dg.DagsterInvalidDefinitionError as refusal:
            is_named_after_it = props.connection_name in str(refusal)
            hint = f" As a group's name, props.connection_group is {props.connection_group!r}."
            raise AirbyteSettingsError(
                "Dagster refuses the asset that the translator (or `translation`) makes of"
                f" {table}: {refusal}{hint if is_named_after_it else ''}"
            ) from refusal
    spec = as_spec(spec, _TRANSLATOR, table)
    return spec if is_usual else spec.merge_attributes(metadata=metadata, tags=tags)


_TRANSLATOR = "The translator (or `translation`)"


class calling:
    """Within, a function of the user's is called: whatever it raises becomes an
    AirbyteSettingsError that names it, and what it was called for."""

    # Not made of a generator: that takes ten times as long, for each table.
    __slots__ = ("_function", "_subject")

    def __init__(self, function: str, subject: str) -> None:
        self._function = function
        self._subject = subject

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        # A user's own code may raise anything.
        if isinstance(error, Exception) and not isinstance(error, AirbyteError):
            words = " ".join(str(error).split())
            what = f"{type(error).__name__}: {words}" if words else type(error).__name__
            raise AirbyteSettingsError(
                f"{self._function} raised {what} for {self._subject}."
            ) from error


def as_spec(made: object, function: str, subject: str) -> dg.AssetSpec:
    """What the function has returned. Raises AirbyteSettingsError if it is something else."""
    if not isinstance(made, dg.AssetSpec):
        raise AirbyteSettingsError(
            f"{function} must return an AssetSpec, but returned a {type(made).__name__} for"
            f" {subject}."
        )
    return made
