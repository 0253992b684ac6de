"""Whether an earlier try has sent a refresh or clear is asked until Airbyte is there to say so."""

from datetime import datetime, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.asked.sent_before import answered, sent_before
from dagster_airbyte_sync.assets.asked.until_steady import UntilSteady
from dagster_airbyte_sync.assets.event_log.claims import ClaimedBefore
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, StoredClaim, SyncClaim
from dagster_airbyte_sync.resources import AirbyteClient, AirbyteForbidden, Job, NotSteady
from dagster_airbyte_sync.testing import Fault, SimulatedConnection
from helpers.airbyte_time import Log
from helpers.refreshes import JOBS, clear_of
from helpers.upgrades import Upgrade


@pytest.fixture(autouse=True)
def _time_of_dagster(upgrade: Upgrade) -> None:
    """Claims are stored by Dagster's clock."""
    upgrade.airbyte.clock.set(datetime.now(timezone.utc))


def claimed(
    upgrade: Upgrade, shop: SimulatedConnection, started: Job | None = None
) -> ClaimedBefore:
    """By a try that died: a job, or only that it starts one."""
    if started:
        claim = SyncClaim.of_job(started, started=True)
    else:
        claim = SyncClaim(ClaimStatus.STARTING, shop.connection_id)
    stored = StoredClaim(claim, dg.AssetKey("orders"), "earlier", None, 1, upgrade.clock())
    return ClaimedBefore(jobs=(stored,)) if started else ClaimedBefore(open=(stored,))


def found(
    upgrade: Upgrade,
    client: AirbyteClient,
    shop: SimulatedConnection,
    before: ClaimedBefore,
    instance: dg.DagsterInstance,
    limit: float = 900,
) -> int | None:
    """The number of the job that the next try finds."""
    run, times = dg.DagsterRun(job_name="job"), (upgrade.clock, upgrade.sleep)
    ready = UntilSteady(client, limit, Log().logger, *times)

    def look() -> tuple[Job, bool] | None:
        return sent_before(
            instance, run, client, clear_of(shop), before, clock=times[0], sleep=times[1]
        )

    job = answered(ready, look)
    return job[0].id if job else None


def test_after_an_outage_a_job_may_still_come_of_what_was_sent_before_it(
    upgrade: Upgrade, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    """Airbyte works off what it was sent as it went away."""
    client, before = upgrade.client(), claimed(upgrade, shop)
    upgrade.down()
    upgrade.at(600, upgrade.up)
    upgrade.at(660, lambda: upgrade.airbyte.start_clear(shop))
    assert found(upgrade, client, shop, before, instance) == 1


def test_what_does_not_come_in_two_minutes_was_not_sent(
    upgrade: Upgrade, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    client, before = upgrade.client(), claimed(upgrade, shop)
    upgrade.down()
    upgrade.at(600, upgrade.up)
    assert found(upgrade, client, shop, before, instance) is None
    assert 600 + 120 <= upgrade.slept <= 600 + 180


def test_an_outage_during_the_look_is_waited_for(
    upgrade: Upgrade, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    client, before = upgrade.client(), claimed(upgrade, shop)
    upgrade.at(20, upgrade.down)
    upgrade.at(300, upgrade.up)
    upgrade.at(400, lambda: upgrade.airbyte.start_clear(shop))
    assert found(upgrade, client, shop, before, instance) == 1


def test_it_is_waited_for_as_long_as_a_start_is(
    upgrade: Upgrade, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    client, before = upgrade.client(), claimed(upgrade, shop)
    upgrade.at(20, upgrade.down)
    with pytest.raises(NotSteady):
        found(upgrade, client, shop, before, instance, limit=60)
    assert upgrade.slept == 20 + 60


@pytest.mark.parametrize("code", [403, 404])
def test_a_gateway_that_restarts_does_not_say_that_the_job_is_gone(
    upgrade: Upgrade, shop: SimulatedConnection, instance: dg.DagsterInstance, code: int
) -> None:
    client = upgrade.client()
    job = client.start(clear_of(shop), "configuration")
    before = claimed(upgrade, shop, job)
    assert client.steadiness().is_steady
    upgrade.down(Fault.status(code))
    upgrade.at(60, upgrade.up)
    assert found(upgrade, client, shop, before, instance) == 1


def test_what_airbyte_itself_refuses_is_not_asked_again(
    upgrade: Upgrade, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    client, before = upgrade.client(), claimed(upgrade, shop)
    upgrade.airbyte.add_fault(Fault.status(403), path=JOBS, method="GET")
    with pytest.raises(AirbyteForbidden):
        found(upgrade, client, shop, before, instance)
    assert upgrade.slept == 0
