"""An Airbyte that goes away and comes back in the middle of things, in its own time."""

from collections.abc import Callable

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteSettings
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault


class Upgrade:
    """What happens at which second, while somebody sleeps. `slept` is how long that was."""

    def __init__(self, airbyte: AirbyteSimulator) -> None:
        self.airbyte = airbyte
        self.slept = 0.0
        self._plan: list[tuple[float, Callable[[], object]]] = []

    def clock(self) -> float:
        return self.airbyte.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.airbyte.advance(seconds)
        for at, change in list(self._plan):
            if self.slept >= at:
                self._plan.remove((at, change))
                change()

    def at(self, second: float, change: Callable[[], object]) -> None:
        self._plan.append((second, change))

    def down(self, fault: Fault | None = None, path: str | None = None) -> None:
        """Nothing is answered but this, 503 by default, until `up`."""
        self.airbyte.add_fault(fault or Fault.status(503), path=path, times=None)

    def up(self, version: str | None = None) -> None:
        self.airbyte.clear_faults()
        if version:
            self.airbyte.upgrade(version)

    def client(self, **settings: object) -> AirbyteClient:
        known = {**self.airbyte.workspace_config(), "request_max_retries": 0, **settings}
        return AirbyteClient(AirbyteSettings(**known), clock=self.clock)  # type: ignore[arg-type]
