"""A sensor without a cursor, or with one of an earlier version: nothing is repeated or lost."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import count

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, Connection, build_airbyte_polling_sensor
from dagster_airbyte_sync.sensors import tick
from dagster_airbyte_sync.sensors.cursor.packing import pack
from dagster_airbyte_sync.sensors.decision import Limits
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedJob
from helpers.deployment import Deployment, deployed
from helpers.look_ups import counted_look_ups

HOUR = timedelta(hours=1)


@pytest.fixture
def shop(either: AirbyteSimulator) -> SimulatedConnection:
    return either.add_connection("shop", streams=["orders", "users"])


@pytest.fixture
def crm(either: AirbyteSimulator) -> SimulatedConnection:
    return either.add_connection("crm", streams=["leads"])


@pytest.fixture
def deployment(
    either: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection
) -> Iterator[Deployment]:
    @dg.asset(deps=["orders"])
    def revenue() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        yield deployed(
            either, instance, revenue, checks=True, downstream=dg.AssetSelection.assets("revenue")
        )


def sync_hourly(
    deployment: Deployment, connection: SimulatedConnection, hours: int
) -> list[SimulatedJob]:
    jobs = []
    for _ in range(hours):
        jobs.append(deployment.airbyte.run_sync(connection, rows=1))
        deployment.wait(HOUR)
    return jobs


def in_the_past(deployment: Deployment) -> None:
    """As the event log goes by the real clock, and nothing is stored before it has ended."""
    deployment.airbyte.set_clock(deployment.airbyte.now - 40 * HOUR)
    deployment.later = -40 * HOUR


def restarted(deployment: Deployment) -> Deployment:
    """Its sensor now runs in a process that has heard nothing of Airbyte yet."""
    # Clients are shared by all with the same settings.
    deployment.workspace = AirbyteWorkspace(
        **deployment.airbyte.workspace_config(), request_retry_delay=0.01, catalog_ttl=next(OTHERS)
    )
    return deployment


OTHERS = count(301)


def renamed(deployment: Deployment) -> Deployment:
    """The same definitions with their sensor under another name, so without a cursor."""
    sensor = build_airbyte_polling_sensor(workspace=deployment.workspace, name="renamed")
    defs = dg.Definitions.merge(deployment.defs, dg.Definitions(sensors=[sensor]))
    return Deployment(
        deployment.airbyte,
        deployment.workspace,
        defs,
        deployment.instance,
        sensor="renamed",
        later=deployment.later,
    )


@pytest.mark.parametrize("last", ["sync", "clear", "failed sync", "cancelled sync"])
def test_a_lost_cursor_repeats_nothing(
    either: AirbyteSimulator,
    shop: SimulatedConnection,
    crm: SimulatedConnection,
    deployment: Deployment,
    last: str,
) -> None:
    """Neither an observation nor a failed check, however it was lost, and however often."""
    deployment.tick()
    either.run_sync(crm)
    either.run_sync(shop)
    deployment.wait(timedelta(minutes=2))
    if last == "clear":
        either.run_clear(shop)
    elif last == "failed sync":
        either.fail(either.start_sync(shop), reason="password expired")
    elif last == "cancelled sync":
        either.cancel(either.start_sync(shop))
    deployment.wait(timedelta(minutes=1))
    reported = deployment.tick()
    assert len(reported.events) >= (6 if last == "sync" else 8)

    again = []
    for cursor in (None, "", "not json", None):
        deployment.cursor = cursor
        again.append(deployment.tick())
        deployment.wait(timedelta(minutes=1))
        again.append(deployment.tick())

    assert [tick.events for tick in again] == [[]] * 8
    keys = {request.run_key for tick in deployment.ticks for request in tick.requests}
    assert keys == {request.run_key for request in reported.requests}


def test_a_tick_that_died_and_a_lost_cursor_repeat_nothing(
    either: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    either.run_sync(shop)
    deployment.wait(timedelta(minutes=1))
    either.fail(either.start_sync(shop), reason="password expired")
    whole = [key for key, _, _ in deployment.tick(crash_after=7).checked]

    deployment.cursor = None
    rest = deployment.tick()
    deployment.cursor = None
    again = deployment.tick()

    assert (whole, rest.checked, again.events) == (
        ["orders", "users", "orders", "users"],
        [("users", 2, False)],
        [],
    )


@pytest.mark.parametrize("way", ["reset", "renamed"])
def test_a_sensor_without_a_cursor_after_an_outage_of_hours_goes_on_where_the_event_log_ends(
    either: AirbyteSimulator,
    shop: SimulatedConnection,
    crm: SimulatedConnection,
    deployment: Deployment,
    way: str,
) -> None:
    """It began ten minutes ago, and forgot what had ended before. Each connection has its own
    end; one that was never reported begins where the sensor was, without the history before."""
    in_the_past(deployment)
    sync_hourly(deployment, crm, 30)
    restarted(deployment).tick()
    reported = [*sync_hourly(deployment, shop, 1)]
    deployment.tick()
    missed = sync_hourly(deployment, shop, 7)
    deployment.wait(timedelta(minutes=3))
    recent = either.run_sync(crm)

    if way == "renamed":
        deployment = renamed(deployment)
    deployment.cursor = None
    restarted(deployment).tick()
    again = deployment.tick()

    ids = [job.job_id for job in [*reported, *missed]]
    assert deployment.reported_all(["orders", "users"]) == {"orders": ids, "users": ids}
    assert deployment.reported("leads") == [recent.job_id]
    assert again.events == []


def test_a_first_sync_that_came_in_the_outage_is_reported_too(
    either: AirbyteSimulator,
    shop: SimulatedConnection,
    crm: SimulatedConnection,
    deployment: Deployment,
) -> None:
    in_the_past(deployment)
    before = either.run_sync(shop)
    deployment.wait(timedelta(minutes=1))
    restarted(deployment).tick()
    first, second = sync_hourly(deployment, crm, 2)

    deployment.cursor = None
    restarted(deployment).tick(crash_after=1)
    restarted(deployment).tick()

    assert deployment.reported("leads") == [first.job_id, second.job_id]
    assert deployment.reported("orders") == [before.job_id]


def test_and_though_it_takes_several_ticks_to_come_to_it(
    either: AirbyteSimulator,
    shop: SimulatedConnection,
    crm: SimulatedConnection,
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which report later syncs of others first."""
    monkeypatch.setattr(tick, "Limits", partial(Limits, events=4))
    in_the_past(deployment)
    either.run_sync(shop)
    deployment.wait(timedelta(minutes=1))
    restarted(deployment).tick()
    sync_hourly(deployment, shop, 3)
    (first,) = sync_hourly(deployment, crm, 1)

    deployment.cursor = None
    for _ in range(4):
        deployment.tick()

    assert deployment.reported("leads") == [first.job_id]


