"""Workspaces that appear, go away, may not be read and come back, while syncs go on in all of them:
each sync of those that are there in the end is reported once, and in order.

`INSTANCES_SEED` and `INSTANCES_HISTORIES` choose which and how many histories are tried.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from uuid import UUID

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteInstance, Connection, build_airbyte_definitions
from dagster_airbyte_sync.sensors.cursor.cursor import read_cursor
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedWorkspace
from helpers.deployment import Deployment, forget_clients
from helpers.model_clock import ModelClock, dagster_goes_by
from helpers.slow_ticks import pages_in_a_tick
from helpers.workspaces import reported

SEED = int(os.environ.get("INSTANCES_SEED", "0"))
HISTORIES = int(os.environ.get("INSTANCES_HISTORIES", "6"))
STEPS = 40
MINUTE = timedelta(minutes=1)


@dataclass
class History:
    """One Airbyte, its syncs, and a deployment that is loaded anew now and then."""

    random: Random
    airbyte: AirbyteSimulator
    clock: ModelClock
    instance: dg.DagsterInstance
    page: int
    deployment: Deployment | None = None
    chosen: list[str] | None = None
    loaded: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)
    # Ten minutes later the sensor has read the list of workspaces again.
    changed_at: datetime | None = None
    is_known: bool = False
    was_set: bool = False

    def uuid(self) -> str:
        return str(UUID(int=self.random.getrandbits(128)))

    def add_workspace(self) -> None:
        number = len(self.airbyte.workspaces)
        workspace = self.airbyte.add_workspace(f"W{number}", workspace_id=self.uuid())
        self.add_connections(workspace)

    def add_connections(self, workspace: SimulatedWorkspace) -> None:
        for _ in range(self.random.choice([1, 1, 2])):
            number = len(self.airbyte.connections)
            self.airbyte.add_connection(
                f"c{number}",
                [f"t{number}"],
                workspace=workspace,
                connection_id=self.uuid(),
                sync_seconds=self.random.choice([10, 600, 7_200]),
            )

    def load(self) -> None:
        """In a new code server, with the credentials' workspaces as they are now."""
        cursor = self.deployment.cursor if self.deployment else None
        forget_clients()
        workspace = AirbyteInstance(
            **self.airbyte.instance_config(),
            workspace_ids=self.chosen,
            max_items_per_page=self.page,
            request_retry_delay=0,
            request_max_retries=0,
        )
        built = build_airbyte_definitions(
            workspace, checks=False, connection_selector_fn=self.is_selected
        )
        self.deployment = Deployment(self.airbyte, workspace, built, self.instance, cursor=cursor)
        here = {key.path[-1] for key in built.resolve_all_asset_keys()}
        self.loaded = {
            each.connection_id for each in self.airbyte.connections if each.streams[0].name in here
        }

    def is_selected(self, connection: Connection) -> bool:
        if connection.id in self.broken:
            raise ValueError("This code is not ready yet.")
        return True

    def tick(self, crash_after: int | None = None) -> bool:
        """Whether it found something to report."""
        assert self.deployment is not None
        self.deployment.later = self.clock.real - datetime.now(timezone.utc)
        self.airbyte.forget_requests()
        found = self.deployment.tick(crash_after=crash_after)
        if self.is_known:
            assert most_refused(self.airbyte) < 2, "what may not be read is tried alone"
        is_read = self.changed_at is None or self.airbyte.now - self.changed_at > 10 * MINUTE
        # Nobody has asked yet about those whose tables are not loaded.
        self.is_known = is_read and not self.held
        if crash_after is None:
            away = {each.workspace_id for each in self.airbyte.workspaces if each.is_hidden}
            here = (each for each in self.airbyte.connections if each.workspace_id not in away)
            self.met |= {each.connection_id for each in here} & self.loaded
        return bool(found.events)

    @property
    def held(self) -> frozenset[str]:
        cursor = self.deployment and self.deployment.cursor
        if not cursor:
            return frozenset()
        read = read_cursor(cursor, json.loads(cursor)["workspace"]).workspaces
        return read.held if read else frozenset()

    def step(self) -> None:
        actions = {
            self.sync: 8,
            self.try_to_tick: 12,
            self.wait: 5,
            self.hide: 3,
            self.show: 3,
            self.break_code: 1,
            self.mend_code: 2,
            self.grow: 1,
            self.try_to_load: 1,
            self.choose: 1,
            self.set_clock: 1,
        }
        (action,) = self.random.choices(list(actions), list(actions.values()))
        self.log.append(f"{action.__name__} at {self.airbyte.now:%d %H:%M:%S}")
        action()

    def sync(self) -> None:
        """Of what a tick has met with its assets: as with one workspace, earlier syncs of others
        are not reported."""
        busy = {each.connection_id for each in self.airbyte.jobs if not each.is_finished}
        for connection in self.airbyte.connections:
            may = connection.connection_id in self.met - busy
            if may and self.random.random() < 0.5:
                self.airbyte.start_sync(connection, unattended=True)
                self.airbyte.advance(self.random.choice([0, 1, 30]))

    def try_to_tick(self) -> None:
        # All may be away, or one be found out about.
        with suppress(dg.DagsterError):
            self.tick(self.random.choice([None, None, None, 0, 2]))

    def wait(self) -> None:
        self.airbyte.advance(self.random.choice([1, 11, 60, 600]) * MINUTE)

    def hide(self) -> None:
        self.is_known, self.changed_at = False, self.airbyte.now
        workspace = self.random.choice(self.airbyte.workspaces)
        self.airbyte.hide_workspace(workspace, listed=self.random.random() < 0.5)

    def show(self) -> None:
        self.is_known, self.changed_at = False, self.airbyte.now
        self.airbyte.show_workspace(self.random.choice(self.airbyte.workspaces))

    def break_code(self) -> None:
        self.broken |= {self.random.choice(self.airbyte.connections).connection_id}

    def mend_code(self) -> None:
        self.broken.clear()

    def set_clock(self) -> None:
        """Airbyte's, back by minutes or hours, which pass again."""
        self.is_known, self.changed_at, self.was_set = False, self.airbyte.now, True
        self.clock.set_back(self.random.choice([5, 60, 600]) * MINUTE)

    def grow(self) -> None:
        if len(self.airbyte.workspaces) < 6:
            self.add_workspace()
            self.try_to_load()

    def choose(self) -> None:
        ids = [each.workspace_id for each in self.airbyte.workspaces]
        some = self.random.sample(ids, self.random.randint(1, len(ids)))
        self.chosen = self.random.choice([None, some])
        self.try_to_load()

    def try_to_load(self) -> None:
        self.is_known, self.changed_at = False, self.airbyte.now
        self.broken.clear()
        # All may be away.
        with suppress(Exception):
            self.load()
            # As if it were a snapshot: what ticks sees what there is by then.
            forget_clients()

    def stay(self) -> None:
        """For a while nothing changes, and one at least may not be read."""
        self.airbyte.hide_workspace(self.airbyte.workspaces[0], listed=True)
        self.is_known, self.changed_at = False, self.airbyte.now
        for _ in range(4):
            self.airbyte.advance(11 * MINUTE)
            with suppress(dg.DagsterError):
                self.tick()

    def come_to_rest(self) -> None:
        for workspace in self.airbyte.workspaces:
            self.airbyte.show_workspace(workspace)
        self.chosen = None
        self.try_to_load()
        while not all(each.is_finished for each in self.airbyte.jobs):
            self.airbyte.advance(60 * MINUTE)
        self.airbyte.advance(180 * MINUTE)
        idle = 0
        for _ in range(100):
            # Longer than it takes until what may not be read is tried again.
            self.airbyte.advance(11 * MINUTE)
            idle = 0 if self.tick() else idle + 1
            if idle > 4:
                return
        raise AssertionError("still not at rest")

    def check(self) -> None:
        assert self.deployment is not None
        for connection in self.airbyte.connections:
            expected = ended_in_order(self.airbyte, connection)
            key = next(
                key.to_user_string()
                for key in self.deployment.defs.resolve_all_asset_keys()
                if key.path[-1] == connection.streams[0].name
            )
            ids = reported(self.deployment, key)
            # By a clock that was set back, what is read at once may have ended in another order.
            in_order = sorted(each or 0 for each in ids) if self.was_set else ids
            assert in_order == expected, (connection.name, self.log)


