"""Dagster's daemon and a code server as real processes, at a time that may be skipped between two
ticks of the sensor."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.checkout import ROOT
from helpers.dagster_private import InstigatorTick
from helpers.kill_deployment import Deployment, instance_of
from helpers.kill_group import ProcessGroup
from helpers.kill_ticks import Ticks
from helpers.shared_clock import SharedClock
from helpers.variables import variables
from helpers.waiting import wait_until

SENSOR = "airbyte_sync_sensor"
_TESTS = ROOT / "tests"
_LOCATION = _TESTS / "soak" / "soak_location.py"
_HURRIED_DAEMON = ("python", "-m", "helpers.hurried_daemon")
# In a new deployment Dagster stores for each asset that its freshness is unknown, once.
_SETTINGS = """\
freshness:
  enabled: false
telemetry:
  enabled: false
nux:
  enabled: false
{storage}"""
# How much a code location may tell of itself: 25,000 tables are more than the usual 100 MB.
_MOST_BYTES = str(10**9)
# The first tick waits for definitions of many assets.
_LONGEST = 300.0
# Each look takes the storage some time, which the tick has not.
_LOOK = 0.2


def settings_of(storage: str) -> str:
    """All of dagster.yaml, with the lines for its storage."""
    return _SETTINGS.format(storage=storage)


class LiveDagster:
    """Its sensor ticks each `interval` seconds, as the shared clock has it.

    A daemon that is not `hurried` is Dagster's own as it is, and no time is skipped.
    """

    def __init__(
        self,
        deployment: Deployment,
        instance: dg.DagsterInstance,
        clock: SharedClock,
        interval: int,
        *,
        hurried: bool,
    ) -> None:
        self.instance = instance
        self.interval = interval
        # Those that are over, in their order.
        self.ticks: list[InstigatorTick] = []
        self._deployment = deployment
        self._clock = clock
        self._hurried = hurried

    @property
    def pids(self) -> Mapping[str, int]:
        """Of the processes that tick, by what they are."""
        return self._deployment.pids

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Within, its processes do nothing, not even look for what is due."""
        for pid in self.pids.values():
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in self.pids.values():
                os.kill(pid, signal.SIGCONT)

    def next_tick(self) -> InstigatorTick:
        """Wait until the tick is over that comes after those that were seen here."""
        if self._hurried and self.ticks and not self._later():
            due = self.ticks[-1].timestamp + self.interval
            self._clock.advance(max(0.0, due - self._clock.now().timestamp()))
        wait_until(
            self._is_over,
            "a tick that is over",
            seconds=_LONGEST,
            every=_LOOK,
            evidence=self._deployment.last_words,
        )
        self.ticks.append(self._later()[0])
        assert self.ticks[-1].error is None, self.ticks[-1].error
        return self.ticks[-1]

    def _is_over(self) -> bool:
        self._deployment.check()
        later = self._later()
        return bool(later) and later[0].end_timestamp is not None

    def _later(self) -> list[InstigatorTick]:
        """The ticks that are not among those that were seen, in their order."""
        last = self.ticks[-1].tick_id if self.ticks else 0
        newest = Ticks(self.instance, SENSOR).newest(limit=5)
        return [each for each in reversed(newest) if each.tick_id > last]


@contextmanager
def live_dagster(
    airbyte: AirbyteSimulator,
    clock: SharedClock,
    group: ProcessGroup,
    folder: Path,
    *,
    storage: str = "",
    interval: int = 30,
    hurried: bool = True,
) -> Iterator[LiveDagster]:
    """With the lines of dagster.yaml for its `storage`; its home is made in `folder`."""
    home = folder / "home"
    home.mkdir()
    environ = {
        **variables(airbyte.workspace_config()),
        "SHARED_CLOCK": str(clock.file),
        "SENSOR_INTERVAL": str(interval),
        "DAGSTER_GRPC_MAX_RX_BYTES": _MOST_BYTES,
        "DAGSTER_GRPC_MAX_SEND_BYTES": _MOST_BYTES,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_TESTS), os.environ.get("PYTHONPATH")])),
    }
    daemon = _HURRIED_DAEMON if hurried else ("dagster-daemon",)
    deployment = Deployment(home, group, environ, _LOCATION, daemon)
    deployment.configure(settings_of(storage))
    deployment.start_code_server()
    deployment.start_daemon()
    with instance_of(home) as instance:
        yield LiveDagster(deployment, instance, clock, interval, hurried=hurried)
