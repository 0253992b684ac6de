"""What follows syncs starts once for all of them, when history is read to its end."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from uuid import UUID

import dagster as dg
import pytest

from dagster_airbyte_sync.resources import JobRef
from dagster_airbyte_sync.sensors import runs_that_follow, tick
from dagster_airbyte_sync.sensors.cursor.pending import job_ref
from dagster_airbyte_sync.sensors.decision import Limits
from dagster_airbyte_sync.sensors.run_requests.arrival import (
    FOLLOWS_TAG,
    Arrival,
    follows_tags,
    newest_of_each,
    run_key_of,
    tags_of,
)
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import jobs_in_tags
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment, Tick, version_of
from helpers.downstream import DOWNSTREAM, names

Deploy = Callable[..., Deployment]
WEEK = timedelta(days=7)


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    airbyte.add_connection("crm", streams=["leads"])
    return airbyte.add_connection("shop", streams=["orders", "users"])


@pytest.fixture
def small_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick that reports ten events is full."""
    monkeypatch.setattr(tick, "Limits", partial(Limits, events=10))


def until_at_rest(deployment: Deployment) -> list[Tick]:
    ticks = [deployment.tick()]
    while ticks[-1].events or ticks[-1].requests:
        ticks.append(deployment.tick())
    return ticks


def followed_by(request: dg.RunRequest) -> set[str]:
    jobs = jobs_in_tags(FOLLOWS_TAG, request.tags)
    return {job_ref(job).name for job in jobs.values()}


def hourly(airbyte: AirbyteSimulator, connection: SimulatedConnection, hours: int) -> None:
    for _ in range(hours):
        airbyte.advance(timedelta(hours=1))
        airbyte.run_sync(connection, rows=1)


def test_two_connections_that_end_in_one_tick_request_one_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all())
    older, newer = airbyte.run_sync(airbyte.connection("crm")), airbyte.run_sync(shop)

    (request,) = deployment.tick().requests

    assert names(request) == ["forecast", "funnel", "revenue"]
    assert request.tags["dagster-airbyte/connection_name"] == "shop"
    assert request.tags["dagster-airbyte/job_id"] == str(newer.job_id)
    assert f"jobId={newer.job_id}" in request.tags["dagster-airbyte/job_url"]
    assert request.tags["dagster-airbyte/other_syncs"] == f"crm {older.job_id}"
    assert followed_by(request) == {version_of(older), version_of(newer)}


def test_the_same_syncs_have_the_same_run_key_and_others_another(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all())
    for connection in (shop, airbyte.connection("crm")):
        airbyte.run_sync(connection)
    (died,) = deployment.tick(crash_after=3).requests
    (again,) = deployment.tick().requests
    for connection in (shop, airbyte.connection("crm")):
        airbyte.run_sync(connection)
    (later,) = deployment.tick().requests

    assert again.run_key == died.run_key
    assert later.run_key != died.run_key


def test_a_run_key_is_of_all_syncs_and_not_of_the_newest_alone() -> None:
    def arrival(connection_id: str, job_id: int) -> Arrival:
        return Arrival(connection_id, connection_id, JobRef(job_id), "", frozenset())

    one, two, newest = arrival("a", 1), arrival("a", 2), arrival("b", 3)

    keys = {run_key_of("w", arrivals) for arrivals in ([newest], [one, newest], [two, newest])}

    assert len(keys) == 3


def test_a_run_that_follows_thousands_has_no_tag_that_postgresql_refuses() -> None:
    """It has an index of tags, whose rows may be of 2,704 bytes."""
    ended = datetime(2026, 1, 15, tzinfo=timezone.utc)
    arrivals = [
        Arrival(str(UUID(int=n**9)), "名" * 40, JobRef(n * 7, ended, ended), "", frozenset())
        for n in range(1, 2_000)
    ]

    tags = {**tags_of(newest_of_each(arrivals)), **follows_tags(FOLLOWS_TAG, arrivals)}

    assert max(len(value.encode()) for value in tags.values()) < 2_600
    assert len(jobs_in_tags(FOLLOWS_TAG, tags)) == len(arrivals)


@pytest.mark.usefixtures("small_ticks")
def test_a_week_of_hourly_syncs_requests_one_run_when_the_last_is_reported(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all(), start_from=WEEK)
    hourly(airbyte, shop, 40)

    ticks = until_at_rest(deployment)

    assert len(ticks) > 5
    assert [tick.summary or "" for tick in ticks if "wait for it" in (tick.summary or "")]
    requests = [request for tick in ticks for request in tick.requests]
    assert [names(request) for request in requests] == [["forecast", "revenue"]]
    assert requests[0].tags["dagster-airbyte/job_id"] == str(airbyte.jobs[-1].job_id)
    assert ticks[-2].requests or ticks[-1].requests


