"""What functions given to the former loader know of a connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dagster_airbyte_sync.resources import Catalog, Connection, Destination, Stream


@dataclass(frozen=True)
class AirbyteConnectionMetadata:
    """A connection, as passed to functions given to `load_assets_from_airbyte_instance`.

    Attributes:
        name: The connection's name.
        stream_prefix: The prefix that it puts before the names of its streams.
        has_basic_normalization: False, because Airbyte no longer has normalization.
        stream_data: Its streams, in the shape of Airbyte's Configuration API, as far as known.
        destination: Its destination, in the shape of the same API, as far as known.
    """

    name: str
    stream_prefix: str
    has_basic_normalization: bool
    stream_data: Sequence[Mapping[str, object]]
    destination: Mapping[str, object]


def metadata_of(catalog: Catalog) -> dict[str, AirbyteConnectionMetadata]:
    """The metadata of each connection, by its id."""
    return {
        connection.id: _metadata(connection, catalog.destination_of(connection))
        for connection in catalog.connections.values()
    }


def _metadata(connection: Connection, destination: Destination) -> AirbyteConnectionMetadata:
    return AirbyteConnectionMetadata(
        name=connection.name,
        stream_prefix=connection.stream_prefix or "",
        has_basic_normalization=False,
        stream_data=[_stream_data(stream) for stream in connection.all_streams],
        destination=_destination(destination),
    )


def _stream_data(stream: Stream) -> Mapping[str, object]:
    return {
        "stream": {
            "name": stream.name,
            "namespace": stream.namespace,
            "jsonSchema": stream.json_schema,
        },
        "config": {"selected": stream.selected},
    }


def _destination(destination: Destination) -> Mapping[str, object]:
    configuration = {"database": destination.database, "schema": destination.schema}
    return {
        "destinationId": destination.id,
        "name": destination.name,
        "destinationName": destination.type,
        "connectionConfiguration": {name: value for name, value in configuration.items() if value},
    }