def most_refused(airbyte: AirbyteSimulator) -> int:
    """About how many workspaces at once a question was that the public API refused: the other one
    may be closed."""
    asked = [each.request.query for each in airbyte.exchanges if each.status == 403]
    return max([0, *(len(",".join(each.get("workspaceIds", [])).split(",")) for each in asked)])


def ended_in_order(airbyte: AirbyteSimulator, connection: SimulatedConnection) -> list[int]:
    own = [each for each in airbyte.jobs if each.connection_id == connection.connection_id]
    assert all(each.is_finished for each in own)
    return [each.job_id for each in own]


@contextmanager
def begun(seed: int) -> Iterator[History]:
    random, clock = Random(seed), ModelClock(timedelta(0))
    is_open, page = random.random() < 0.7, random.choice([200, 6, 3])
    with ExitStack() as stack:
        simulator = AirbyteSimulator(
            configuration_api=is_open,
            admin=False,
            clock=clock,
            workspace_id=str(UUID(int=random.getrandbits(128))),
        )
        airbyte = stack.enter_context(simulator)
        instance = stack.enter_context(dg.DagsterInstance.ephemeral())
        stack.enter_context(dagster_goes_by(clock))
        if pages := random.choice([None, 12]):
            stack.enter_context(pages_in_a_tick(airbyte, pages))
        history = History(random, airbyte, clock, instance, page)
        history.add_connections(airbyte.workspaces[0])
        history.add_workspace()
        history.add_workspace()
        history.load()
        history.tick()
        yield history
    forget_clients()


@pytest.mark.parametrize("seed", range(SEED * 1_000, SEED * 1_000 + HISTORIES))
def test_each_sync_is_reported_once_whatever_comes_and_goes(seed: int) -> None:
    with begun(seed) as history:
        for _ in range(STEPS):
            history.step()
        history.stay()
        history.come_to_rest()
        history.check()
