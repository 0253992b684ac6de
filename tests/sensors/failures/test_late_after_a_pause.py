"""A connection that was paused, or synced less often, is late only after as long once more."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteChecks, OnFailure, ProblemKind
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection
from helpers.watched import Watched, notify, watched

Watch = Callable[..., Watched]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AN_HOUR = OnFailure(notify, late_after=HOUR)
HOURLY, DAILY = {"cron": "0 0 * * * ?"}, {"cron": "0 0 6 * * ?"}


@pytest.fixture
def watch(airbyte: AirbyteSimulator, memory: dg.DagsterInstance) -> Watch:
    return partial(watched, airbyte, memory)


@pytest.fixture
def sensor(shop: SimulatedConnection, watch: Watch) -> Watched:
    """Its connection has synced, and nobody looks at how it stands."""
    return synced(watch(AN_HOUR), shop)


def synced(sensor: Watched, connection: SimulatedConnection) -> Watched:
    sensor.report()
    sensor.tick()
    sensor.airbyte.run_sync(connection)
    sensor.report()
    return go_on(sensor, 20 * MINUTE)


def go_on(sensor: Watched, by: timedelta) -> Watched:
    sensor.wait_with_ticks(by, every=10 * MINUTE)
    return sensor


def late(sensor: Watched) -> list[str]:
    return [each.connection_name for each in sensor.problems if each.kind is ProblemKind.LATE]


def resume(sensor: Watched, connection: SimulatedConnection) -> None:
    sensor.airbyte.update_connection(connection, status="active")
    # What is remembered of connections is so for five minutes at most.
    sensor.move_to_another_process()


def test_one_that_is_resumed_is_not_late_at_once_but_if_it_does_not_sync_then(
    sensor: Watched, shop: SimulatedConnection
) -> None:
    sensor.airbyte.update_connection(shop, status="inactive")
    go_on(sensor, 2 * HOUR)
    resume(sensor, shop)

    assert late(go_on(sensor, 50 * MINUTE)) == []
    assert late(go_on(sensor, 20 * MINUTE)) == ["shop"]


def test_one_that_was_late_before_its_pause_starts_no_second_run(
    sensor: Watched, shop: SimulatedConnection
) -> None:
    assert late(go_on(sensor, HOUR)) == ["shop"]
    sensor.airbyte.update_connection(shop, status="inactive")
    sensor.move_to_another_process()
    go_on(sensor, 20 * MINUTE)
    resume(sensor, shop)

    assert late(go_on(sensor, 2 * HOUR)) == ["shop"]


def test_an_airbyte_that_lists_no_connection_pauses_none(
    sensor: Watched, shop: SimulatedConnection
) -> None:
    sensor.move_to_another_process()
    sensor.airbyte.add_fault(Fault.status(500), path="/connections", times=None)
    assert late(go_on(sensor, HOUR)) == []
    sensor.airbyte.clear_faults()

    assert late(go_on(sensor, 10 * MINUTE)) == ["shop"]


@pytest.mark.parametrize("change", ["status", "schedule"])
def test_where_checks_look_at_connections_what_they_saw_begin_counts(
    airbyte: AirbyteSimulator, watch: Watch, change: str
) -> None:
    """Also what was over before the connection would have been late."""
    crm = airbyte.add_connection("crm", ["contacts"], schedule=HOURLY)
    sensor = synced(watch(AN_HOUR, checks=AirbyteChecks(connection=True)), crm)
    is_pause = change == "status"
    airbyte.update_connection(crm, **({"status": "inactive"} if is_pause else {"schedule": DAILY}))
    go_on(sensor, 10 * MINUTE).report()
    airbyte.update_connection(crm, **({"status": "active"} if is_pause else {"schedule": HOURLY}))
    go_on(sensor, 10 * MINUTE).report()
    sensor.move_to_another_process()

    assert late(go_on(sensor, 50 * MINUTE)) == []
    assert late(go_on(sensor, 20 * MINUTE)) == ["crm"]
