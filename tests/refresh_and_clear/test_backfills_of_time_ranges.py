"""Airbyte has no time ranges: a run of an old partition says so, and syncs nothing."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest
from freezegun import freeze_time

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    SyncEvent,
    airbyte_assets,
    build_airbyte_assets_definitions,
)
from dagster_airbyte_sync.assets.tables.partitions import current_key
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.deployment import Deployment, deployed
from helpers.start_jobs import failure_of

TODAY = dg.DailyPartitionsDefinition("2026-01-01", end_offset=1)
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
YESTERDAY = dg.DailyPartitionsDefinition("2026-01-01")


class Partitioned(DagsterAirbyteTranslator):
    def __init__(self, partitions: dg.PartitionsDefinition[str]) -> None:
        self.partitions = partitions

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        return super().get_asset_spec(props).replace_attributes(partitions_def=self.partitions)


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.1)
        yield airbyte


def day(back: int) -> str:
    return (datetime.now(timezone.utc) - timedelta(days=back)).strftime("%Y-%m-%d")


def materialize(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    partitions: dg.PartitionsDefinition[str],
    *keys: str,
    config: Mapping[str, object] | None = None,
    **options: object,
) -> tuple[Deployment, dg.ExecuteInProcessResult]:
    """A run of one partition, or as one run of a range from the first to the last."""
    translator = Partitioned(partitions)
    deployment = deployed(airbyte, instance, dagster_airbyte_translator=translator, **options)
    job = deployment.defs.resolve_implicit_global_asset_job_def()
    ends = dict(zip(RANGE_TAGS, (keys[0], keys[-1]), strict=True))
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey("orders")],
        partition_key=keys[0] if len(keys) == 1 else None,
        tags=ends if len(keys) > 1 else {},
        run_config={"ops": {"airbyte_shop": {"config": config}}} if config else None,
        raise_on_error=False,
    )
    return deployment, result


@pytest.mark.parametrize(
    ("partitions", "back"), [(TODAY, 0), (YESTERDAY, 1)], ids=["end_offset", "no end_offset"]
)
def test_the_newest_partition_is_synced(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    partitions: dg.PartitionsDefinition[str],
    back: int,
) -> None:
    newest = day(back)
    deployment, result = materialize(airbyte, instance, partitions, newest)
    assert result.success
    assert instance.get_materialized_partitions(dg.AssetKey("orders")) == {newest}
    assert deployment.tick().materialized == []


@pytest.mark.parametrize("config", [{}, {"mode": "refresh"}], ids=["sync", "refresh"])
def test_an_older_one_is_refused_in_a_sentence_that_says_what_to_do(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, config: dict[str, object]
) -> None:
    _, result = materialize(airbyte, instance, TODAY, "2026-01-05", config=config)

    assert failure_of(result) == (
        "Airbyte has no time ranges: the partition 2026-01-05 of connection 'shop' cannot be"
        " synced by itself. A sync brings what is new now, and would be reported for the wrong"
        f" time, so nothing was started. Run the partition {day(0)} instead, which is the newest."
        " To read all rows again, run it with the config 'mode: refresh'; how far back a source is"
        " read is a setting of the source in Airbyte (often its start date)."
    )
    assert airbyte.jobs == []
    assert instance.get_materialized_partitions(dg.AssetKey("orders")) == set()


@pytest.mark.parametrize("last", ["2026-01-07", ""])
def test_a_range_is_refused_even_if_it_ends_with_the_newest(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, last: str
) -> None:
    last = last or day(0)
    _, result = materialize(airbyte, instance, TODAY, "2026-01-05", last)
    assert f"Airbyte has no time ranges: 2026-01-05 to {last} of" in failure_of(result)
    assert airbyte.jobs == []


def test_a_refusal_is_not_retried(airbyte: AirbyteSimulator, instance: dg.DagsterInstance) -> None:
    policy = dg.RetryPolicy(max_retries=1)
    _, result = materialize(airbyte, instance, TODAY, "2026-01-05", retry_policy=policy)
    assert not result.success
    assert not result.filter_events(lambda event: event.is_step_up_for_retry)


@pytest.mark.parametrize(("key", "runs"), [("2026-03-10", True), ("2026-03-09", False)])
def test_a_run_that_waited_over_midnight_is_of_the_day_on_which_it_was_created(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, key: str, runs: bool
) -> None:
    shop = airbyte.connection("shop")
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), poll_interval=0.02)
    with freeze_time("2026-03-10 23:50", tick=True) as time:

        @airbyte_assets(
            connection_id=shop.connection_id,
            workspace=workspace,
            dagster_airbyte_translator=Partitioned(TODAY),
        )
        def waits(
            context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace
        ) -> Iterator[SyncEvent]:
            time.move_to("2026-03-11 00:10")
            yield from airbyte.sync_and_poll(context=context)

        result = dg.materialize(
            [waits],
            instance=instance,
            resources={"airbyte": workspace},
            partition_key=key,
            raise_on_error=False,
        )
    assert result.success is runs


# Times that are one dimension of several


REGIONS = dg.StaticPartitionsDefinition(["north", "2026-01-05"])


def refused(
    deployment: Deployment, partitions: dg.PartitionsDefinition[str], *ends: str
) -> str | None:
    """Why a run of these is refused; the assets got their partitions after they were made."""
    assets = [
        each.map_asset_specs(lambda spec: spec.replace_attributes(partitions_def=partitions))
        for each in build_airbyte_assets_definitions(workspace=deployment.workspace)
    ]
    result = dg.materialize(
        assets,
        instance=deployment.instance,
        resources={"airbyte": deployment.workspace},
        partition_key=ends[0] if len(ends) == 1 else None,
        tags=dict(zip(RANGE_TAGS, ends, strict=True)) if len(ends) == 2 else {},
        raise_on_error=False,
    )
    return None if result.success else failure_of(result)


@pytest.mark.parametrize("dimension", ["day", "the day"], ids=["first", "last"])
def test_a_time_among_several_dimensions_is_looked_at_alone(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance, dimension: str
) -> None:
    """A region may be called like a day."""
    deployment = deployed(airbyte, instance)
    partitions = dg.MultiPartitionsDefinition({dimension: TODAY, "region": REGIONS})

    def key(of_day: str, region: str = "north") -> str:
        return dg.MultiPartitionKey({dimension: of_day, "region": region})

    old = refused(deployment, partitions, key("2026-01-05")) or ""
    assert old.startswith(
        f"Airbyte has no time ranges: the partition 2026-01-05 of the dimension {dimension!r} of"
        " connection 'shop' cannot be synced by itself."
    )
    assert f"Run the partition {day(0)} of the dimension {dimension!r} instead, which is" in old
    since = refused(deployment, partitions, key(day(1)), key(day(0))) or ""
    assert f"{day(1)} to {day(0)} of the dimension {dimension!r}" in since
    assert airbyte.jobs == []
    assert refused(deployment, partitions, key(day(0), "2026-01-05")) is None
    # All regions of a day at once.
    assert refused(deployment, partitions, key(day(0)), key(day(0), "2026-01-05")) is None
    assert len(airbyte.jobs) == 2


def test_partitions_without_times_are_no_matter(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    assert refused(deployed(airbyte, instance), REGIONS, "2026-01-05") is None


NOON = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("end_offset", "newest"),
    [(2, "2026-03-10"), (1, "2026-03-10"), (0, "2026-03-09"), (-1, "2026-03-08")],
)
def test_the_newest_partition_is_the_one_that_dagster_has(end_offset: int, newest: str) -> None:
    partitions = dg.DailyPartitionsDefinition("2026-01-01", end_offset=end_offset)
    with freeze_time(NOON):
        assert current_key(partitions, NOON) == newest
        if end_offset <= 1:
            assert partitions.get_last_partition_key() == newest
