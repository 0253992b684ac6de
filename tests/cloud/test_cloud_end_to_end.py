"""AirbyteCloudWorkspace against Cloud's two hosts: over TLS, with a closed Configuration API."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    build_airbyte_definitions,
    build_airbyte_start_job,
    build_airbyte_sync_schedule,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.testing import Fault, SimulatedConnection
from helpers.cloud import Cloud, simulated_cloud
from helpers.deployment import Deployment

API, UI = "api.airbyte.com", "cloud.airbyte.com"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with simulated_cloud(tmp_path) as cloud:
        yield cloud


@pytest.fixture
def shop(cloud: Cloud) -> SimulatedConnection:
    return cloud.airbyte.add_connection("shop", ["orders", "users"], sync_seconds=0)


def deploy(cloud: Cloud, instance: dg.DagsterInstance) -> Deployment:
    workspace = cloud.workspace()
    defs = build_airbyte_definitions(workspace, checks=False, start_from=timedelta(days=1))
    return Deployment(cloud.airbyte, workspace, defs, instance)


# Definitions


def test_all_connections_are_loaded_by_pages(cloud: Cloud) -> None:
    for number in range(25):
        cloud.airbyte.add_connection(f"c{number}", [f"table_{number}"])
    specs = load_airbyte_asset_specs(cloud.workspace(max_items_per_page=10))
    assert {spec.key.path[-1] for spec in specs} == {f"table_{number}" for number in range(25)}


def test_the_token_comes_from_the_public_host(cloud: Cloud, shop: SimulatedConnection) -> None:
    load_airbyte_asset_specs(cloud.workspace())
    tokens = [host for host, path in cloud.asked() if path.endswith("/applications/token")]
    assert tokens == [API]


def test_the_closed_host_is_asked_once(cloud: Cloud, shop: SimulatedConnection) -> None:
    workspace = cloud.workspace(catalog_ttl=0)
    for _ in range(3):
        load_airbyte_asset_specs(workspace)
    assert [host for host, _ in cloud.asked()].count(UI) == 1


def test_a_workspace_of_somebody_else_is_named_as_such(cloud: Cloud) -> None:
    """Cloud answers 403 to what does not exist, too."""
    other = "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"
    with pytest.raises(AirbyteSettingsError, match=f"{API}.*no workspace '{other}'.*403"):
        load_airbyte_asset_specs(cloud.workspace(workspace_id=other))


def test_a_token_that_dies_between_two_pages_is_renewed(cloud: Cloud) -> None:
    for number in range(10):
        cloud.airbyte.add_connection(f"c{number}", [f"table_{number}"])
    pages: list[str] = []

    def expire_after_the_second(path: str) -> None:
        if path.endswith("/connections"):
            pages.append(path)
            if len(pages) == 2:
                cloud.airbyte.expire_tokens()

    cloud.airbyte.on_request(lambda request: expire_after_the_second(request.path))
    specs = load_airbyte_asset_specs(cloud.workspace(max_items_per_page=3))
    assert len(specs) == 10
    assert [path for _, path in cloud.asked()].count("/v1/applications/token") == 2


def test_an_hour_of_cloud_needs_a_few_tokens(cloud: Cloud, shop: SimulatedConnection) -> None:
    """A token that is worthless by the time of the next question is renewed, and nobody notices."""
    client = cloud.workspace().get_client()
    for _ in range(4):
        client.check_workspace()
        cloud.airbyte.advance(timedelta(minutes=16))
    tokens = [path for _, path in cloud.asked() if path.endswith("/token")]
    assert len(tokens) == 4


# Too many requests


@pytest.mark.parametrize("path", ["/applications/token", "/connections", "/destinations"])
def test_an_airbyte_that_asks_to_slow_down_is_asked_again(
    cloud: Cloud, shop: SimulatedConnection, path: str
) -> None:
    cloud.airbyte.add_fault(Fault.rate_limited(), path=path, times=3)
    assert len(load_airbyte_asset_specs(cloud.workspace())) == 2


def test_a_sync_starts_once_though_its_start_was_put_off(
    cloud: Cloud, shop: SimulatedConnection
) -> None:
    cloud.airbyte.add_fault(Fault.rate_limited(), path="/jobs", method="POST", times=2)
    cloud.workspace().get_client().start_sync(shop.connection_id)
    assert len(cloud.airbyte.jobs) == 1


# Syncs


def test_a_sync_that_cloud_started_is_reported_once(
    cloud: Cloud, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    deployment = deploy(cloud, instance)
    deployment.tick()
    job = cloud.airbyte.run_sync(shop, rows=3)
    cloud.airbyte.add_fault(Fault.rate_limited(), path="/jobs", times=2)
    for _ in range(3):
        deployment.tick()
    assert deployment.reported_all(["orders", "users"]) == {
        "orders": [job.job_id],
        "users": [job.job_id],
    }


def test_an_idle_tick_is_one_request_to_the_public_host(
    cloud: Cloud, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    deployment = deploy(cloud, instance)
    deployment.tick()
    cloud.airbyte.forget_requests()
    deployment.tick()
    assert cloud.asked() == [(API, "/v1/jobs")]


def test_a_tick_survives_a_dead_token(
    cloud: Cloud, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    deployment = deploy(cloud, instance)
    deployment.tick()
    job = cloud.airbyte.run_sync(shop, rows=3)
    cloud.airbyte.expire_tokens()
    deployment.tick()
    assert deployment.reported("orders") == [job.job_id]


def test_a_run_syncs_and_the_sensor_is_silent(
    cloud: Cloud, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    cloud.airbyte.on_request(lambda _: cloud.airbyte.progress())
    deployment = deploy(cloud, instance)
    deployment.tick()
    assert deployment.materialize("orders", "users").success
    deployment.tick()
    [job] = cloud.airbyte.jobs
    assert deployment.reported("orders") == [job.job_id]
    link = deployment.last("orders").metadata["dagster-airbyte/job_url"].value
    assert str(link).startswith(f"https://{UI}/workspaces/{cloud.airbyte.workspace_id}/")


def test_a_run_without_waiting_leaves_the_end_to_the_sensor(
    cloud: Cloud, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    workspace = cloud.workspace()
    job = build_airbyte_start_job(workspace=workspace)
    defs = dg.Definitions(jobs=[job], resources={"airbyte": workspace})
    deployment = deploy(cloud, instance)
    deployment.tick()
    assert defs.resolve_job_def(job.name).execute_in_process(instance=instance).success
    cloud.airbyte.progress()
    deployment.tick()
    assert deployment.reported("users") == [cloud.airbyte.jobs[0].job_id]


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.filterwarnings(
    "ignore:Property .ScheduleDefinition.environment_vars:DeprecationWarning"
)
def test_a_schedule_of_syncs_loads(cloud: Cloud, shop: SimulatedConnection, wait: bool) -> None:
    workspace = cloud.workspace()
    nightly = build_airbyte_sync_schedule(workspace=workspace, cron_schedule="0 2 * * *", wait=wait)
    built = build_airbyte_definitions(workspace)
    defs = dg.Definitions.merge(built, dg.Definitions(schedules=[nightly]))
    dg.Definitions.validate_loadable(defs)
    assert [each.cron_schedule for each in defs.get_repository_def().schedule_defs] == ["0 2 * * *"]
