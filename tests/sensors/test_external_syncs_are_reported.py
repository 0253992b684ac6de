"""What the sensor is for: a sync that Airbyte ran is in Dagster's event log, once."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeGuard

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.assets.tables.keys import CHECK_NAME
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from helpers.deployment import Deployment, version_of

Deploy = Callable[..., Deployment]


def test_a_sync_started_outside_materializes_each_selected_stream_once(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection(
        "shop", streams=["orders", "users", SimulatedStream("drafts", selected=False)]
    )
    deployment = deploy()
    deployment.tick()
    job = airbyte.run_sync(shop, rows={"orders": 3, "users": 4})

    for _ in range(3):
        deployment.tick()

    assert deployment.reported_all(["orders", "users", "drafts"]) == {
        "orders": [job.job_id],
        "users": [job.job_id],
        "drafts": [],
    }


def test_each_event_carries_rows_bytes_times_and_a_link(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    stream = SimulatedStream(
        "users", namespace="audit", json_schema={"properties": {"id": {"type": "integer"}}}, rows=7
    )
    shop = airbyte.add_connection(
        "shop", streams=[stream, "orders"], prefix="raw_", sync_seconds=90
    )
    deployment = deploy()
    job = airbyte.start_sync(shop, unattended=True)
    airbyte.advance(timedelta(seconds=300))

    deployment.tick()

    event = deployment.last("raw_users")
    plain = {key: getattr(value, "value", value) for key, value in event.metadata.items()}
    assert plain["dagster-airbyte/job_id"] == str(job.job_id)
    assert plain["dagster-airbyte/connection_id"] == shop.connection_id
    assert plain["dagster-airbyte/connection_name"] == "shop"
    assert plain["dagster-airbyte/stream_name"] == "users"
    assert plain["dagster-airbyte/stream_namespace"] == "audit"
    assert plain["dagster-airbyte/stream_prefix"] == "raw_"
    assert plain["dagster-airbyte/job_type"] == "sync"
    assert plain["dagster-airbyte/records_synced"] == 7
    assert plain["dagster-airbyte/recent_rows"] == "7"
    assert int(str(plain["dagster-airbyte/bytes_synced"])) > 0
    assert 0 < float(str(plain["dagster-airbyte/sync_duration_seconds"])) <= 90
    assert plain["dagster-airbyte/attempts"] == "1"
    assert plain["dagster-airbyte/triggered_by"] == "external"
    ended = event.metadata["dagster-airbyte/sync_ended_at"]
    assert isinstance(ended, dg.TimestampMetadataValue)
    assert 0 < ended.value < airbyte.now.timestamp()
    assert f"/connections/{shop.connection_id}/timeline?jobId={job.job_id}" in str(
        plain["dagster-airbyte/job_url"]
    )
    assert str(plain["dagster/table_name"]).endswith("audit.raw_users")
    assert isinstance(event.metadata["dagster/column_schema"], dg.TableSchemaMetadataValue)
    assert event.tags == {"dagster/data_version": version_of(job)}


def test_two_syncs_of_one_connection_between_ticks_are_both_reported_in_order(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    first = airbyte.run_sync(shop)
    airbyte.advance(timedelta(seconds=30))
    second = airbyte.run_sync(shop)

    deployment.tick()
    deployment.tick()

    assert deployment.reported("orders") == [first.job_id, second.job_id]


def test_a_refresh_makes_tables_fresh(airbyte: AirbyteSimulator, deploy: Deploy) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    job = airbyte.run_refresh(shop, rows=5)

    deployment.tick()

    assert deployment.reported("orders") == [job.job_id]


def test_a_clear_is_an_observation_and_never_makes_a_table_fresh(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    airbyte.run_clear(shop)

    events = deployment.tick().events

    assert [type(event) for event in events] == [dg.AssetObservation]
    assert deployment.reported("orders") == []


def test_failed_cancelled_and_unfinished_syncs_materialize_nothing(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    connections = [airbyte.add_connection(name, streams=[f"{name}_table"]) for name in "abcd"]
    deployment = deploy()
    failed, cancelled, running, incomplete = map(airbyte.start_sync, connections)
    airbyte.advance(timedelta(seconds=1))
    airbyte.fail(failed, reason="no route to source", rows=10)
    airbyte.cancel(cancelled)
    airbyte.fail_attempt(incomplete, reason="lost connection")
    assert running.job_id

    assert deployment.tick().materialized == []


def test_a_check_says_how_a_sync_ended_and_why(airbyte: AirbyteSimulator, deploy: Deploy) -> None:
    failed, cancelled = (airbyte.add_connection(name, streams=[name]) for name in ("crm", "shop"))
    deployment = deploy(checks=True)
    airbyte.fail(airbyte.start_sync(failed), reason="no route to source")
    airbyte.cancel(airbyte.start_sync(cancelled))

    events = deployment.tick().events

    checks = [e for e in events if is_check(e) and e.check_name == CHECK_NAME]
    said = {e.asset_key.to_user_string(): e.description for e in checks}
    assert said["crm"] == "The sync failed: no route to source"
    assert (said["shop"] or "").startswith("The sync was cancelled: ")


def is_check(event: object) -> TypeGuard[dg.AssetCheckEvaluation]:
    return isinstance(event, dg.AssetCheckEvaluation)


def test_an_incomplete_job_is_reported_when_its_retry_succeeds(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    job = airbyte.start_sync(shop)
    airbyte.advance(timedelta(seconds=1))
    airbyte.fail_attempt(job, reason="lost connection")
    for _ in range(3):
        assert deployment.tick().materialized == []
    airbyte.advance(timedelta(seconds=60))
    airbyte.succeed(job, rows=3)

    deployment.tick()

    assert deployment.reported("orders") == [job.job_id]
    attempts = deployment.last("orders").metadata["dagster-airbyte/attempts"]
    assert attempts.value == "2"


def test_a_sync_without_rows_keeps_the_data_version(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy()
    moved = airbyte.run_sync(shop, rows=3)
    deployment.tick()
    airbyte.advance(timedelta(seconds=60))
    airbyte.run_sync(shop, rows=0)

    deployment.tick()

    assert len(deployment.reported("orders")) == 2
    assert deployment.last("orders").tags == {"dagster/data_version": version_of(moved)}


def test_an_idle_tick_sends_one_request_whatever_the_number_of_connections(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    for number in range(40):
        airbyte.add_connection(f"c{number}", streams=[f"t{number}"])
    deployment = deploy()
    airbyte.run_sync(airbyte.connections[0])
    deployment.tick()

    idle = [deployment.tick() for _ in range(3)]

    assert [tick.sent for tick in idle] == [1, 1, 1]
    assert all("Nothing new" in (tick.summary or "") for tick in idle)


def test_only_selected_connections_are_reported(airbyte: AirbyteSimulator, deploy: Deploy) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    crm = airbyte.add_connection("crm", streams=["leads"])
    deployment = deploy(connection_selector_fn=lambda connection: connection.name == "shop")
    airbyte.run_sync(shop)
    airbyte.run_sync(crm)

    assert [name for name, _ in deployment.tick().materialized] == ["orders"]


def test_without_the_configuration_api_syncs_are_reported_all_the_same(
    instance: dg.DagsterInstance,
) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        workspace = AirbyteWorkspace(**airbyte.workspace_config())
        defs = build_airbyte_definitions(workspace, checks=False)
        deployment = Deployment(airbyte, workspace, defs, instance)
        job = airbyte.run_sync(shop, rows=3)
        refresh = airbyte.run_refresh(shop, rows=4)
        deployment.tick()
        deployment.tick()

        assert deployment.reported("orders") == [job.job_id, refresh.job_id]
        # With one stream the totals of the job are those of the table.
        assert deployment.last("orders").metadata["dagster-airbyte/records_synced"].value == 4
