"""A table whose next sync stays away fails its freshness policy."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    Connection,
    SyncSchedule,
    airbyte_assets,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    freshness_from_airbyte_schedule,
    load_airbyte_asset_specs,
    take_over_schedules,
)
from dagster_airbyte_sync.resources.schedules.lateness import Lateness, is_late
from dagster_airbyte_sync.testing import AirbyteSimulator

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)
SPEC = dg.AssetSpec("orders")


def connection(schedule: SyncSchedule) -> Connection:
    return Connection("c", "shop", "d", schedule=schedule)


def cron(expression: str) -> SyncSchedule:
    return SyncSchedule("cron", cron_expression=expression, cron_timezone="UTC")


def every(units: int, unit: str) -> SyncSchedule:
    return SyncSchedule("basic", units=units, time_unit=unit)


def policy(window: timedelta) -> dg.FreshnessPolicy:
    return dg.FreshnessPolicy.time_window(window)


@pytest.mark.parametrize(
    ("schedule", "window"),
    [
        (every(2, "minutes"), 22 * MINUTE),
        (cron("0 0/5 * * * ?"), 25 * MINUTE),
        (cron("0 0/15 * * * ?"), 35 * MINUTE),
        (cron("0 0/30 * * * ?"), HOUR),
        (cron("0 0 * * * ?"), 2 * HOUR),
        (cron("0 0 12 * * ?"), 36 * HOUR),
        (cron("0 0 9,17 * * ?"), 24 * HOUR),
        (cron("0 0/30 9-17 * * ?"), 15.5 * 1.5 * HOUR),
        (cron("0 0 12 ? * MON-FRI"), 4 * DAY),
        (cron("0 0 12 ? * SUN"), 8 * DAY),
        (cron("0 0 12 1 * ?"), 32 * DAY),
        (cron("0 0 12 31 * ?"), 62 * DAY),
        (cron("0 0 12 L * ?"), 32 * DAY),
        (cron("0 0 12 L-3 * ?"), 32 * DAY),
        (cron("0 0 12 ? * 6L"), 36 * DAY),
        (cron("0 0 12 29 2 ?"), 1462 * DAY),
        (cron("30 0 12 * * ?"), 36 * HOUR),
        (every(1, "hours"), 2 * HOUR),
        (every(45, "minutes"), 1.5 * HOUR),
        (every(24, "hours"), 36 * HOUR),
        (every(1, "months"), 31 * DAY),
    ],
)
def test_a_table_may_be_as_old_as_the_longest_wait_and_a_margin(
    schedule: SyncSchedule, window: timedelta
) -> None:
    spec = freshness_from_airbyte_schedule(SPEC, connection(schedule))
    assert spec.freshness_policy == policy(window)


@pytest.mark.parametrize(
    ("last", "created", "expected"),
    [
        (NOW - 2 * HOUR, None, None),
        (NOW - 3 * HOUR, NOW - 9 * DAY, Lateness(NOW - 3 * HOUR, 2 * HOUR, HOUR)),
        (None, NOW - 2 * HOUR, None),
        (None, NOW - 3 * HOUR, Lateness(NOW - 3 * HOUR, 2 * HOUR, HOUR, never_synced=True)),
        (None, None, None),
    ],
)
def test_a_connection_is_late_when_a_table_of_it_would_be_or_so_long_after_its_creation(
    last: datetime | None, created: datetime | None, expected: Lateness | None
) -> None:
    assert is_late(every(1, "hours"), last, created, NOW) == expected
    assert is_late(SyncSchedule(), last, created, NOW) is None


def test_the_margin_can_be_given() -> None:
    spec = freshness_from_airbyte_schedule(
        SPEC, connection(every(6, "hours")), margin=timedelta(minutes=10)
    )
    assert spec.freshness_policy == policy(timedelta(hours=6, minutes=10))


@pytest.mark.parametrize(
    "schedule",
    [SyncSchedule(), cron("0 0 12 15W * ?"), cron("0 0 12 * * ? 2026"), cron("?"), every(0, "h")],
)
def test_manual_connections_and_unreadable_schedules_have_no_policy(schedule: SyncSchedule) -> None:
    assert freshness_from_airbyte_schedule(SPEC, connection(schedule)) is SPEC


def test_a_policy_of_a_translator_is_kept() -> None:
    own = SPEC.replace_attributes(freshness_policy=policy(7 * DAY))
    assert freshness_from_airbyte_schedule(own, connection(every(1, "hours"))) is own


@pytest.fixture
def workspace() -> Iterator[AirbyteWorkspace]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection(
            "shop", ["orders"], schedule={"cron": "0 0 12 * * ?"}, connection_id=SHOP
        )
        airbyte.add_connection("crm", ["leads"])
        yield AirbyteWorkspace(**airbyte.workspace_config())


SHOP = "e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f"


def policies(workspace: AirbyteWorkspace, wanted: bool) -> list[dict[str, object]]:
    """The policies by table, of each builder."""
    loaded = load_airbyte_asset_specs(workspace, freshness_from_airbyte_schedule=wanted)
    built = build_airbyte_assets_definitions(
        workspace=workspace, freshness_from_airbyte_schedule=wanted
    )
    whole = build_airbyte_definitions(workspace, freshness_from_airbyte_schedule=wanted)

    @airbyte_assets(connection_id=SHOP, workspace=workspace, freshness_from_airbyte_schedule=wanted)
    def decorated() -> None: ...

    return [
        {spec.key.to_user_string(): spec.freshness_policy for spec in specs}
        for specs in (
            loaded,
            [spec for definition in built for spec in definition.specs],
            whole.resolve_all_asset_specs(),
            decorated.specs,
        )
    ]


def test_the_builders_give_each_scheduled_table_its_policy_if_asked(
    workspace: AirbyteWorkspace,
) -> None:
    assert policies(workspace, wanted=True) == [
        {"orders": policy(36 * HOUR), "leads": None}
    ] * 3 + [{"orders": policy(36 * HOUR)}]


def test_they_give_none_unasked(workspace: AirbyteWorkspace) -> None:
    """Specs stay equal to those of dagster-airbyte."""
    none = {"orders": None, "leads": None}
    assert policies(workspace, wanted=False) == [none, none, none, {"orders": None}]


def test_a_schedule_that_was_taken_over_still_counts(workspace: AirbyteWorkspace) -> None:
    lines: list[str] = []
    taken = take_over_schedules(workspace, say=lines.append)
    noon = policy(36 * HOUR)
    for asked, window in ((True, None), (taken, noon), ("\n".join(lines), noon)):
        specs = load_airbyte_asset_specs(workspace, freshness_from_airbyte_schedule=asked)
        found = {spec.key.to_user_string(): spec.freshness_policy for spec in specs}
        assert found == {"orders": window, "leads": None}


@pytest.mark.parametrize("off", [False, None])
def test_without_being_asked_for_it_no_table_gets_a_policy(off: bool | None) -> None:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", ["orders"], schedule=DAY)
        (spec,) = load_airbyte_asset_specs(
            AirbyteWorkspace(**airbyte.workspace_config()),
            freshness_from_airbyte_schedule=off,  # type: ignore[arg-type]
        )
    assert spec.freshness_policy is None
