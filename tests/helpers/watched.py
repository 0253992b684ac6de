"""A deployment with the sensor that starts a job for what goes wrong, beside the one that reports.

Both tick when a test says so. A run is started as Dagster does it: once for each run key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, OnFailure, SyncProblem
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.dagster_private import dagster_time
from helpers.deployment import Deployment, Tick, deployed

FAILURE_SENSOR = "airbyte_failure_sensor"


@dg.op
def send() -> None: ...


@dg.job
def notify() -> None:
    send()


@dg.job
def page() -> None:
    send()


@dataclass
class Watched:
    reporting: Deployment
    watching: Deployment
    started: list[dg.RunRequest] = field(default_factory=list)

    @property
    def airbyte(self) -> AirbyteSimulator:
        return self.reporting.airbyte

    def tick(self) -> Tick:
        """A tick of the failure sensor."""
        tick = self.watching.tick()
        keys = {each.run_key for each in self.started}
        self.started += [each for each in tick.requests if each.run_key not in keys]
        return tick

    def report(self) -> Tick:
        """A tick of the sensor that reports syncs, at the time that it is in this deployment."""
        with dagster_time(lambda: datetime.now(timezone.utc) + self.reporting.later):
            return self.reporting.tick()

    def wait(self, by: timedelta) -> None:
        """So much time passes, for Airbyte and for both sensors."""
        self.reporting.wait(by)
        self.watching.later = self.reporting.later

    def wait_with_ticks(self, by: timedelta, every: timedelta = timedelta(minutes=5)) -> None:
        """So much time passes, and the failure sensor ticks meanwhile."""
        for _ in range(int(by / every)):
            self.wait(every)
            self.tick()

    def move_to_another_process(self) -> None:
        """The failure sensor has not read the list of connections there."""
        self.watching.workspace = AirbyteWorkspace(
            **self.airbyte.workspace_config(), catalog_ttl=299, request_retry_delay=0.01
        )

    @property
    def problems(self) -> list[SyncProblem]:
        """What runs were started for."""
        return problems_of(self.started)


def problems_of(requests: Sequence[dg.RunRequest]) -> list[SyncProblem]:
    return [SyncProblem.from_run_tags(each.tags) for each in requests]


def watched(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    on_failure: OnFailure | None = None,
    **options: object,
) -> Watched:
    """Definitions of everything the simulator has now, which have not ticked yet."""
    reporting = deployed(airbyte, instance, on_failure=on_failure or OnFailure(notify), **options)
    return Watched(reporting, replace(reporting, sensor=FAILURE_SENSOR, ticks=[]))
