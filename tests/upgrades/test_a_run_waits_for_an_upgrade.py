"""A run that is to start a job waits while Airbyte is down or being upgraded, and then does so."""

import logging
from collections.abc import Callable

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.sync.busy_connection import start_or_attach
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteUnavailable,
    JobRequest,
    NotSteady,
)
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
)
from helpers.airbyte_time import Log, poll_options
from helpers.refreshes import JOBS, clear_of, refresh_of, sent, sync_of
from helpers.upgrades import Upgrade

Ask = Callable[[SimulatedConnection], JobRequest]
ALL = pytest.mark.parametrize("ask", [sync_of, refresh_of, clear_of])


def started(
    upgrade: Upgrade,
    request: JobRequest,
    log: Log,
    client: AirbyteClient | None = None,
    **changes: object,
) -> int:
    options = poll_options(
        upgrade.airbyte, clock=upgrade.clock, sleep=upgrade.sleep, cancel_on_termination=False
    )
    job, is_ours = start_or_attach(
        client or upgrade.client(),
        request,
        options.__class__(**{**vars(options), **changes}),
        log.logger,
        is_own=lambda job: False,
        link=lambda job: f"http://airbyte.test/{job.id}",
    )
    assert is_ours
    return job.id


@ALL
def test_nothing_is_sent_while_airbyte_answers_503_and_one_job_is_started_after(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log, ask: Ask
) -> None:
    upgrade.down()
    upgrade.at(300, upgrade.up)
    assert started(upgrade, ask(shop), log) == 1
    assert len(sent(upgrade.airbyte)) == 1
    assert 310 <= upgrade.slept <= 330


