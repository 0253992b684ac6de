"""Tables that a translator gives partitions: a sync is of the time at which it ended."""

from collections.abc import Callable

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteSettingsError,
    DagsterAirbyteTranslator,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedConnection
from helpers.deployment import Deployment, deployed
from helpers.downstream import names

Deploy = Callable[..., Deployment]
DAILY = dg.DailyPartitionsDefinition("2026-01-01", end_offset=1)


class Partitioned(DagsterAirbyteTranslator):
    def __init__(self, partitions: dg.PartitionsDefinition[str]) -> None:
        self.partitions = partitions

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return super().get_asset_spec(props).replace_attributes(partitions_def=self.partitions)


@dg.asset(deps=["orders"], partitions_def=DAILY)
def revenue() -> None: ...


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders"])


def test_the_sensor_materializes_the_partition_in_which_the_sync_ended(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    instance: dg.DagsterInstance,
) -> None:
    options = {"dagster_airbyte_translator": Partitioned(DAILY), "checks": True}
    deployment = deploy(revenue, downstream=dg.AssetSelection.all(), **options)
    today = airbyte.now.strftime("%Y-%m-%d")
    airbyte.run_sync(shop)

    tick = deployment.tick()

    assert instance.get_materialized_partitions(dg.AssetKey("orders")) == {today}
    assert [(names(each), each.partition_key) for each in tick.requests] == [(["revenue"], today)]
    assert deployment.tick().events == []
    airbyte.run_sync(shop)
    assert len(deployment.tick().materialized) == 1


def test_a_run_materializes_the_partition_that_it_is_of(instance: dg.DagsterInstance) -> None:
    """And the sensor leaves its sync to it."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.1)
        options = {"dagster_airbyte_translator": Partitioned(DAILY)}
        deployment = deployed(airbyte, instance, **options)
        today = airbyte.now.strftime("%Y-%m-%d")
        request = dg.RunRequest(asset_selection=[dg.AssetKey("orders")], partition_key=today)
        run = deployment.start(request)

        assert run.success
        assert instance.get_materialized_partitions(dg.AssetKey("orders")) == {today}
        assert deployment.tick().events == []


@pytest.mark.parametrize(
    "partitions",
    [
        dg.StaticPartitionsDefinition(["north", "south"]),
        dg.DynamicPartitionsDefinition(name="regions"),
        dg.MultiPartitionsDefinition({"day": DAILY, "more": dg.StaticPartitionsDefinition(["x"])}),
    ],
    ids=["static", "dynamic", "multi"],
)
@pytest.mark.usefixtures("shop")
def test_partitions_that_are_not_times_are_refused_in_one_sentence(
    deploy: Deploy, partitions: dg.PartitionsDefinition[str]
) -> None:
    with pytest.raises(AirbyteSettingsError, match="'orders' of connection 'shop' partitions that"):
        deploy(dagster_airbyte_translator=Partitioned(partitions))
