"""What users call on dagster-airbyte's client is answered as there, and names what is better."""

import os
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from dagster_airbyte_sync import (
    AirbyteClient,
    AirbyteJob,
    AirbyteSettingsError,
    AirbyteWorkspace,
    Job,
    JobStatus,
)
from dagster_airbyte_sync.resources import FORMER_CALLS
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers import former_answers
from helpers.dagster_airbyte_env import needs_dagster_airbyte, said_there
from helpers.variables import variables

quiet = pytest.mark.filterwarnings("ignore::FutureWarning")


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", ["orders", "users"])


@pytest.fixture
def client(airbyte: AirbyteSimulator) -> AirbyteClient:
    return AirbyteWorkspace(**airbyte.workspace_config()).get_client()


@needs_dagster_airbyte
@quiet
def test_the_answers_are_those_of_dagster_airbyte(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    job = airbyte.run_sync(shop, rows=5)
    crm, leads = (airbyte.add_connection(name, ["a"]).connection_id for name in ("crm", "leads"))
    environ = variables(airbyte.workspace_config())
    ids = (shop.connection_id, shop.destination_id, str(job.job_id))
    program = former_answers.__file__
    theirs = said_there(program, "dagster_airbyte", *ids, crm, environ=environ)
    ours = former_answers.answers("dagster_airbyte_sync", {**os.environ, **environ}, *ids, leads)
    assert ours == theirs
    assert len(ours["connections"]) == 3
    assert ours["rows"] == [10]


@quiet
def test_the_list_of_earlier_versions_is_answered_too(
    client: AirbyteClient, shop: SimulatedConnection
) -> None:
    """They had the rows under "data"."""
    connections = client.get_connections()
    assert [row["name"] for row in connections["data"]] == ["shop"]
    assert connections[0] == connections["data"][0]
    assert connections[:1] == list(connections)


@quiet
def test_connections_and_jobs_are_read_to_their_end(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    for number in range(6):
        airbyte.run_sync(shop)
        airbyte.advance(timedelta(minutes=1))
        airbyte.add_connection(f"more {number}", ["a"])
    small = AirbyteWorkspace(**airbyte.workspace_config(), max_items_per_page=2).get_client()
    assert len(small.get_connections()) == 7
    jobs = small.get_jobs_for_connection(shop.connection_id)
    assert [job.id for job in jobs] == sorted((job.id for job in jobs), reverse=True)
    assert len(jobs) == 6


@quiet
def test_jobs_may_be_those_since_a_time(
    airbyte: AirbyteSimulator, client: AirbyteClient, shop: SimulatedConnection
) -> None:
    """Also by a local time without a zone, which dagster-airbyte takes for UTC."""
    airbyte.run_sync(shop)
    airbyte.advance(timedelta(days=3))
    late = airbyte.run_sync(shop)
    since = airbyte.now - timedelta(hours=2)
    for time in (since, since.astimezone().replace(tzinfo=None)):
        assert [job.id for job in client.get_jobs_for_connection(shop.connection_id, time)] == [
            late.job_id
        ]


@quiet
def test_a_job_has_the_bytes_that_airbyte_says(
    airbyte: AirbyteSimulator, client: AirbyteClient, shop: SimulatedConnection
) -> None:
    airbyte.run_sync(shop, rows=5)
    (job,) = client.get_jobs_for_connection(shop.connection_id)
    assert isinstance(job, AirbyteJob)
    assert job.status == JobStatus.SUCCEEDED
    assert job.bytes_synced is not None
    assert job.bytes_synced > 0


def test_the_details_of_no_job_are_an_error() -> None:
    with pytest.raises(KeyError, match="jobId"):
        AirbyteJob.from_job_details({"status": "failed"})


# How each is called on a client, with a connection's id and a job's.
CALLS: dict[str, Callable[[Any, str, int], object]] = {
    "start_sync_job": lambda client, connection, job: client.start_sync_job(connection),
    "get_job_details": lambda client, connection, job: client.get_job_details(job),
    "cancel_job": lambda client, connection, job: client.cancel_job(job),
    "get_connections": lambda client, connection, job: client.get_connections(),
    "get_jobs_for_connection": lambda client, connection, job: client.get_jobs_for_connection(
        connection
    ),
    "get_connection_details": lambda client, connection, job: client.get_connection_details(
        connection
    ),
    "get_destination_details": lambda client, connection, job: client.get_destination_details(
        next(iter(client.catalog().destinations))
    ),
    "validate_workspace_id": lambda client, connection, job: client.validate_workspace_id(),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_call_warns_where_it_is_made_with_what_is_better(
    airbyte: AirbyteSimulator, client: AirbyteClient, shop: SimulatedConnection, name: str
) -> None:
    job = airbyte.start_sync(shop) if name == "cancel_job" else airbyte.run_sync(shop)
    with pytest.warns(FutureWarning) as caught:
        CALLS[name](client, shop.connection_id, job.job_id)
    (warning,) = caught
    instead = FORMER_CALLS[name].replace("`", "")
    said = f"{name} of a client is dagster-airbyte's. Here it is {instead}."
    assert str(warning.message) == said
    assert warning.filename == __file__


def test_what_a_workspace_contains_warns_too(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config())
    with pytest.warns(FutureWarning, match=r"Here it is fetch_catalog\(\), with") as caught:
        data = workspace.fetch_airbyte_workspace_data()
    assert caught[0].filename == __file__
    assert data.connections_by_id[shop.connection_id].name == "shop"
    assert FORMER_CALLS.keys() == CALLS.keys() | {"fetch_airbyte_workspace_data"}


def test_what_a_warning_names_answers_without_one(
    airbyte: AirbyteSimulator, client: AirbyteClient, shop: SimulatedConnection
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        started = client.start_sync(shop.connection_id)
        assert isinstance(client.job(started.id), Job)
        client.cancel(started.id)
        assert client.newest_jobs(shop.connection_id)[0].status is JobStatus.CANCELLED
        catalog = client.catalog()
        assert catalog.connections[shop.connection_id].streams.keys() == {"orders", "users"}
        assert shop.destination_id in catalog.destinations


def test_a_workspace_that_is_not_there_is_not_valid(airbyte: AirbyteSimulator) -> None:
    settings = airbyte.workspace_config() | {"workspace_id": "7b7e0f4c-0000-4000-8000-000000000000"}
    client = AirbyteWorkspace(**settings).get_client()
    with (
        pytest.warns(FutureWarning, match="validate_workspace_id of a client"),
        pytest.raises(AirbyteSettingsError, match="has no workspace '7b7e0f4c-"),
    ):
        client.validate_workspace_id()


def test_a_sync_by_id_names_what_syncs_a_connection(client: AirbyteClient) -> None:
    with pytest.raises(AirbyteSettingsError, match="build_airbyte_start_job, or"):
        client.sync_and_poll("e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f")