def test_the_log_says_each_minute_what_is_waited_for_and_for_how_long(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    upgrade.down()
    upgrade.at(200, upgrade.up)
    started(upgrade, sync_of(shop), log)
    warnings = log.lines(logging.WARNING)
    assert 4 <= len(warnings) <= 5
    assert warnings[0].startswith("Airbyte is unavailable: GET http://127.0.0.1")
    assert "answered 503" in warnings[0]
    assert "waits for that, for 900 s more at most (outage_timeout)" in warnings[0]
    assert "for 840 s more" in warnings[1]
    assert (
        log.lines()[0] == "Continuing: Airbyte (version 2.1.0) has been available for some seconds"
    )


def test_what_is_not_back_in_time_is_an_error_that_a_retry_may_mend(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    upgrade.down()
    with pytest.raises(
        NotSteady, match=r"Nothing was started within 60 s \(outage_timeout\)"
    ) as late:
        started(upgrade, sync_of(shop), log, outage_timeout=60)
    assert "answered 503" in str(late.value)
    assert (upgrade.slept, sent(upgrade.airbyte)) == (60, [])


def test_a_version_that_changes_under_a_client_is_waited_for_too(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    client = upgrade.client()
    assert client.steadiness().is_steady
    upgrade.airbyte.upgrade("2.2.0")
    upgrade.sleep(60)
    upgrade.slept = 0
    assert started(upgrade, sync_of(shop), log, client) == 1
    assert "Airbyte was version 2.1.0 and is 2.2.0 now" in log.lines(logging.WARNING)[0]
    assert upgrade.slept == 10


def test_after_an_upgrade_the_new_version_is_asked_in_its_own_way(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    """Before 2.1 the public list of jobs hides refreshes, unless it is asked for them."""
    upgrade.airbyte.upgrade("2.0.1")
    client = upgrade.client(configuration_api_base_url=upgrade.airbyte.configuration_api_base_url)
    client.newest_jobs(shop.connection_id)
    asked_before = len([each for each in upgrade.airbyte.requests if each.path == JOBS])
    upgrade.airbyte.upgrade("2.1.0")
    upgrade.sleep(60)
    started(upgrade, sync_of(shop), log, client)
    upgrade.airbyte.forget_requests()
    client.newest_jobs(shop.connection_id)
    asked_after = len([each for each in upgrade.airbyte.requests if each.path == JOBS])
    assert (asked_before, asked_after) == (2, 1)


@pytest.mark.parametrize("code", [502, 503])
def test_a_sync_that_a_gateway_did_not_pass_on_is_sent_once_more_when_airbyte_is_back(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log, code: int
) -> None:
    """The outage begins between the look and the start."""
    client = goes_away_with_the_start(upgrade, Fault.status(code), until=400)
    assert started(upgrade, sync_of(shop), log, client) == 1
    assert len(sent(upgrade.airbyte)) == 2
    # It was looked for during two minutes in which Airbyte listed its jobs.
    assert upgrade.slept >= 400 + 120


def goes_away_with_the_start(upgrade: Upgrade, fault: Fault, until: float) -> AirbyteClient:
    client = upgrade.client()
    assert client.steadiness().is_steady
    upgrade.airbyte.add_fault(fault, path=JOBS, method="POST", times=None)

    def goes(request: RecordedRequest) -> None:
        if (request.method, request.path, upgrade.slept) == ("POST", JOBS, 0):
            upgrade.down()

    upgrade.airbyte.on_request(goes)
    upgrade.at(until, upgrade.up)
    return client


def test_a_start_whose_answer_was_lost_in_an_outage_is_found_after_it_and_not_sent_again(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    client = goes_away_with_the_start(upgrade, Fault.drop_after(), until=400)
    assert started(upgrade, sync_of(shop), log, client) == 1
    assert len(sent(upgrade.airbyte)) == 1


def test_that_airbyte_lists_no_jobs_is_said_once_a_minute(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    client = goes_away_with_the_start(upgrade, Fault.drop_after(), until=280)
    started(upgrade, sync_of(shop), log, client)
    said = [line for line in log.lines(logging.WARNING) if "does not list its jobs" in line]
    assert len(said) == 5
    assert "it is not known yet whether the sync started" in said[0]


def test_a_sync_is_not_sent_again_while_nobody_knows_what_became_of_it(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    """Airbyte lists no jobs until the wait is over."""
    client = goes_away_with_the_start(upgrade, Fault.status(503), until=1500)
    with pytest.raises(dg.Failure, match="did not answer the start of the sync") as failure:
        started(upgrade, sync_of(shop), log, client)
    assert failure.value.allow_retries
    assert (len(sent(upgrade.airbyte)), upgrade.slept) == (1, 900 + 120)


@pytest.mark.parametrize("ask", [refresh_of, clear_of])
def test_a_refresh_or_clear_that_may_have_been_sent_is_not_sent_again(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log, ask: Ask
) -> None:
    client = upgrade.client()
    for path in ("/connections/refresh", "/connections/clear"):
        upgrade.airbyte.add_fault(Fault.status(503), path=path)
    with pytest.raises(dg.Failure, match="no new job was found") as failure:
        started(upgrade, ask(shop), log, client)
    assert not failure.value.allow_retries
    assert len(sent(upgrade.airbyte)) == 1


@ALL
@pytest.mark.parametrize("code", [401, 403, 404])
def test_while_airbyte_restarts_a_refusal_of_its_gateway_is_none_of_airbytes(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log, ask: Ask, code: int
) -> None:
    client = upgrade.client()
    assert client.steadiness().is_steady
    upgrade.down(Fault.status(code))
    upgrade.at(100, upgrade.up)
    assert started(upgrade, ask(shop), log, client) == 1
    assert len([each for each in upgrade.airbyte.jobs if not each.is_finished]) == 1


def test_where_the_configuration_api_is_closed_the_public_one_shows_that_airbyte_is_there(
    shop: SimulatedConnection, log: Log
) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        upgrade, own = Upgrade(airbyte), airbyte.add_connection("own")
        client = upgrade.client()
        assert client.steadiness().is_steady
        assert started(upgrade, sync_of(own), log, client) == 1
        airbyte.succeed(airbyte.job(1))
        upgrade.down(Fault.status(404))
        assert not client.steadiness(fresh=True).is_steady
        upgrade.at(50, upgrade.up)
        assert started(upgrade, sync_of(own), log, client) == 2


def test_what_airbyte_itself_refuses_is_not_waited_for(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    upgrade.airbyte.delete_connection(shop)
    with pytest.raises(dg.Failure):
        started(upgrade, sync_of(shop), log)
    assert upgrade.slept == 0


def test_wrong_credentials_are_not_waited_for(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    with pytest.raises(Exception, match="client_secret"):
        started(upgrade, sync_of(shop), log, upgrade.client(client_secret="wrong"))
    assert upgrade.slept == 0


def test_an_address_that_speaks_no_tls_is_said_at_once(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    secure = {
        name: upgrade.airbyte.workspace_config()[name].replace("http:", "https:")
        for name in ("rest_api_base_url", "configuration_api_base_url")
    }
    with pytest.raises(AirbyteUnavailable, match="speaks plain http"):
        started(upgrade, sync_of(shop), log, upgrade.client(**secure))
    assert upgrade.slept == 0


def test_what_fails_while_airbyte_is_well_is_named_and_given_up(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    """The other API's port may be wrong, or a proxy in the way."""
    upgrade.airbyte.add_fault(Fault.drop(), path=JOBS, times=None)
    with pytest.raises(AirbyteUnavailable, match="no answer"):
        started(upgrade, sync_of(shop), log)
    assert 60 <= upgrade.slept <= 70
    lines = log.lines(logging.WARNING)
    assert all("/public/v1/jobs: no answer" in line for line in lines)
    assert lines[1].startswith("The last problem: GET http")


def test_each_outage_has_its_own_time(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    """Between them Airbyte answered that something else ran."""
    running = upgrade.airbyte.begin(upgrade.airbyte.start_sync(shop))
    upgrade.down()
    upgrade.at(500, upgrade.up)

    def goes_again(request: RecordedRequest) -> None:
        if request.path == JOBS and running.is_finished and upgrade.slept < 800:
            upgrade.airbyte.add_fault(Fault.status(503), times=None)

    upgrade.airbyte.on_request(goes_again)
    upgrade.at(700, lambda: upgrade.airbyte.succeed(running))
    upgrade.at(1300, upgrade.up)
    assert started(upgrade, sync_of(shop), log, on_active_sync="wait") == 2


def test_a_look_costs_one_request_in_half_a_minute(
    upgrade: Upgrade, shop: SimulatedConnection
) -> None:
    client = upgrade.client()
    for _ in range(20):
        assert client.steadiness().is_steady
    paths = [each.path for each in upgrade.airbyte.requests]
    assert paths.count("/api/v1/instance_configuration") == 1


def test_airbyte_cloud_is_not_asked_but_given_ten_seconds_after_a_failed_start() -> None:
    with AirbyteSimulator() as airbyte:
        upgrade = Upgrade(airbyte)
        cloud = AirbyteClient(
            upgrade.client(
                rest_api_base_url="https://api.airbyte.com/v1",
                configuration_api_base_url="https://cloud.airbyte.com/api/v1",
            ).settings,
            clock=upgrade.clock,
        )
        assert cloud.steadiness().is_steady
        cloud.note_absence("POST answered 503")
        assert not cloud.steadiness().is_steady
        upgrade.sleep(10)
        assert cloud.steadiness().is_steady
        assert airbyte.requests == []


def test_what_an_earlier_process_has_seen_counts(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    """Most runs are a process of their own, and would know of no other version."""
    client = upgrade.client()
    client.expect_version("2.0.1")
    assert started(upgrade, sync_of(shop), log, client) == 1
    assert "Airbyte was version 2.0.1 and is 2.1.0 now." in log.lines(logging.WARNING)[0]
    assert upgrade.slept == 10


def test_also_if_this_one_has_looked_already(
    upgrade: Upgrade, shop: SimulatedConnection, log: Log
) -> None:
    """As definitions load they ask where Airbyte's UI is."""
    client = upgrade.client()
    assert client.ui_url()
    client.expect_version("2.0.1")
    assert started(upgrade, sync_of(shop), log, client) == 1
    assert upgrade.slept == 10


def test_but_each_version_once(upgrade: Upgrade, shop: SimulatedConnection, log: Log) -> None:
    """The next connection was last started before the upgrade, too."""
    client = upgrade.client()
    client.expect_version("2.0.1")
    started(upgrade, sync_of(shop), log, client)
    other, upgrade.slept = upgrade.airbyte.add_connection("other"), 0
    client.expect_version("2.0.1")
    assert started(upgrade, sync_of(other), log, client) == 2
    assert upgrade.slept == 0
