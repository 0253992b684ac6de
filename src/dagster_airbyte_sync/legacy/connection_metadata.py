"""What functions given to the former loader know of a connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dagster_airbyte_sync.resources import Catalog, Connection, Destination, Stream


@dataclass(frozen=True)
class AirbyteConnectionMetadata:
    """One connection, as functions given to `load_assets_from_airbyte_instance` know it.

    `stream_data` and `destination` have the shapes of Airbyte's Configuration API, with what is
    known. `has_basic_normalization` is False: Airbyte has no normalization any more.
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
