"""Which streams took part in a job: not said, said to be none, and named in another place."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dagster_airbyte_sync.resources import AirbyteClient, Job, JobStatus, JobType, StreamId
from dagster_airbyte_sync.resources.api import configuration_api as configuration
from dagster_airbyte_sync.resources.api import public_api as public
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedJob

Connect = Callable[..., AirbyteClient]

ORDERS, USERS = frozenset({StreamId("orders")}), frozenset({StreamId("users")})


def read(**fields: object) -> Job:
    job = configuration.read_job({"job": {"id": 1, "configId": "c", **fields}})
    assert job is not None
    return job


def named(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


@pytest.mark.parametrize("config_type", ["sync", "refresh", "reset_connection", "new"])
def test_no_list_is_not_an_empty_list(config_type: str) -> None:
    assert read(configType=config_type).enabled_streams is None
    assert read(configType=config_type, enabledStreams=None).enabled_streams is None
    assert read(configType=config_type, enabledStreams=[]).enabled_streams == frozenset()


def test_a_list_in_which_nothing_can_be_read_says_nothing() -> None:
    assert read(configType="sync", enabledStreams=[{}, None, 7]).enabled_streams is None
    assert read(configType="sync", enabledStreams=[{}, *named("users")]).enabled_streams == USERS


@pytest.mark.parametrize("enabled", [[], named("orders", "users"), None])
def test_of_a_clear_the_reset_names_the_streams(enabled: object) -> None:
    reset = {"streamsToReset": named("gone")}
    job = read(configType="reset_connection", enabledStreams=enabled, resetConfig=reset)
    assert job.enabled_streams == frozenset({StreamId("gone")})


@pytest.mark.parametrize("reset", [None, {}, {"streamsToReset": None}])
def test_a_clear_whose_reset_says_nothing_has_its_enabled_streams(reset: object) -> None:
    job = read(
        configType="reset_connection", enabledStreams=named("orders"), resetConfig=reset
    )  # fmt: skip
    assert job.enabled_streams == ORDERS


@pytest.mark.parametrize("refresh", [None, {}, {"streamsToRefresh": []}])
def test_a_refresh_that_names_none_is_of_all(refresh: object) -> None:
    job = read(configType="refresh", enabledStreams=named("orders", "users"), refreshConfig=refresh)
    assert job.enabled_streams == ORDERS | USERS


def test_a_stream_that_moved_rows_took_part_whatever_else_is_said() -> None:
    moved = [{"streamName": "users", "recordsCommitted": 3}]
    job = read(configType="sync", enabledStreams=[], streamAggregatedStats=moved)
    assert job.enabled_streams == USERS


# Over HTTP


def the_one(airbyte: AirbyteSimulator, connect: Connect, job: SimulatedJob) -> list[Job]:
    """The job as the history lists it, and as it is when it is asked for."""
    client = connect(airbyte)
    (listed,) = client.finished_jobs(airbyte.now - timedelta(hours=1))
    return [listed, client.job(job.job_id)]


def test_a_clear_of_a_stream_that_is_gone_names_it(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop", ["orders", "users"])
    gone = frozenset({StreamId("gone"), StreamId("elsewhere", "audit")})
    cleared = airbyte.run_clear(shop, ["gone", ("elsewhere", "audit")])
    for job in the_one(airbyte, connect, cleared):
        assert job.enabled_streams == gone


def test_a_refresh_names_its_streams_beside_the_whole_catalog(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop", ["orders", "users"])
    refreshed = airbyte.run_refresh(shop, ["orders"])
    for job in the_one(airbyte, connect, refreshed):
        assert job.enabled_streams == ORDERS


def test_what_syncs_along_with_a_refresh_took_part(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop", ["orders", "users"])
    refreshed = airbyte.run_refresh(shop, ["orders"], rest=True)
    for job in the_one(airbyte, connect, refreshed):
        assert job.enabled_streams == ORDERS | USERS


def test_a_sync_of_nothing_had_no_streams(airbyte: AirbyteSimulator, connect: Connect) -> None:
    synced = airbyte.run_sync(airbyte.add_connection("shop", []))
    for job in the_one(airbyte, connect, synced):
        assert job.enabled_streams == frozenset()


# Words that this version does not know


@pytest.mark.parametrize("word", ["resting", 7, "x" * 5000])
def test_a_word_that_is_not_known_is_kept(word: object) -> None:
    jobs = [
        read(status=word, configType=word),
        public.read_job({"jobId": 1, "connectionId": "c", "status": word, "jobType": word}),
    ]
    for job in jobs:
        assert job is not None
        assert (job.status, job.type) == (JobStatus.UNKNOWN, JobType.UNKNOWN)
        assert job.unknown_status == job.unknown_type == str(word)[:100]
        assert len(job.unknown_words) == 2


def test_a_word_that_is_known_is_not_repeated(airbyte: AirbyteSimulator, connect: Connect) -> None:
    synced = airbyte.run_sync(airbyte.add_connection("shop"))
    for job in the_one(airbyte, connect, synced):
        assert (job.unknown_status, job.unknown_type, job.unknown_words) == (None, None, ())
