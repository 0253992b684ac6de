"""only_with_rows: an empty sync starts nothing."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

import dagster as dg
import pytest

from dagster_airbyte_sync.sensors import tick
from dagster_airbyte_sync.sensors.decision import Limits
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import Deployment, deployed
from helpers.downstream import names


@dg.asset(deps=["orders"])
def revenue() -> None: ...


@dg.asset(deps=["users"])
def sign_ups() -> None: ...


Deploy = Callable[..., Deployment]


@pytest.fixture
def deployment(airbyte: AirbyteSimulator, deploy: Deploy) -> Deployment:
    airbyte.add_connection("shop", streams=["orders", "users"])
    return deploy(revenue, sign_ups, downstream=dg.AssetSelection.all(), only_with_rows=True)


@pytest.mark.parametrize(
    ("rows", "run"),
    [
        ({"orders": 0, "users": 0}, []),
        ({"orders": 3, "users": 0}, [["revenue"]]),
        ({"orders": 3, "users": 1}, [["revenue", "sign_ups"]]),
    ],
)
def test_only_what_depends_on_tables_with_rows_is_run(
    deployment: Deployment, rows: Mapping[str, int], run: list[list[str]]
) -> None:
    deployment.airbyte.run_sync(deployment.airbyte.connection("shop"), rows=rows)

    tick = deployment.tick()

    assert len(tick.materialized) == 2
    assert [names(request) for request in tick.requests] == run


def test_without_counts_a_sync_may_have_moved_rows(instance: dg.DagsterInstance) -> None:
    """The public API gives none by stream."""
    with AirbyteSimulator(configuration_api=False) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders", "users"])
        options = {"downstream": dg.AssetSelection.all(), "only_with_rows": True}
        deployment = deployed(airbyte, instance, revenue, sign_ups, **options)
        airbyte.run_sync(shop, rows={"orders": 0, "users": 2})

        assert [names(each) for each in deployment.tick().requests] == [["revenue", "sign_ups"]]


def test_an_empty_sync_does_not_hide_the_rows_of_one_before_it(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    shop = airbyte.connection("shop")
    airbyte.run_sync(shop, rows={"orders": 3, "users": 0})
    airbyte.run_sync(shop, rows=0)

    assert [names(request) for request in deployment.tick().requests] == [["revenue"]]


def test_nor_if_it_is_reported_in_a_later_tick_while_history_is_read(
    airbyte: AirbyteSimulator, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick, "Limits", partial(Limits, events=2))
    shop = airbyte.connection("shop")
    airbyte.run_sync(shop, rows={"orders": 0, "users": 5})
    deployment.tick()
    deployment.tick()
    airbyte.advance(timedelta(minutes=1))
    airbyte.run_sync(shop, rows={"orders": 3, "users": 0})
    airbyte.run_sync(shop, rows=0)
    airbyte.run_sync(shop, rows=0)

    ticks = [deployment.tick() for _ in range(4)]

    assert [len(tick.materialized) for tick in ticks] == [2, 2, 2, 0]
    assert [names(each) for tick in ticks for each in tick.requests] == [["revenue"]]


def test_run_request_fn_sees_empty_syncs_too(airbyte: AirbyteSimulator, deploy: Deploy) -> None:
    shop = airbyte.add_connection("shop", streams=["orders", "users"])
    wish = dg.RunRequest(asset_selection=[revenue.key])
    nothing = dg.AssetSelection.assets("sign_ups")
    options = {"downstream": nothing, "only_with_rows": True}
    deployment = deploy(revenue, sign_ups, run_request_fn=lambda *_: wish, **options)
    airbyte.run_sync(shop, rows=0)

    assert len(deployment.tick().requests) == 1
