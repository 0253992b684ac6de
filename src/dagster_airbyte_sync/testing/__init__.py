"""Tools for testing your own pipelines against Airbyte.

`AirbyteSimulator` is an Airbyte to test with: a real HTTP server, with time and faults in the
hands of the test.
"""

try:
    import flask as _flask  # noqa: F401
except ImportError as error:
    raise ImportError(
        "The Airbyte simulator needs Flask: pip install 'dagster-airbyte-sync[testing]'"
    ) from error

from dagster_airbyte_sync.testing.clock import Clock, RealClock, SimulatedClock
from dagster_airbyte_sync.testing.connections import SimulatedConnection, SimulatedDestination
from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.faults import Fault
from dagster_airbyte_sync.testing.jobs import SimulatedAttempt, SimulatedJob
from dagster_airbyte_sync.testing.recording import Exchange, RecordedRequest
from dagster_airbyte_sync.testing.simulator import AirbyteSimulator
from dagster_airbyte_sync.testing.streams import SimulatedStream, StreamStats
from dagster_airbyte_sync.testing.tokens import WorkspaceConfig

__all__ = [
    "AirbyteSimulator",
    "Clock",
    "Exchange",
    "Fault",
    "RealClock",
    "RecordedRequest",
    "SimulatedAttempt",
    "SimulatedClock",
    "SimulatedConnection",
    "SimulatedDestination",
    "SimulatedJob",
    "SimulatedStream",
    "SimulatorError",
    "StreamStats",
    "WorkspaceConfig",
]
