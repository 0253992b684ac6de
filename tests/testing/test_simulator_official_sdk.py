"""Airbyte's official Python SDK works against the simulator."""

from collections.abc import Iterator

import pytest
from airbyte_api import AirbyteAPI, api, errors, models

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection, SimulatedStream


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    users = SimulatedStream("users", namespace="audit", sync_mode="incremental")
    return airbyte.add_connection("shop", ["orders", users], prefix="raw_", tags=["nightly"])


@pytest.fixture
def sdk(airbyte: AirbyteSimulator) -> Iterator[AirbyteAPI]:
    credentials = models.SchemeClientCredentials(
        client_id=airbyte.client_id,
        client_secret=airbyte.client_secret,
        token_url=f"{airbyte.rest_api_base_url}/applications/token",
    )
    security = models.Security(client_credentials=credentials)
    with AirbyteAPI(server_url=airbyte.rest_api_base_url, security=security) as sdk:
        yield sdk


def test_health(sdk: AirbyteAPI) -> None:
    assert sdk.health.get_health_check().status_code == 200


def test_workspaces(airbyte: AirbyteSimulator, sdk: AirbyteAPI) -> None:
    listed = sdk.workspaces.list_workspaces(request=api.ListWorkspacesRequest()).workspaces_response
    assert listed is not None
    assert [workspace.workspace_id for workspace in listed.data] == [airbyte.workspace_id]
    asked = api.GetWorkspaceRequest(workspace_id=airbyte.workspace_id)
    assert sdk.workspaces.get_workspace(request=asked).workspace_response == listed.data[0]


def test_connections(airbyte: AirbyteSimulator, shop: SimulatedConnection, sdk: AirbyteAPI) -> None:
    of_workspace = api.ListConnectionsRequest(workspace_ids=[airbyte.workspace_id])
    listed = sdk.connections.list_connections(request=of_workspace).connections_response
    assert listed is not None
    asked = api.GetConnectionRequest(connection_id=shop.connection_id)
    one = sdk.connections.get_connection(request=asked).connection_response
    assert one == listed.data[0]
    assert one is not None
    assert (one.name, one.prefix, [tag.name for tag in one.tags]) == ("shop", "raw_", ["nightly"])
    streams = one.configurations.streams or []
    assert [(stream.name, stream.namespace) for stream in streams] == [
        ("orders", None),
        ("users", "audit"),
    ]


def test_destinations(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, sdk: AirbyteAPI
) -> None:
    of_workspace = api.ListDestinationsRequest(workspace_ids=[airbyte.workspace_id])
    listed = sdk.destinations.list_destinations(request=of_workspace).destinations_response
    assert listed is not None
    asked = api.GetDestinationRequest(destination_id=shop.destination_id)
    one = sdk.destinations.get_destination(request=asked).destination_response
    assert one is not None
    assert (one.destination_type, one.name) == ("postgres", "warehouse")
    assert [each.destination_id for each in listed.data] == [one.destination_id]


def test_sources(airbyte: AirbyteSimulator, sdk: AirbyteAPI) -> None:
    # The SDK reads a configuration only if it is complete and says what type it is.
    configuration = {
        "sourceType": "postgres",
        "host": "db.example.com",
        "username": "airbyte",
        "database": "shop",
    }
    source = airbyte.add_source("crm", type="postgres", configuration=configuration)
    of_workspace = api.ListSourcesRequest(workspace_ids=[airbyte.workspace_id])
    listed = sdk.sources.list_sources(request=of_workspace).sources_response
    assert listed is not None
    asked = api.GetSourceRequest(source_id=source.source_id)
    one = sdk.sources.get_source(request=asked).source_response
    assert one is not None
    assert (one.source_type, one.name) == ("postgres", "crm")
    assert [each.source_id for each in listed.data] == [one.source_id]


@pytest.mark.usefixtures("shop")
def test_sources_that_nobody_configured(airbyte: AirbyteSimulator, sdk: AirbyteAPI) -> None:
    of_workspace = api.ListSourcesRequest(workspace_ids=[airbyte.workspace_id])
    listed = sdk.sources.list_sources(request=of_workspace).sources_response
    assert listed is not None
    assert [each.name for each in listed.data] == ["shop source"]


@pytest.mark.usefixtures("shop")
def test_tags(airbyte: AirbyteSimulator, sdk: AirbyteAPI) -> None:
    new = models.TagCreateRequest(name="a", color="FF0000", workspace_id=airbyte.workspace_id)
    made = sdk.tags.create_tag(request=new).tag_response
    assert made is not None
    renamed = models.TagPatchRequest(name="b", color="00FF00")
    sdk.tags.update_tag(request=api.UpdateTagRequest(tag_id=made.tag_id, tag_patch_request=renamed))
    asked = api.GetTagRequest(tag_id=made.tag_id)
    one = sdk.tags.get_tag(request=asked).tag_response
    assert one is not None
    assert (one.name, one.color) == ("b", "00FF00")
    assert names_of_tags(sdk) == ["nightly", "b"]
    sdk.tags.delete_tag(request=api.DeleteTagRequest(tag_id=made.tag_id))
    assert names_of_tags(sdk) == ["nightly"]


