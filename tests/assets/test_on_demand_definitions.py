"""Assets that sync on demand: their names, their options, and real runs of them."""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    airbyte_assets,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
)
from dagster_airbyte_sync.assets.event_log.sync_claim import SyncClaim
from dagster_airbyte_sync.assets.sync.step_tables import tables_of_step
from dagster_airbyte_sync.assets.tables.keys import JOB_ID, int_in
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedConnection

OPTIONS: dict[str, Any] = {
    "retry_policy": dg.RetryPolicy(max_retries=1),
    "pool": "airbyte",
    "backfill_policy": dg.BackfillPolicy.single_run(),
    "op_tags": {"team": "data"},
}


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """An Airbyte whose syncs end by themselves, a tenth of a second after their start."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.1)


def workspace_of(airbyte: AirbyteSimulator, **settings: Any) -> AirbyteWorkspace:
    return AirbyteWorkspace(**airbyte.workspace_config(), poll_interval=0.02, **settings)


def decorated(workspace: AirbyteWorkspace, shop: SimulatedConnection) -> dg.AssetsDefinition:
    @airbyte_assets(connection_id=shop.connection_id, workspace=workspace, **OPTIONS)
    def sync_shop(context: dg.AssetExecutionContext) -> None: ...

    return sync_shop


def built(workspace: AirbyteWorkspace, shop: SimulatedConnection) -> dg.AssetsDefinition:
    (assets,) = build_airbyte_assets_definitions(workspace=workspace, **OPTIONS)
    return assets


def in_one_call(workspace: AirbyteWorkspace, shop: SimulatedConnection) -> dg.AssetsDefinition:
    defs = build_airbyte_definitions(workspace, **OPTIONS)
    return defs.get_repository_def().assets_defs_by_key[dg.AssetKey("orders")]


@pytest.mark.parametrize("make", [decorated, built, in_one_call])
@pytest.mark.parametrize("stream", ["orders", "order lines"])
def test_options_go_through(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    make: Callable[[AirbyteWorkspace, SimulatedConnection], dg.AssetsDefinition],
    stream: str,
) -> None:
    if make is not in_one_call:
        airbyte.update_connection(shop, streams=[stream])
    assets = make(workspace_of(airbyte), shop)
    op = assets.op
    assert isinstance(op, dg.OpDefinition)
    assert op.retry_policy == OPTIONS["retry_policy"]
    assert op.pool == "airbyte"
    assert op.tags["team"] == "data"
    assert assets.backfill_policy == OPTIONS["backfill_policy"]


def test_connections_of_one_name_have_definitions_of_different_names(
    airbyte: AirbyteSimulator,
) -> None:
    for stream in ("a", "b", "c"):
        airbyte.add_connection("shop", streams=[stream])
    found = build_airbyte_assets_definitions(workspace=workspace_of(airbyte))
    assert len({assets.op.name for assets in found}) == 3


def reported(instance: dg.DagsterInstance, *path: str) -> list[int | None]:
    records = instance.fetch_materializations(dg.AssetKey(path), limit=10).records
    events = [r.asset_materialization for r in reversed(records) if r.asset_materialization]
    return [int_in(event.metadata, JOB_ID) for event in events]


def test_a_run_says_why_its_sync_cannot_start_and_is_not_retried(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    airbyte.update_connection(shop, status="inactive")
    workspace = workspace_of(airbyte)
    assets = build_airbyte_assets_definitions(
        workspace=workspace, retry_policy=dg.RetryPolicy(max_retries=1)
    )

    result = dg.materialize(
        assets, instance=instance, resources={"airbyte": workspace}, raise_on_error=False
    )

    (failure,) = [e for e in result.all_events if e.is_step_failure]
    reported_to_user = failure.step_failure_data.user_failure_data
    assert reported_to_user is not None
    assert reported_to_user.description == (
        "The Airbyte connection is inactive: enable it in Airbyte to sync it"
    )
    assert not [e for e in result.all_events if e.is_step_up_for_retry]


def test_a_retried_step_starts_a_new_sync(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    airbyte.plan(shop, outcome="failed")
    workspace = workspace_of(airbyte)
    assets = build_airbyte_assets_definitions(
        workspace=workspace, retry_policy=dg.RetryPolicy(max_retries=1)
    )

    result = dg.materialize(assets, instance=instance, resources={"airbyte": workspace})

    assert result.success
    assert [job.status for job in airbyte.jobs] == ["failed", "succeeded"]
    assert reported(instance, "orders") == [airbyte.jobs[1].job_id]


def test_a_step_that_is_retried_while_its_sync_still_runs_goes_on_with_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    airbyte.update_connection(shop, sync_seconds=3)
    workspace = workspace_of(airbyte)
    crashes = iter([True, False])

    @airbyte_assets(
        connection_id=shop.connection_id,
        workspace=workspace,
        retry_policy=dg.RetryPolicy(max_retries=1),
    )
    def sync_shop(
        context: dg.AssetExecutionContext, airbyte: dg.ResourceParam[AirbyteWorkspace]
    ) -> Iterator[object]:
        if next(crashes):
            crash_while_it_runs(context, airbyte, shop)
        yield from airbyte.sync_and_poll(context)

    result = dg.materialize([sync_shop], instance=instance, resources={"airbyte": workspace})

    assert result.success
    (job,) = airbyte.jobs
    assert reported(instance, "orders") == [job.job_id]


def crash_while_it_runs(
    context: dg.AssetExecutionContext, workspace: AirbyteWorkspace, shop: SimulatedConnection
) -> None:
    """What is left of a step that started a sync and then failed for another reason."""
    job = workspace.get_client().start_sync(shop.connection_id)
    (table,) = tables_of_step(context)
    claim = SyncClaim.of_job(job, started=True)
    context.log_event(claim.to_observation(table.key, "http://airbyte.test"))
    raise RuntimeError("the step crashed here")


class Translated(DagsterAirbyteTranslator):
    """Puts the tables of the second workspace under a prefix of their own."""

    def get_asset_spec(self, props: Any) -> dg.AssetSpec:
        spec = super().get_asset_spec(props)
        return spec.replace_attributes(key=spec.key.with_prefix("second"))


def test_two_workspaces_work_in_one_code_location(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    with AirbyteSimulator(clock=RealClock()) as other:
        other.job_ids_from(100)
        other.add_connection("shop", streams=["orders"], sync_seconds=0.1)
        defs = dg.Definitions.merge(
            build_airbyte_definitions(workspace_of(airbyte)),
            build_airbyte_definitions(
                workspace_of(other),
                resource_key="second",
                dagster_airbyte_translator=Translated(),
            ),
        )
        job = defs.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance)

    assert result.success
    assert reported(instance, "orders") == [1]
    assert reported(instance, "second", "orders") == [100]
