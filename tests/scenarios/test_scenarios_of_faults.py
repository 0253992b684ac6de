"""What other tools met in Airbyte's answers, and where there were none."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.resources import AirbyteSettingsError
from dagster_airbyte_sync.resources.errors import AirbyteUnavailable
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, RealClock
from helpers.deployment import Deployment
from helpers.waiting import wait_until

Deploy = Callable[..., Deployment]


def test_s04_a_next_address_with_a_foreign_host_and_without_filters_is_not_followed(
    deploy: Deploy,
) -> None:
    """The public API's `next` is such an address, on every page, the last one too."""
    with AirbyteSimulator(configuration_api=False, airbyte_url="http://elsewhere.test") as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        deployment = deploy(airbyte, max_items_per_page=2)
        deployment.tick()
        jobs = []
        for _ in range(7):
            airbyte.advance(20)
            jobs.append(airbyte.run_sync(shop).job_id)
        airbyte.forget_requests()
        deployment.tick()

        assert deployment.reported("orders") == jobs
        listings = [each for each in airbyte.requests if each.path.endswith("/public/v1/jobs")]
        assert len(listings) > 3
        assert all("updatedAtStart" in each.query for each in listings)
        hosts = {each.headers["Host"] for each in listings}
        assert hosts == {urlsplit(airbyte.url).netloc}


FAULTS = {
    "401 in mid-tick": (Fault.unauthorized(), "/jobs"),
    "429": (Fault.rate_limited(), "/jobs"),
    "429 with Retry-After": (Fault.rate_limited(retry_after=1), "/jobs"),
    "502 of the token endpoint": (Fault.status(502), "/token"),
    "HTML with status 200": (Fault.html(), "/jobs"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_s11_a_fault_that_passes_costs_nothing(
    airbyte: AirbyteSimulator, deploy: Deploy, what: str
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(airbyte)
    deployment.tick()
    job = airbyte.run_sync(shop)
    airbyte.expire_tokens()
    fault, path = FAULTS[what]
    airbyte.add_fault(fault, path=path)

    deployment.tick()
    deployment.tick()

    assert deployment.reported("orders") == [job.job_id]


def test_s11_a_409_on_create_is_no_second_sync_and_no_event(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(airbyte)
    external = airbyte.start_sync(shop)

    assert not deployment.materialize("orders").success
    airbyte.succeed(external, rows=1)
    deployment.tick()

    assert deployment.reported("orders") == [external.job_id]


@pytest.mark.parametrize("attach", [False, True])
def test_s11_a_sync_that_airbyte_created_while_the_client_gave_up_is_reported_once(
    deploy: Deploy, attach: bool
) -> None:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", streams=["orders"], sync_seconds=0.1)
        deployment = deploy(airbyte, poll_previous_running_sync=attach)
        airbyte.add_fault(Fault.drop_after(), path="/jobs", method="POST")

        deployment.materialize("orders")
        wait_until(lambda: airbyte.jobs[-1].is_finished, "an end of the sync")
        deployment.tick()
        deployment.tick()

        (job,) = airbyte.jobs
        assert deployment.reported("orders") == [job.job_id]


def test_s12_an_airbyte_that_is_down_at_import_is_one_clear_error(
    airbyte: AirbyteSimulator,
) -> None:
    """The component's refreshed state, which spares this request, has tests of its own."""
    airbyte.add_fault(Fault.status(503), times=None)
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), request_retry_delay=0.001)

    with pytest.raises(AirbyteUnavailable, match="503"):
        build_airbyte_definitions(workspace)


def test_s12_an_airbyte_that_is_down_at_a_tick_fails_it_and_moves_nothing(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    shop = airbyte.add_connection("shop", streams=["orders"])
    deployment = deploy(airbyte)
    deployment.tick()
    before = deployment.cursor
    job = airbyte.run_sync(shop)
    airbyte.add_fault(Fault.drop(), times=None)

    with pytest.raises(Exception, match="no answer"):
        deployment.tick()
    assert deployment.cursor == before
    airbyte.clear_faults()
    deployment.tick()

    assert deployment.reported("orders") == [job.job_id]


@pytest.mark.parametrize("admin", [True, False])
def test_s12_a_wrong_workspace_id_is_a_clear_error(admin: bool) -> None:
    with AirbyteSimulator(admin=admin) as airbyte:
        airbyte.add_connection("shop")
        config = airbyte.workspace_config()
        config["workspace_id"] = "00000000-0000-0000-0000-000000000000"

        with pytest.raises(AirbyteSettingsError, match="workspace_id"):
            build_airbyte_definitions(AirbyteWorkspace(**config))


def test_s12_a_workspace_without_connections_loads_and_ticks(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    deployment = deploy(airbyte)

    assert deployment.tick().events == []
    assert deployment.tick().sent == 1
