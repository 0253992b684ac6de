"""The part of the Configuration API that is about how far connections have been read."""

from collections.abc import Callable

from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.configuration_api.lookup import Lookup
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.parameters import Body
from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject
from dagster_airbyte_sync.testing.wire.problems import answer
from dagster_airbyte_sync.testing.world.connections import SimulatedConnection
from dagster_airbyte_sync.testing.world.world import World


class ConfigurationStates:
    """Reads and writes states, of which the kind with one for each stream is simulated."""

    def __init__(self, world: World, find: Lookup) -> None:
        self._world = world
        self._find = find

    def endpoints(self) -> dict[str, Callable[[Body], Response]]:
        return {
            "/state/get": self.get,
            "/state/create_or_update": self.write,
            "/state/create_or_update_safe": self.write_safely,
        }

    def get(self, body: Body) -> Response:
        return answer(_state_of(self._find.connection(body)))

    def write(self, body: Body) -> Response:
        """Streams that are not named keep theirs (`StatePersistence`)."""
        connection = self._find.connection(body)
        self._find.must_edit()
        given = body.part("connectionState")
        given.one_of("stateType", ("stream",))
        for part in given.parts("streamState"):
            stream, state = part.part("streamDescriptor"), part.value("streamState")
            key = (stream.text("name"), stream.optional("namespace"))
            connection.states.pop(key, None)
            if isinstance(state, dict):
                connection.states[key] = state
        return answer(_state_of(connection))

    def write_safely(self, body: Body) -> Response:
        """Not while a job runs, which would write its own."""
        if self._world.running(self._find.connection(body).connection_id):
            message = "State cannot be updated while a sync is running for this connection."
            raise problems.known_exception(423, message, self._world.version)
        return self.write(body)


def _state_of(connection: SimulatedConnection) -> JsonObject:
    found: list[Json] = [
        {"streamDescriptor": {"name": name, "namespace": namespace}, "streamState": state}
        for (name, namespace), state in connection.states.items()
    ]
    kind = "stream" if found else "not_set"
    return {
        "stateType": kind,
        "connectionId": connection.connection_id,
        "streamState": found or None,
    }
