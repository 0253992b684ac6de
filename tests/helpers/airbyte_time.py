"""Following a sync in the simulator's own time: whoever sleeps moves its clock."""

import logging
from typing import Any

from dagster_airbyte_sync.assets.sync.follow import PollOptions
from dagster_airbyte_sync.resources import AirbyteClient, AirbyteSettings
from dagster_airbyte_sync.testing import AirbyteSimulator


class Log(logging.Handler):
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        super().__init__()
        self.logger = logging.Logger("test")
        self.logger.addHandler(self)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def lines(self, level: int = logging.INFO) -> list[str]:
        return [record.getMessage() for record in self.records if record.levelno == level]


def client_of(airbyte: AirbyteSimulator) -> AirbyteClient:
    """A client that repeats nothing, so that each fault is seen."""
    return AirbyteClient(AirbyteSettings(**airbyte.workspace_config(), request_max_retries=0))


def poll_options(airbyte: AirbyteSimulator, **changes: Any) -> PollOptions:
    """A look each ten seconds of the simulator's time."""
    usual: dict[str, Any] = {
        "interval": 10,
        "timeout": None,
        "cancel_on_termination": True,
        "on_active_sync": "fail",
        "clock": lambda: airbyte.now.timestamp(),
        "sleep": airbyte.advance,
    }
    return PollOptions(**{**usual, **changes})
