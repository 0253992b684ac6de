"""A connection's schedule is changed, and nothing else of it."""

import contextlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteNotFound,
    AirbyteSettingsError,
    SyncSchedule,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

Connect = Callable[..., AirbyteClient]
NOON_UTC = SyncSchedule("cron", cron_expression="0 0 12 * * ?", cron_timezone="UTC")
NOON_THERE = SyncSchedule("cron", cron_expression="0 0 12 * * ?", cron_timezone="Asia/Tokyo")
DAILY = SyncSchedule("basic", units=24, time_unit="hours")
UPDATE = "/connections/update"
UNKNOWN = "0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a"


@pytest.mark.parametrize("schedule", [SyncSchedule(), NOON_UTC])
def test_either_api_takes_manual_and_crons_in_utc(
    either: AirbyteSimulator, connect: Connect, schedule: SyncSchedule
) -> None:
    shop = either.add_connection("shop", ["orders"], schedule=timedelta(hours=1), prefix="p_")
    client = connect(either)
    before = client.catalog().connections[shop.connection_id]
    assert client.can_set_schedule(schedule)
    client.set_schedule(shop.connection_id, schedule)
    after = client.catalog().connections[shop.connection_id]
    assert after.schedule == schedule
    assert (after.stream_prefix, after.streams, after.status) == (
        before.stream_prefix,
        before.streams,
        before.status,
    )


@pytest.mark.parametrize("schedule", [NOON_THERE, DAILY])
def test_the_configuration_api_takes_zones_and_intervals_as_they_are_written(
    airbyte: AirbyteSimulator, connect: Connect, schedule: SyncSchedule
) -> None:
    shop = airbyte.add_connection("shop")
    client = connect(airbyte)
    client.set_schedule(shop.connection_id, schedule)
    assert client.catalog().connections[shop.connection_id].schedule == schedule


@pytest.mark.parametrize("version", ["1.0.0", "1.7.2", "1.8.0"])
def test_the_public_api_of_every_release_takes_manual(connect: Connect, version: str) -> None:
    with AirbyteSimulator(version=version, configuration_api=False) as airbyte:
        shop = airbyte.add_connection("shop", schedule="0 0 12 * * ?")
        connect(airbyte).set_schedule(shop.connection_id, SyncSchedule())
        assert shop.schedule.type == "manual"


@pytest.mark.parametrize("schedule", [NOON_THERE, DAILY])
def test_the_public_api_is_never_asked_for_what_it_would_write_wrongly(
    connect: Connect, schedule: SyncSchedule
) -> None:
    with AirbyteSimulator(configuration_api=False) as cloud:
        shop = cloud.add_connection("shop")
        client = connect(cloud)
        with pytest.raises(
            AirbyteSettingsError, match="neither intervals nor time zones other than UTC"
        ):
            client.set_schedule(shop.connection_id, schedule)
        client.catalog()
        assert not client.can_set_schedule(schedule)
        assert shop.schedule.type == "manual"


@pytest.mark.parametrize("schedule", [NOON_UTC, DAILY])
def test_a_refused_write_does_not_close_the_configuration_api_to_reading(
    airbyte: AirbyteSimulator, connect: Connect, schedule: SyncSchedule
) -> None:
    shop = airbyte.add_connection("shop")
    airbyte.add_fault(Fault.status(403, {"message": "read only"}), path=UPDATE)
    client = connect(airbyte)
    with contextlib.suppress(AirbyteSettingsError):
        client.set_schedule(shop.connection_id, schedule)
    airbyte.forget_requests()
    client.catalog()
    assert "/api/v1/connections/list" in [request.path for request in airbyte.requests]
    assert client.can_set_schedule(DAILY)


def test_a_refused_interval_is_reported_with_airbyte_s_reason(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop")
    airbyte.add_fault(Fault.status(403, {"message": "read only"}), path=UPDATE)
    with pytest.raises(AirbyteSettingsError, match=r"answered 403: read only") as refused:
        connect(airbyte).set_schedule(shop.connection_id, DAILY)
    assert shop.connection_id in str(refused.value)


def test_an_unknown_connection_is_not_found(either: AirbyteSimulator, connect: Connect) -> None:
    either.add_connection("shop")
    with pytest.raises(AirbyteNotFound):
        connect(either).set_schedule(UNKNOWN, SyncSchedule())


def test_a_remembered_catalog_is_read_again_afterwards(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop", schedule=timedelta(hours=1))
    client = connect(airbyte, catalog_ttl=3600)
    assert client.catalog().connections[shop.connection_id].schedule.kind == "basic"
    client.set_schedule(shop.connection_id, SyncSchedule())
    assert client.catalog().connections[shop.connection_id].schedule.kind == "manual"