def names_of_tags(sdk: AirbyteAPI) -> list[str]:
    listed = sdk.tags.list_tags(request=api.ListTagsRequest()).tags_response
    assert listed is not None
    return [each.name for each in listed.data]


def test_a_connection_from_its_creation_to_its_end(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, sdk: AirbyteAPI
) -> None:
    new = models.ConnectionCreateRequest(
        source_id=shop.source_id, destination_id=shop.destination_id, name="copy"
    )
    made = sdk.connections.create_connection(request=new).connection_response
    assert made is not None
    patch = models.ConnectionPatchRequest(
        prefix="raw_", status=models.ConnectionStatusEnum.INACTIVE
    )
    sdk.connections.patch_connection(
        request=api.PatchConnectionRequest(
            connection_id=made.connection_id, connection_patch_request=patch
        )
    )
    copy = airbyte.connection("copy")
    assert (copy.prefix, copy.status, copy.connection_id) == (
        "raw_",
        "inactive",
        made.connection_id,
    )
    sdk.connections.delete_connection(
        request=api.DeleteConnectionRequest(connection_id=made.connection_id)
    )
    assert copy.status == "deprecated"


def test_a_workspace_from_its_creation_to_its_end(
    airbyte: AirbyteSimulator, sdk: AirbyteAPI
) -> None:
    new = models.WorkspaceCreateRequest(name="finance")
    made = sdk.workspaces.create_workspace(request=new).workspace_response
    assert made is not None
    renamed = models.WorkspaceUpdateRequest(name="money")
    sdk.workspaces.update_workspace(
        request=api.UpdateWorkspaceRequest(
            workspace_id=made.workspace_id, workspace_update_request=renamed
        )
    )
    (_, workspace) = airbyte.workspaces
    assert workspace.name == "money"
    sdk.workspaces.delete_workspace(
        request=api.DeleteWorkspaceRequest(workspace_id=made.workspace_id)
    )
    assert workspace.is_deleted


def test_streams(shop: SimulatedConnection, sdk: AirbyteAPI) -> None:
    asked = api.GetStreamPropertiesRequest(source_id=shop.source_id)
    found = sdk.streams.get_stream_properties(request=asked).stream_properties_response
    assert [stream.stream_name for stream in found or []] == ["orders", "users"]


def test_a_job_from_start_to_end(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, sdk: AirbyteAPI
) -> None:
    started = _start(sdk, shop)
    assert started.status == models.JobStatusEnum.RUNNING
    airbyte.advance(shop.sync_seconds)
    asked = api.GetJobRequest(job_id=started.job_id)
    ended = sdk.jobs.get_job(request=asked).job_response
    assert ended is not None
    assert (ended.status, ended.rows_synced) == (models.JobStatusEnum.SUCCEEDED, 20)
    listed = sdk.jobs.list_jobs(
        request=api.ListJobsRequest(
            connection_id=shop.connection_id,
            status=models.JobStatusEnum.SUCCEEDED,
            order_by="updatedAt|DESC",
            updated_at_start=shop.created_at,
        )
    ).jobs_response
    assert listed is not None
    assert listed.data == [ended]


def test_a_job_is_cancelled(shop: SimulatedConnection, sdk: AirbyteAPI) -> None:
    asked = api.CancelJobRequest(job_id=_start(sdk, shop).job_id)
    cancelled = sdk.jobs.cancel_job(request=asked).job_response
    assert cancelled is not None
    assert cancelled.status == models.JobStatusEnum.CANCELLED


def test_a_second_job_is_refused(shop: SimulatedConnection, sdk: AirbyteAPI) -> None:
    _start(sdk, shop)
    with pytest.raises(errors.SDKError, match="A sync is already running") as refused:
        _start(sdk, shop)
    assert refused.value.status_code == 409


def test_an_expired_token_is_renewed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, sdk: AirbyteAPI
) -> None:
    asked = api.GetConnectionRequest(connection_id=shop.connection_id)
    sdk.connections.get_connection(request=asked)
    airbyte.expire_tokens()
    with pytest.raises(errors.SDKError, match="401"):
        sdk.connections.get_connection(request=asked)
    assert sdk.connections.get_connection(request=asked).status_code == 200


def _start(sdk: AirbyteAPI, connection: SimulatedConnection) -> models.JobResponse:
    wanted = models.JobCreateRequest(
        connection_id=connection.connection_id, job_type=models.JobTypeEnum.SYNC
    )
    job = sdk.jobs.create_job(request=wanted).job_response
    assert job is not None
    return job