@pytest.mark.usefixtures("small_ticks")
def test_runs_wait_for_history_no_longer_than_a_quarter_of_an_hour(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all(), start_from=WEEK)
    hourly(airbyte, shop, 60)

    ticks = []
    for _ in range(10):
        deployment.later += timedelta(minutes=4)
        ticks.append(deployment.tick())

    assert [len(tick.requests) for tick in ticks] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


@pytest.mark.usefixtures("small_ticks")
def test_a_connection_that_synced_while_history_was_read_is_not_forgotten(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    stock = airbyte.add_connection("stock", streams=["items", "prices"])
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all(), start_from=WEEK)
    leads = airbyte.run_sync(airbyte.connection("crm"))
    hourly(airbyte, stock, 20)

    ticks = until_at_rest(deployment)

    (request,) = [request for tick in ticks for request in tick.requests]
    assert names(request) == ["forecast", "funnel"]
    assert request.tags["dagster-airbyte/job_id"] == str(leads.job_id)


@pytest.mark.usefixtures("small_ticks")
def test_a_table_that_was_not_synced_while_history_was_read_starts_nothing(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    """Of a connection of which only one stream was refreshed."""
    crm = airbyte.add_connection("crm", streams=["leads", "orders"])
    stock = airbyte.add_connection("stock", streams=["items", "prices"])
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all(), start_from=WEEK)
    airbyte.run_sync(crm)
    assert len(deployment.tick().requests) == 1
    airbyte.run_refresh(crm, ["orders"])
    hourly(airbyte, stock, 20)

    (request,) = [each for tick in until_at_rest(deployment) for each in tick.requests]

    assert names(request) == ["forecast", "revenue"]


@pytest.mark.usefixtures("small_ticks")
def test_with_per_sync_each_sync_of_a_backlog_requests_its_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    options = {"downstream": dg.AssetSelection.all(), "start_from": WEEK, "per_sync": True}
    deployment = deploy(*DOWNSTREAM, **options)
    hourly(airbyte, shop, 12)

    requests = [request for tick in until_at_rest(deployment) for request in tick.requests]

    assert len({request.run_key for request in requests}) == len(requests) == 12


def test_many_connections_are_not_waited_with(
    airbyte: AirbyteSimulator, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cursor has no room for all of their names."""
    monkeypatch.setattr(tick, "Limits", partial(Limits, events=3))
    monkeypatch.setattr(runs_that_follow, "MOST_WAITING", 2)
    connections = [airbyte.add_connection(f"c{n}", streams=[f"t{n}"]) for n in range(7)]

    @dg.asset(deps=[f"t{n}" for n in range(7)])
    def report() -> None: ...

    deployment = deploy(report, downstream=dg.AssetSelection.all())
    for connection in connections:
        airbyte.run_sync(connection)

    ticks = until_at_rest(deployment)

    assert [len(tick.requests) for tick in ticks] == [1, 1, 1, 0]


@pytest.mark.usefixtures("small_ticks")
def test_a_cursor_that_is_lost_while_runs_wait_loses_no_run(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deploy: Deploy
) -> None:
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all(), start_from=WEEK)
    airbyte.run_sync(airbyte.connection("crm"))
    hourly(airbyte, shop, 20)
    for _ in range(2):
        deployment.tick()
    deployment.cursor = None

    requests = [request for tick in until_at_rest(deployment) for request in tick.requests]

    assert {name for request in requests for name in names(request)} == {
        "forecast",
        "funnel",
        "revenue",
    }


def test_a_lost_cursor_starts_no_run_of_syncs_that_a_run_followed(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deploy: Deploy,
    instance: dg.DagsterInstance,
) -> None:
    """Though one of them synced again since, so that those left would have another run key."""
    deployment = deploy(*DOWNSTREAM, downstream=dg.AssetSelection.all())
    for connection in (shop, airbyte.connection("crm")):
        airbyte.run_sync(connection)
    (request,) = deployment.tick().requests
    run = deployment.start(request)
    assert run.success
    newer = airbyte.run_sync(shop)
    deployment.cursor = None

    (later,) = deployment.tick().requests

    assert names(later) == ["forecast", "revenue"]
    assert followed_by(later) == {version_of(newer)}
