"""A lost cursor, a dead daemon, several sensors, wide connections: one run for a round still."""

from dataclasses import replace
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync import Connection, WhenAll, build_airbyte_definitions
from dagster_airbyte_sync.resources import OutOfTime
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import WORKSPACE_TAG
from dagster_airbyte_sync.sensors.when_all.start import Starter
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.downstream import DOWNSTREAM
from helpers.when_all import TRIGGER, Deploy, Triggered, triggered

pytestmark = pytest.mark.usefixtures("sources")

ALL = ["shop", "crm", "billing"]


@pytest.fixture
def nightly(deploy: Deploy) -> Triggered:
    """After one round, and two members into the next."""
    nightly = triggered(deploy, *DOWNSTREAM, members=ALL)
    nightly.sync(*ALL)
    assert len(nightly.tick().requests) == 1
    nightly.wait(hours=1)
    nightly.sync("shop", "crm")
    return nightly


@pytest.mark.parametrize("cursor", [None, "", "nonsense", '{"v":99}'])
def test_a_reset_sensor_goes_on_in_the_middle_of_a_round(
    nightly: Triggered, cursor: str | None
) -> None:
    before = nightly.tick().summary
    nightly.sensor.cursor = cursor
    assert nightly.tick().summary == before
    nightly.sync("billing")
    assert len(nightly.tick().requests) == 1


def test_a_sensor_that_loses_its_cursor_at_each_tick_starts_once_a_round(
    nightly: Triggered,
) -> None:
    for _ in range(3):
        nightly.sync("billing")
        for _ in range(3):
            nightly.lose_cursor()
            nightly.tick()
        nightly.wait(hours=1)
        nightly.sync("shop", "crm")
    assert len(nightly.started) == 4


def test_an_old_run_that_was_executed_again_takes_nothing_back(nightly: Triggered) -> None:
    nightly.sync("billing")
    nightly.tick()
    first, _ = nightly.started
    nightly.keep(first)
    nightly.lose_cursor()
    assert nightly.tick().summary == "Waiting for the first of 3."


def test_a_run_of_another_trigger_is_not_taken_for_its_own(nightly: Triggered) -> None:
    """It has counted the same syncs, of which one is followed by another since."""
    nightly.sync("billing")
    before, nightly.keeps_runs = nightly.sensor.cursor, False
    (request,) = nightly.tick().requests
    nightly.wait(hours=1)
    nightly.sync("shop")
    for tags in ({WORKSPACE_TAG: "another"}, {"dagster/sensor_name": "another"}):
        nightly.keep(request.with_replaced_attrs(tags={**request.tags, **tags}))
    nightly.keep(request.with_replaced_attrs(asset_selection=[dg.AssetKey("elsewhere")]))

    nightly.sensor.cursor = before
    assert len(nightly.tick().requests) == 1
    nightly.sensor.cursor = before
    nightly.keep(request)
    assert nightly.tick().requests == []


def test_a_tick_whose_cursor_was_not_stored_asks_for_the_same_run_again(
    nightly: Triggered,
) -> None:
    """Dagster has it under this key, or still lacks it: one submission of several failed."""
    nightly.sync("billing")
    before = nightly.sensor.cursor
    (request,) = nightly.tick().requests
    nightly.sensor.cursor = before
    (again,) = nightly.tick().requests
    assert again.run_key == request.run_key


def test_a_start_that_the_cursor_does_not_know_is_gone_on_from(nightly: Triggered) -> None:
    """The daemon died after the run was created, and a member synced again before it was back."""
    nightly.sync("billing")
    before = nightly.sensor.cursor
    assert len(nightly.tick().requests) == 1
    nightly.sensor.cursor = before
    nightly.wait(hours=1)
    nightly.sync("billing")

    tick = nightly.tick()

    assert tick.requests == []
    assert str(tick.summary).startswith("1 of 3 in")


