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
from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.server.faults import Fault
from dagster_airbyte_sync.testing.server.recording import Exchange, RecordedRequest
from dagster_airbyte_sync.testing.server.tokens import InstanceConfig, WorkspaceConfig
from dagster_airbyte_sync.testing.simulator import AirbyteSimulator
from dagster_airbyte_sync.testing.world.connections import (
    SimulatedConnection,
    SimulatedDestination,
    SimulatedSource,
    SimulatedTag,
    SimulatedWorkspace,
)
from dagster_airbyte_sync.testing.world.jobs import LogEntry, SimulatedAttempt, SimulatedJob
from dagster_airbyte_sync.testing.world.streams import SimulatedStream, StreamStats
from dagster_airbyte_sync.testing.world.timeline import SimulatedUser

__all__ = [
    "AirbyteSimulator",
    "Clock",
    "Exchange",
    "Fault",
    "InstanceConfig",
    "LogEntry",
    "RealClock",
    "RecordedRequest",
    "SimulatedAttempt",
    "SimulatedClock",
    "SimulatedConnection",
    "SimulatedDestination",
    "SimulatedJob",
    "SimulatedSource",
    "SimulatedStream",
    "SimulatedTag",
    "SimulatedUser",
    "SimulatedWorkspace",
    "SimulatorError",
    "StreamStats",
    "WorkspaceConfig",
]
