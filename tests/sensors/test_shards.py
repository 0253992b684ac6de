"""Several sensors share the connections: each sync is reported by one of them, once."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteChecks,
    AirbyteSettingsError,
    Shard,
    build_airbyte_polling_sensor,
)
from dagster_airbyte_sync.sensors import tick
from dagster_airbyte_sync.sensors.cursor.cursor import Cursor, read_cursor
from dagster_airbyte_sync.sensors.decision import Limits
from helpers.deployment import Deployment
from helpers.look_ups import counted_look_ups
from helpers.sharded import Sharded, ids_of, sharded

MINUTE = timedelta(minutes=1)
CONNECTIONS = 8
IDS = ids_of(400)


@pytest.fixture
def shop(memory: dg.DagsterInstance) -> Iterator[Sharded]:
    with sharded(memory, CONNECTIONS) as shop:
        yield shop


def sync_all(shop: Sharded) -> None:
    for connection in shop.airbyte.connections:
        shop.sync(connection, MINUTE)


# -- which connections ------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 4, 16])
def test_each_connection_is_in_one_shard_and_each_shard_has_its_part(count: int) -> None:
    shards = Shard.each(count)
    sizes = {each: sum(each.has(connection_id) for connection_id in IDS) for each in shards}

    assert all(sum(each.has(connection_id) for each in shards) == 1 for connection_id in IDS)
    assert min(sizes.values()) > len(IDS) / count / 2


def test_it_is_the_same_in_every_process() -> None:
    code = (
        "from dagster_airbyte_sync import Shard; import sys;"
        "print([each for each in sys.argv[1:] if Shard(2, of=4).has(each)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, *IDS[:50]], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == str([each for each in IDS[:50] if Shard(2, of=4).has(each)])


def test_the_count_is_part_of_the_name_unless_there_is_one(shop: Sharded) -> None:
    names = [f"airbyte_sync_sensor_{number}_of_3" for number in (1, 2, 3)]
    shop.load(3)
    assert [each.sensor for each in shop.sensors] == names
    shop.load(1)
    assert [each.sensor for each in shop.sensors] == ["airbyte_sync_sensor"]
    own = build_airbyte_polling_sensor(workspace=shop.workspace, name="mine", shard=Shard(2, of=2))
    assert (own.name, "number 2 of 2" in (own.description or "")) == ("mine_2_of_2", True)


@pytest.mark.parametrize(
    ("number", "of", "said"),
    [
        (5, 4, "no Shard(5, of=4): numbers are 1 to 4"),
        (0, 4, "no Shard(0, of=4)"),
        (2, 1, "no Shard(2, of=1): number must be 1"),
        ("1", 4, "no Shard('1', of=4)"),
        (1, 0, "Shard(of=...) is 0, and must be at least 1"),
        (1, True, "Shard(of=...) is True"),
    ],
)
def test_a_shard_that_is_none_of_them_is_refused(number: int, of: int, said: str) -> None:
    with pytest.raises(AirbyteSettingsError) as refused:
        Shard(number, of)
    assert said in str(refused.value)


def test_so_is_a_number_of_sensors_that_cannot_be(shop: Sharded) -> None:
    with pytest.raises(AirbyteSettingsError, match="shards is 0, and must be at least 1"):
        shop.load(0)


# -- what they report -------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 4])
def test_all_together_report_what_one_would_each_its_own_and_once(
    shop: Sharded, count: int
) -> None:
    shop.load(count)
    shop.tick()
    for _ in range(3):
        sync_all(shop)
        last = shop.tick()
        shop.tick()

    shop.check_each_sync_is_reported_once()
    for sensor, made in zip(shop.sensors, last, strict=True):
        own = [each for each in shop.airbyte.connections if shop.of(each) is sensor]
        assert {job for _, job in made.materialized} == {shop.synced(each)[-1] for each in own}
        assert (made.summary or "").startswith(f"Reported {len(own)} sync" if own else "Nothing")


def test_what_others_report_moves_the_cursor_and_costs_no_look(shop: Sharded) -> None:
    """An idle tick is one request however many syncs of others ended since the last."""
    shop.load(4)
    shop.tick()
    c0 = shop.airbyte.connections[0]
    other = next(each for each in shop.sensors if each is not shop.of(c0))
    before = cursor_of(other, shop).since
    for _ in range(3):
        shop.sync(c0, MINUTE)

    with counted_look_ups() as count:
        idle = shop.tick_of(other)

    assert (idle.sent, idle.events, sum(count.values())) == (1, [], 0)
    assert (idle.summary or "").startswith("Nothing new. Read up to")
    cursor = cursor_of(other, shop)
    assert cursor.since - before >= 3 * MINUTE
    assert not cursor.done


def cursor_of(sensor: Deployment, shop: Sharded) -> Cursor:
    return read_cursor(sensor.cursor or "", shop.airbyte.workspace_id)


def test_a_long_history_of_others_uses_up_no_tick(
    shop: Sharded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reported, they would fill several."""
    monkeypatch.setattr(tick, "Limits", partial(Limits, events=4))
    shop.load(4)
    shop.tick()
    c0, *more = shop.airbyte.connections
    own = next(each for each in more if shop.of(each) is not shop.of(c0))
    for _ in range(20):
        shop.sync(c0, MINUTE)
    last = shop.sync(own, MINUTE)

    assert {job for _, job in shop.tick_of(shop.of(own)).materialized} == {last}


def test_each_looks_at_how_its_own_connections_stand(memory: dg.DagsterInstance) -> None:
    checks = AirbyteChecks(rows=False, connection=True)
    with sharded(memory, CONNECTIONS, checks=checks) as shop:
        shop.load(4)
        for sensor, first in zip(shop.sensors, shop.tick(), strict=True):
            looked = {
                each.asset_key.to_user_string().split("_")[0].replace("t", "c")
                for each in first.events
                if isinstance(each, dg.AssetCheckEvaluation)
                and each.check_name == "airbyte_connection"
            }
            own = {each.name for each in shop.airbyte.connections if shop.of(each) is sensor}
            assert looked == own


def test_a_first_tick_of_each_begins_at_start_from(shop: Sharded) -> None:
    """Though another shard has reported something by then."""
    old = [shop.sync(each, MINUTE) for each in shop.airbyte.connections]
    shop.wait(11 * MINUTE)
    new = [shop.sync(each) for each in shop.airbyte.connections]
    shop.load(4)

    reported = [job for first in shop.tick() for _, job in first.materialized]

    assert old
    assert Counter(reported) == Counter([*new, *new])