def test_without_time_to_check_a_run_the_round_stays_open(
    nightly: Triggered, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_time(*args: object) -> list[dg.RunRequest]:
        raise OutOfTime("no time")

    nightly.sync("billing")
    with monkeypatch.context() as patch:
        patch.setattr(Starter, "requests", no_time)
        tick = nightly.tick()
        assert (tick.requests, tick.summary and "not started yet" in tick.summary) == ([], True)
    assert len(nightly.tick().requests) == 1


def test_a_member_that_is_added_counts_from_then_on(
    deploy: Deploy, airbyte: AirbyteSimulator
) -> None:
    """What it synced before does not complete the round."""
    nightly = triggered(deploy, *DOWNSTREAM, members=["shop", "crm"])
    nightly.sync("billing", "shop")
    nightly.tick()
    wider = triggered(deploy, *DOWNSTREAM, members=ALL)
    wider.sensor.cursor = nightly.sensor.cursor
    wider.sync("crm")
    assert wider.tick().requests == []
    wider.wait(hours=1)
    wider.sync("billing")
    assert len(wider.tick().requests) == 1


def test_two_sensors_report_a_part_each_and_one_trigger_is_for_both(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    workspace = deploy().workspace
    first, second = (
        partial(
            build_airbyte_definitions,
            workspace,
            checks=False,
            connection_selector_fn=selector,
            sensor_name=f"part_{place}",
        )
        for place, selector in enumerate([is_shop, lambda connection: not is_shop(connection)])
    )
    owner = first(when_all=[WhenAll("nightly", ALL)])
    defs = dg.Definitions.merge(owner, second(), dg.Definitions(assets=list(DOWNSTREAM)))
    parts = [replace(deploy(), defs=defs, sensor=f"part_{place}", ticks=[]) for place in range(2)]
    both = Triggered(parts, replace(parts[0], sensor=TRIGGER, ticks=[]))
    both.report()
    both.tick()
    both.sync("crm", "billing")
    assert str(both.tick().summary).endswith("waiting for shop.")
    both.sync("shop")
    assert len(both.tick().requests) == 1


def is_shop(connection: Connection) -> bool:
    return connection.name == "shop"


def wide(deploy: Deploy, airbyte: AirbyteSimulator) -> Triggered:
    """A trigger for two members, of which one has six tables."""
    airbyte.add_connection("wide", streams=[f"t{number}" for number in range(6)])
    follows = dg.asset(name="follows", deps=["t0", "leads"])(lambda: None)
    nightly = triggered(deploy, follows, members=["wide", "crm"])
    nightly.sync("crm")
    return nightly


def test_a_wide_connection_is_in_once_all_its_tables_are_reported(
    deploy: Deploy, airbyte: AirbyteSimulator
) -> None:
    nightly = wide(deploy, airbyte)
    airbyte.run_sync(airbyte.connection("wide"))
    nightly.report(crash_after=4)
    tick = nightly.tick()
    assert tick.requests == []
    assert str(tick.summary).endswith("waiting for wide (being reported).")
    nightly.report()
    assert len(nightly.tick().requests) == 1


def test_a_table_that_is_not_synced_any_more_is_waited_for_two_minutes(
    deploy: Deploy, airbyte: AirbyteSimulator
) -> None:
    nightly = wide(deploy, airbyte)
    airbyte.update_connection(
        airbyte.connection("wide"), streams=[f"t{number}" for number in range(5)]
    )
    nightly.sync("wide")
    nightly.wait(seconds=110)
    assert nightly.tick().requests == []
    nightly.wait(seconds=11)
    assert len(nightly.tick().requests) == 1


def test_a_connection_that_syncs_each_minute_is_in_although_a_table_stays_away(
    deploy: Deploy, airbyte: AirbyteSimulator
) -> None:
    """None of its syncs is two minutes old before the next begins to be reported."""
    nightly = wide(deploy, airbyte)
    airbyte.update_connection(
        airbyte.connection("wide"), streams=[f"t{number}" for number in range(5)]
    )
    nightly.sync("wide")
    assert nightly.tick().requests == []
    nightly.wait(minutes=1)
    nightly.sync("wide")
    assert len(nightly.tick().requests) == 1


def test_a_member_that_is_in_stays_in_while_its_next_sync_is_reported(
    deploy: Deploy, airbyte: AirbyteSimulator
) -> None:
    """And that sync counts for the next round, as the run may have read tables without it."""
    nightly = wide(deploy, airbyte)
    nightly.sync("wide")
    assert len(nightly.tick().requests) == 1
    nightly.wait(hours=1)
    nightly.sync("wide")
    nightly.tick()
    nightly.wait(hours=1)
    for name in ("crm", "wide"):
        airbyte.run_sync(airbyte.connection(name))
    nightly.report(crash_after=4)
    assert len(nightly.tick().requests) == 1
    nightly.report()
    assert str(nightly.tick().summary).startswith("1 of 2 in")
