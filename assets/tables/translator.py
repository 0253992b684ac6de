"""How a stream of Airbyte becomes an asset of Dagster: the one place users override."""

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.names import clean_name
from dagster_airbyte_sync.resources import Connection, Destination, Stream


@dataclass(frozen=True)
class AirbyteConnectionTableProps:
    """What is known of one synced table when its asset is named.

    `table_name` is prefix and stream name together. `database` and `schema` are the destination's
    defaults; `table_schema` is where this table really goes, which the connection's namespace
    setting decides (airbyte-platform, `NamespacingMapper`).
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

    @property
    def connection_group(self) -> str:
        """The connection's name as Dagster takes it for a group: `postgres_snowflake`.

        Airbyte itself calls connections "Postgres → Snowflake", which Dagster refuses.
        """
        return clean_name(self.connection_name)

    @property
    def fully_qualified_table_name(self) -> str | None:
        """`database.schema.table`, as far as its parts are known; None if only the table is."""
        parts = [self.database, self.table_schema or self.schema]
        known = [part for part in parts if part]
        return ".".join([*known, self.table_name]) if known else None


def table_props(
    connection: Connection, stream: Stream, destination: Destination
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
    """Turns a table into an AssetSpec. Override it to change keys, groups, kinds and the rest."""

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        """The asset for one table; by default the same key as dagster-airbyte gives it."""
        known = {
            keys.COLUMN_SCHEMA: column_schema(props.json_schema),
            keys.TABLE_NAME: props.fully_qualified_table_name,
            keys.STORAGE_KIND: props.destination_type,
            keys.CONNECTION_ID: props.connection_id,
            keys.CONNECTION_NAME: props.connection_name,
            keys.STREAM_PREFIX: props.stream_prefix,
        }
        return dg.AssetSpec(
            key=dg.AssetKey(props.table_name),
            metadata={key: value for key, value in known.items() if value is not None},
            kinds={"airbyte", *([props.destination_type] if props.destination_type else [])},
        )


class NamespacedTranslator(DagsterAirbyteTranslator):
    """Puts each stream's own namespace in front of its key: `public/users` and `audit/users`.

    For sources that have one table name in several schemas. A stream without a namespace keeps
    its key.
    """

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = super().get_asset_spec(props)
        if not props.stream_namespace:
            return spec
        return spec.replace_attributes(key=spec.key.with_prefix(props.stream_namespace))


def column_schema(json_schema: Mapping[str, object]) -> dg.TableSchema:
    """The columns of a stream, by name; types are written as Airbyte's JSON schema has them."""
    properties = _properties(json_schema) or _properties(json_schema.get("items")) or {}
    columns = (
        dg.TableColumn(name=name, type=str(_type_of(info))) for name, info in properties.items()
    )
    return dg.TableSchema(columns=sorted(columns, key=lambda column: column.name))


def _properties(schema: object) -> Mapping[str, object] | None:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return properties if isinstance(properties, Mapping) else None


def _type_of(info: object) -> object:
    return info.get("type", "unknown") if isinstance(info, Mapping) else "unknown"


# What is used where no other is given.
DEFAULT_TRANSLATOR = DagsterAirbyteTranslator()