def test_but_not_where_the_user_says_when_to_begin(
    either: AirbyteSimulator,
    shop: SimulatedConnection,
    crm: SimulatedConnection,
    deployment: Deployment,
) -> None:
    in_the_past(deployment)
    either.run_sync(shop)
    deployment.tick()
    sync_hourly(deployment, crm, 2)

    later = deployed(either, deployment.instance, start_from=either.now)
    later.later = deployment.later
    restarted(later).tick()

    assert later.reported("leads") == []


def test_it_goes_back_thirty_days_at_most(
    either: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    either.run_sync(shop)
    deployment.tick()
    deployment.wait(timedelta(days=5))
    either.run_sync(shop)
    deployment.wait(timedelta(days=29))
    kept = either.run_sync(shop)
    deployment.wait(timedelta(days=2))

    deployment.cursor = None
    restarted(deployment).tick()

    assert deployment.reported("orders") == [1, kept.job_id]


@pytest.mark.parametrize("stored", [0, 1, 2, 3, 5])
def test_a_first_tick_that_dies_hides_nothing_of_what_was_missed(
    either: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment, stored: int
) -> None:
    """What it stored moves the end of the event log, of one table before the other."""
    either.run_sync(shop)
    deployment.tick()
    deployment.wait(HOUR)
    missed = [job.job_id for job in sync_hourly(deployment, shop, 3)]
    deployment.cursor = None
    restarted(deployment).tick(crash_after=stored)

    deployment.tick()

    assert deployment.reported_all(["orders", "users"]) == {
        key: [1, *missed] for key in ["orders", "users"]
    }


# Cursors as earlier releases wrote them.


def version_1(deployment: Deployment, waiting: SimulatedJob, done: list[SimulatedJob]) -> str:
    """`since` never passed a job that waits, and all of these were named."""
    return json.dumps(
        {
            "v": 1,
            "workspace": deployment.airbyte.workspace_id,
            "begin": (waiting.created_at - 9 * HOUR).isoformat(),
            "since": waiting.updated_at.isoformat(),
            "done": steps([job.job_id for job in done]),
            "held": {str(waiting.job_id): int(waiting.updated_at.timestamp())},
        }
    )


def version_2(deployment: Deployment, waiting: SimulatedJob, done: list[SimulatedJob]) -> str:
    return json.dumps(
        {
            "v": 2,
            "workspace": deployment.airbyte.workspace_id,
            "begin": (waiting.created_at - 9 * HOUR).isoformat(),
            "since": done[-1].updated_at.isoformat(),
            "done": steps([job.job_id for job in done]),
            "held": [waiting.job_id, int(waiting.updated_at.timestamp())],
            "held_from": waiting.updated_at.isoformat(),
        }
    )


def version_3(deployment: Deployment, waiting: SimulatedJob, done: list[SimulatedJob]) -> str:
    """Jobs were packed, with the times of their creation; nothing is named that lies before."""
    created, ended = epoch(waiting.created_at), epoch(waiting.updated_at)
    return json.dumps(
        {
            "v": 3,
            "workspace": deployment.airbyte.workspace_id,
            "begin": (waiting.created_at - 9 * HOUR).isoformat(),
            "since": printed(done[-1].updated_at),
            "floor": printed(done[-1].updated_at),
            "done": pack([*(job.job_id for job in done), *(epoch(job.created_at) for job in done)]),
            "held": pack([waiting.job_id, created, ended]),
            "held_from": printed(waiting.updated_at),
        }
    )


def version_3_apart(deployment: Deployment, waiting: SimulatedJob, done: list[SimulatedJob]) -> str:
    """Its connection could not be read."""
    raw = json.loads(version_3(deployment, waiting, done))
    place = [waiting.job_id, printed(waiting.updated_at)]
    del raw["held"], raw["held_from"]
    return json.dumps({**raw, "apart": {waiting.connection_id: place}})


def printed(moment: datetime) -> str:
    """As Airbyte prints it, in whole seconds."""
    return moment.replace(microsecond=0).isoformat()


def epoch(moment: datetime) -> int:
    return int(moment.timestamp())


def steps(numbers: list[int]) -> list[int]:
    return [number - before for before, number in zip([0, *numbers], numbers, strict=False)]


@pytest.mark.parametrize("written_by", [version_1, version_2, version_3, version_3_apart])
def test_a_cursor_of_an_earlier_version_is_read_without_loss(
    either: AirbyteSimulator,
    shop: SimulatedConnection,
    crm: SimulatedConnection,
    deployment: Deployment,
    written_by: Callable[[Deployment, SimulatedJob, list[SimulatedJob]], str],
) -> None:
    """A job of the shop waited for a run when the sensor stopped, hours ago."""
    only_crm = deployed(either, deployment.instance, connection_selector_fn=is_crm)
    only_crm.tick()
    waiting = either.run_sync(shop)
    done = []
    for _ in range(3):
        only_crm.wait(timedelta(seconds=20))
        done.append(either.run_sync(crm))
    only_crm.tick()
    deployment.cursor = written_by(deployment, waiting, done)
    deployment.wait(5 * HOUR)
    later = [either.run_sync(shop), either.run_sync(crm)]

    # What could not be read is reported from the second tick on.
    restarted(deployment).tick()
    deployment.tick()
    deployment.wait(timedelta(minutes=1))
    again = deployment.tick()

    assert deployment.reported("orders") == [waiting.job_id, later[0].job_id]
    assert deployment.reported("leads") == [*(job.job_id for job in done), later[1].job_id]
    assert again.events == []


def is_crm(connection: Connection) -> bool:
    return connection.name == "crm"


@pytest.mark.slow
def test_what_was_reported_long_ago_takes_no_time_of_what_is_new(
    either: AirbyteSimulator, memory: dg.DagsterInstance
) -> None:
    """A connection that synced last weeks ago draws the sensor back over all that others did."""
    old = either.add_connection("monthly", streams=["plans"])
    wide = either.add_connection("wide", streams=[f"t{number:02}" for number in range(50)])
    deployment = deployed(either, memory)
    in_the_past(deployment)
    deployment.tick()
    either.run_sync(old)
    for _ in range(7):
        deployment.wait(HOUR)
        either.run_sync(wide, rows=1)
        deployment.tick()
    deployment.cursor = None
    deployment.wait(HOUR)
    new = either.run_sync(wide, rows=1)
    with counted_look_ups() as count:
        resumed = deployment.tick()

    assert {job for _, job in resumed.materialized} == {new.job_id}
    assert len(resumed.materialized) == 50
    assert count["get_asset_records"] <= 5, count
