"""Every request our client sends, and every answer it is given, is as Airbyte describes it."""

from datetime import timedelta

import pytest

from dagster_airbyte_sync import AirbyteSettingsError, AirbyteWorkspace, StreamId, SyncSchedule
from dagster_airbyte_sync.resources import AirbyteClient, JobRequest, JobType
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from helpers.contract import contract_violations


@pytest.mark.parametrize("configuration_api", [True, False], ids=["both APIs", "public API only"])
def test_all_that_the_client_can_ask_is_described(configuration_api: bool) -> None:
    with AirbyteSimulator(configuration_api=configuration_api, seed=3) as airbyte:
        for number in range(5):
            airbyte.add_connection(
                f"shop {number}",
                streams=["orders", SimulatedStream("users", namespace="audit")],
                schedule={"cron": "0 0 12 * * ?", "timezone": "UTC"} if number else None,
            )
        shop = airbyte.connections[0]
        airbyte.run_sync(shop, rows=3)
        airbyte.advance(60)
        airbyte.run_refresh(shop)
        airbyte.advance(60)
        airbyte.run_clear(shop)
        airbyte.advance(60)
        airbyte.fail(airbyte.start_sync(shop), reason="no route to host")
        airbyte.advance(60)
        airbyte.burst(shop, 5)
        since = airbyte.now - timedelta(days=1)
        client = AirbyteWorkspace(**airbyte.workspace_config(), max_items_per_page=2).get_client()

        client.catalog()
        assert len(list(client.finished_jobs(since))) == 9
        job = client.start_sync(shop.connection_id)
        client.job_status(job.id)
        client.job(job.id)
        client.newest_jobs(shop.connection_id)
        assert client.was_asked_for(job) is (True if configuration_api else None)
        for of_one in (None, shop.connection_id):
            assert [each.id for each in client.unfinished_jobs(connection_id=of_one)] == [job.id]
        assert [*client.connections_with(shop.connection_id).connections] == [shop.connection_id]
        locked = airbyte.connections[1]
        airbyte.update_connection(
            locked, status="locked", status_reason="unpaid", breaking_change=True
        )
        listed = client.connections().connections[locked.connection_id]
        of_both = (listed.status, listed.status_reason, listed.breaking_change)
        assert of_both == ("locked", *(("unpaid", True) if configuration_api else (None, False)))
        client.cancel(job.id)
        failed = next(each for each in client.finished_jobs(since) if each.failure or each.id == 4)
        knows = (
            client.who_started(failed), client.stream_outcomes(failed), client.failure_log(failed)
        )  # fmt: skip
        assert [each is not None for each in knows] == [configuration_api] * 3
        client.set_schedule(shop.connection_id, SyncSchedule("cron", cron_expression="0 0 6 * * ?"))
        if configuration_api:
            client.set_schedule(shop.connection_id, SyncSchedule("basic", None, None, 6, "hours"))
        client.set_schedule(shop.connection_id, SyncSchedule())
        _start_all_that_can_be_started(airbyte, client, shop.connection_id)
        client.check_workspace()
        client.ui_url()

        asked = {exchange.request.path for exchange in airbyte.exchanges}
        assert len(asked) >= 8
        assert contract_violations(airbyte.exchanges) == []


def _start_all_that_can_be_started(
    airbyte: AirbyteSimulator, client: AirbyteClient, connection_id: str
) -> None:
    """Refreshes and clears, of all streams and of some; and a refresh that is only stored."""
    some = (StreamId("orders"), StreamId("users", "audit"))
    wanted = [
        JobRequest(connection_id, JobType.CLEAR),
        JobRequest(connection_id, JobType.CLEAR, some),
        JobRequest(connection_id, JobType.REFRESH),
        JobRequest(connection_id, JobType.REFRESH, some, keep_records=False),
    ]
    found = client.connections_with(connection_id)
    through = found.read_from or "public"
    if through == "configuration":
        assert client.supports_refreshes(found.connections[connection_id])
    for request in wanted:
        try:
            job = client.start(request, through)
        except AirbyteSettingsError:
            assert through == "public"
            assert request is not wanted[0]
            continue
        assert job is not None
        assert job.type is request.type
        if request is wanted[-1]:
            assert client.start(wanted[2], through) is None
        airbyte.advance(60)
