"""A trigger over several connections beside the polling sensors that report their syncs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import dagster as dg

from dagster_airbyte_sync import WhenAll
from dagster_airbyte_sync.testing import SimulatedJob
from helpers.dagster_private import dagster_time
from helpers.deployment import Deployment, Tick

TRIGGER = "airbyte_when_all_nightly"


@dataclass
class Triggered:
    """A deployment whose polling sensors report to what the trigger's sensor reads.

    `started` are the requests of all its ticks; Dagster keeps their tags, unless asked otherwise.
    """

    reporting: Sequence[Deployment]
    sensor: Deployment
    keeps_runs: bool = True
    started: list[dg.RunRequest] = field(default_factory=list)

    def sync(self, *names: str, rows: int = 1) -> list[SimulatedJob]:
        """A sync of each of the connections, which is reported at once."""
        airbyte = self.sensor.airbyte
        jobs = [airbyte.run_sync(airbyte.connection(name), rows=rows) for name in names]
        self.report()
        return jobs

    def report(self, *, crash_after: int | None = None) -> None:
        """A tick of each polling sensor."""
        with self.now():
            for each in self.reporting:
                each.later = self.sensor.later
                each.tick(crash_after=crash_after)

    def tick(self) -> Tick:
        """A tick of the trigger, whose runs are created."""
        with self.now():
            tick = self.sensor.tick()
            self.started += tick.requests
            for request in tick.requests if self.keeps_runs else ():
                self.keep(request)
        return tick

    def keep(self, request: dg.RunRequest) -> None:
        """The run exists."""
        of_daemon = {"dagster/sensor_name": TRIGGER, "dagster/run_key": str(request.run_key)}
        run = dg.DagsterRun(
            job_name="__ASSET_JOB",
            run_id=str(uuid4()),
            tags={**of_daemon, **request.tags},
            asset_selection=frozenset(request.asset_selection or ()),
        )
        self.sensor.instance.add_run(run)

    def lose_cursor(self) -> None:
        self.sensor.cursor = None

    def wait(self, **parts: float) -> None:
        self.sensor.wait(timedelta(**parts))

    @contextmanager
    def now(self) -> Iterator[None]:
        """Dagster stores what happens with the time that it is by now."""
        later = self.sensor.later
        with dagster_time(lambda: datetime.now(timezone.utc) + later):
            yield


Deploy = Callable[..., Deployment]


def triggered(deploy: Deploy, *more: dg.AssetsDefinition, **options: object) -> Triggered:
    """All that the simulator has, and a trigger called nightly, both after their first tick."""
    nightly = WhenAll("nightly", **options)  # type: ignore[arg-type]
    deployment = deploy(*more, when_all=[nightly])
    both = Triggered([deployment], replace(deployment, sensor=TRIGGER, ticks=[]))
    both.report()
    both.tick()
    return both
