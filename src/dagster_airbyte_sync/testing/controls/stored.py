"""What a connection's next job will be, under a test's control."""

from collections.abc import Iterable

from dagster_airbyte_sync.testing.world.connections import SimulatedConnection
from dagster_airbyte_sync.testing.world.plans import RefreshMode
from dagster_airbyte_sync.testing.world.streams import StreamName, pick, pick_or_make
from dagster_airbyte_sync.testing.world.world import World


class StoredControls:
    """Stores refreshes and clears that were requested when they could not start.

    The next job started by a request or a schedule is such a refresh or clear instead of a sync.
    """

    _world: World

    def store_refresh(
        self,
        connection: SimulatedConnection,
        streams: Iterable[StreamName] | None = None,
        *,
        mode: RefreshMode = "Merge",
    ) -> None:
        """Store a refresh, which the connection's next job will be."""
        with self._world.lock:
            among = connection.selected_streams
            named = among if streams is None else pick(streams, among)
            connection.stored.store_refresh(named, mode)

    def store_clear(
        self, connection: SimulatedConnection, streams: Iterable[StreamName] | None = None
    ) -> None:
        """Store a clear, which the connection's next job will be."""
        with self._world.lock:
            among = connection.selected_streams
            named = among if streams is None else pick_or_make(streams, connection.streams)
            connection.stored.store_clear(named)
