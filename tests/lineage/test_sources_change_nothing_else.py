"""Assets above the tables have no events: nothing that runs or reports these may mind them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    build_airbyte_refresh_job,
    build_airbyte_start_job,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.assets.tables.keys import SOURCE_TAG
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.deployment import deployed

on, HOURLY = dg.AutomationCondition, "0 * * * *"
CONDITIONS = {
    "on_cron": on.on_cron(HOURLY),
    "eager": on.eager(),
    "on_missing": on.on_missing(),
    "a cron, and none above is missing": on.cron_tick_passed(HOURLY) & ~on.any_deps_missing(),
    "once after a cron": on.cron_tick_passed(HOURLY).since(on.newly_updated())
    & on.all_deps_updated_since_cron(HOURLY),
    "none above": ~on.any_deps_match(on.missing() | on.newly_updated()),
    "one without dependencies": on.cron_tick_passed(HOURLY),
}


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        airbyte.add_connection("shop", ["orders"], source_name="Prod", source_type="postgres")
        yield airbyte


class Automated(DagsterAirbyteTranslator):
    def __init__(self, condition: dg.AutomationCondition[dg.AssetKey]) -> None:
        self._condition = condition

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = super().get_asset_spec(props)
        return spec.replace_attributes(automation_condition=self._condition)


def requested(defs: dg.Definitions) -> list[int]:
    """How many runs Dagster asks for: as it starts, at the hour, after syncs, at the next hour; and
    after the table was wiped."""
    moment, cursor, counts = datetime(2026, 1, 1, 10, 30, tzinfo=timezone.utc), None, list[int]()
    with dg.DagsterInstance.ephemeral() as instance:
        for event in ("", "", "sync", "", "sync", "", "wipe", ""):
            if event == "sync":
                instance.report_runless_asset_event(dg.AssetMaterialization("orders"))
            if event == "wipe":
                instance.wipe_assets([dg.AssetKey("orders")])
            found = dg.evaluate_automation_conditions(
                defs, instance, cursor=cursor, evaluation_time=moment
            )
            cursor, moment = found.cursor, moment + timedelta(minutes=31)
            counts.append(found.total_requested)
    return counts


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_a_table_is_automated_as_if_nothing_was_above_it(
    airbyte: AirbyteSimulator, condition: dg.AutomationCondition[dg.AssetKey]
) -> None:
    workspace, translator = AirbyteWorkspace(**airbyte.workspace_config()), Automated(condition)
    without, below = (
        build_airbyte_definitions(
            workspace, dagster_airbyte_translator=translator, source_assets=wanted
        )
        for wanted in (False, True)
    )
    assert requested(below) == requested(without)
    assert sum(requested(without))


def test_a_condition_that_is_given_later_can_ignore_them_by_their_tag(
    airbyte: AirbyteSimulator,
) -> None:
    """It would wait for ever."""
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    made = build_airbyte_assets_definitions(workspace=workspace, source_assets=True)
    sources = dg.AssetSelection.tag(SOURCE_TAG, "", include_sources=True)

    def with_condition(given: dg.AutomationCondition[Any]) -> dg.Definitions:
        def change(spec: dg.AssetSpec) -> dg.AssetSpec:
            is_source = SOURCE_TAG in spec.tags
            return spec if is_source else spec.replace_attributes(automation_condition=given)

        return dg.Definitions(dg.map_asset_specs(change, made), resources={"airbyte": workspace})

    waits = with_condition(on.on_cron(HOURLY))
    ignores = with_condition(on.on_cron(HOURLY).ignore(sources))
    assert sum(requested(waits)) == 0
    assert sum(requested(ignores))


@dg.asset(deps=["orders"])
def revenue() -> None: ...


def test_a_sync_is_reported_once_and_followed_by_what_is_downstream(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    deployment = deployed(
        airbyte, instance, revenue, source_assets=True, downstream=dg.AssetSelection.all()
    )
    idle = deployment.tick()
    job = airbyte.run_sync(airbyte.connection("shop"), rows=3)
    tick = deployment.tick()
    assert tick.materialized == [("orders", job.job_id)]
    assert [each.asset_selection for each in tick.requests] == [[revenue.key]]
    assert len(tick.events) == 1
    assert (idle.sent, deployment.tick().sent) == (2, 1)  # A token, once.


def test_a_run_syncs_the_table_and_no_source(instance: dg.DagsterInstance) -> None:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", ["orders"], sync_seconds=0.1)
        deployment = deployed(airbyte, instance, source_assets=True)
        deployment.tick()
        assert deployment.materialize("orders").success
        assert deployment.tick().materialized == []
    assert set(lineage_of(deployment.last("orders"))) == {"id", "name"}


def test_a_job_of_all_that_is_above_runs_the_table_alone(airbyte: AirbyteSimulator) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    above = dg.define_asset_job("above", dg.AssetSelection.assets("revenue").upstream())
    defs = dg.Definitions.merge(
        build_airbyte_definitions(workspace, source_assets=True),
        dg.Definitions([revenue], jobs=[above]),
    )
    job = defs.resolve_job_def("above")
    assert job.asset_layer.executable_asset_keys == {dg.AssetKey("orders"), revenue.key}


def test_jobs_and_schedules_take_what_a_builder_returns_with_them(
    airbyte: AirbyteSimulator,
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    shop = build_airbyte_assets_definitions(workspace=workspace, source_assets=True)
    specs = load_airbyte_asset_specs(workspace, source_assets=True)
    assert len(shop) == len(specs) == 2
    for assets in (shop, specs):
        assert "'shop'" in (
            build_airbyte_start_job(workspace=workspace, assets=assets).description or ""
        )
        refresh = build_airbyte_refresh_job(workspace=workspace, assets=assets)
        assert "1 refresh " in (refresh.description or "")


def lineage_of(event: dg.AssetMaterialization) -> Mapping[str, Sequence[dg.TableColumnDep]]:
    lineage = event.metadata["dagster/column_lineage"]
    assert isinstance(lineage, dg.TableColumnLineageMetadataValue)
    return lineage.column_lineage.deps_by_column


def test_an_event_has_the_lineage_of_columns(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    deployment = deployed(airbyte, instance, source_assets=True)
    deployment.tick()
    airbyte.run_sync(airbyte.connection("shop"))
    deployment.tick()
    (above,) = lineage_of(deployment.last("orders"))["id"]
    assert above.asset_key == dg.AssetKey(["airbyte_sources", "prod", "orders"])
