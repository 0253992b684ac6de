"""The two clocks of the model: Dagster's goes on, Airbyte's can also be set."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Protocol

import pytest

from dagster_airbyte_sync.resources import AirbyteClient
from dagster_airbyte_sync.resources.client import shared_clients
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.testing import SimulatedClock
from helpers.dagster_private import dagster_time

# Whole seconds, so that each history repeats exactly.
BEGIN = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


class ModelClock(SimulatedClock):
    """Airbyte's clock. It knows how much time really passed, however often it was set."""

    def __init__(self, is_off: timedelta) -> None:
        super().__init__(BEGIN + is_off)
        self.passed = timedelta(0)

    def advance(self, by: float | timedelta) -> datetime:
        before = self.now()
        after = super().advance(by)
        self.passed += after - before
        return after

    @property
    def real(self) -> datetime:
        """The time by Dagster's clock, which nobody sets."""
        return BEGIN + self.passed

    @property
    def ahead(self) -> timedelta:
        """How much Airbyte's clock is ahead of Dagster's."""
        return self.now() - self.real


class DagstersTime(Protocol):
    """A clock that knows the time of Dagster."""

    @property
    def real(self) -> datetime: ...


@contextmanager
def dagster_goes_by(clock: DagstersTime) -> Iterator[None]:
    """Let Dagster, the sensor and the steps of runs live at the clock's real time."""

    class At(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(clock.real.timestamp(), tz)

    def seconds() -> float:
        return clock.real.timestamp()

    with pytest.MonkeyPatch.context() as patch, dagster_time(lambda: clock.real):
        patch.setattr(
            "dagster_airbyte_sync.sensors.tick_basics.now_seconds", lambda: int(seconds())
        )
        patch.setattr("dagster_airbyte_sync.assets.sync.reporting.datetime", At)
        # By which the client knows how late it is in Airbyte since the last answer.
        patch.setattr("dagster_airbyte_sync.resources.http.transport.datetime", At)
        _clients_go_by(patch, seconds)
        yield


def _clients_go_by(patch: pytest.MonkeyPatch, seconds: Callable[[], float]) -> None:
    """The clients of sensors and definitions: what they remember grows old, and no wait is real."""

    def client(settings: AirbyteSettings) -> AirbyteClient:
        return AirbyteClient(settings, clock=seconds, sleep=lambda _: None)

    patch.setattr(shared_clients, "AirbyteClient", client)
