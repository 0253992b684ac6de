"""The part of the Configuration API that is made for Airbyte's UI, and used by PyAirbyte."""

from collections.abc import Callable

from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.configuration_api.lookup import Lookup
from dagster_airbyte_sync.testing.configuration_api.records import (
    destination_read,
    source_read,
    source_version_read,
    version_read,
)
from dagster_airbyte_sync.testing.configuration_api.write_endpoints import ConfigurationWrites
from dagster_airbyte_sync.testing.wire.parameters import Body
from dagster_airbyte_sync.testing.wire.problems import answer
from dagster_airbyte_sync.testing.wire.times import epoch_seconds
from dagster_airbyte_sync.testing.world.connections import SimulatedConnection
from dagster_airbyte_sync.testing.world.world import World

_NOT_HERE = ("breakingChange", "created_at")
"""What only other answers say of a connection."""


class WebBackend:
    """Connections with all that belongs to them, in one answer."""

    def __init__(self, world: World, find: Lookup, writes: ConfigurationWrites) -> None:
        self._world = world
        self._find = find
        self._writes = writes

    def endpoints(self) -> dict[str, Callable[[Body], Response]]:
        return {
            "/web_backend/connections/get": self.get,
            "/web_backend/connections/update": self.update,
        }

    def get(self, body: Body) -> Response:
        """The schema is not discovered anew, also if that is asked for."""
        return self._answer(self._find.connection(body))

    def update(self, body: Body) -> Response:
        """As `/connections/update`. Streams that have changed are not cleared: see `skipReset`."""
        return self._answer(self._writes.updated(body))

    def _answer(self, connection: SimulatedConnection) -> Response:
        of_connection = {
            key: value
            for key, value in self._find.record_of(connection).items()
            if key not in _NOT_HERE
        }
        source = self._world.sources[connection.source_id]
        destination = self._world.destinations[connection.destination_id]
        last = self._world.last_sync(connection)
        return answer(
            {
                **of_connection,
                "source": source_read(source),
                "destination": destination_read(destination, destination.workspace_id),
                "operations": [],
                "isSyncing": self._world.running(connection.connection_id) is not None,
                "latestSyncJobCreatedAt": epoch_seconds(last.created_at) if last else None,
                "latestSyncJobStatus": last.status if last else None,
                "schemaChange": "breaking" if connection.breaking_change else "no_change",
                "createdAt": epoch_seconds(connection.created_at),
                "sourceActorDefinitionVersion": source_version_read(source),
                "destinationActorDefinitionVersion": version_read(destination),
                "onDemandEnabled": False,
            }
        )
