"""An Airbyte that is down fails the tick with one sentence, and is one line in its log."""

from collections.abc import Callable
from uuid import UUID

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteError, AirbyteWorkspace, OnFailure
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import AirbyteClient, TimeBudget
from dagster_airbyte_sync.sensors.tick_basics import TickFailed
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault
from helpers.deployment import Deployment

Deploy = Callable[..., Deployment]


@dg.job
def alert() -> None: ...


Printed = pytest.CaptureFixture[str]


def warned(printed: Printed) -> list[str]:
    """What the log of a tick has, besides what is merely interesting; frames would be lines."""
    lines = printed.readouterr().err.splitlines()
    return [line.partition(" - dagster - ")[2] for line in lines if " - INFO - " not in line]


def failed(deployment: Deployment) -> str:
    """What the failure of a tick says; it is a chain of no other errors."""
    with pytest.raises(TickFailed) as failure:
        deployment.tick()
    assert isinstance(failure.value, AirbyteError)
    assert isinstance(failure.value, dg.DagsterError)
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__
    return str(failure.value)


def test_the_sentence_names_the_last_job_that_was_reported_and_when(
    airbyte: AirbyteSimulator, deploy: Deploy, capsys: Printed
) -> None:
    shop = airbyte.add_connection("shop", ["orders", "users"])
    deployment = deploy()
    airbyte.run_sync(shop)
    job = airbyte.run_sync(shop)
    deployment.tick()
    deployment.instance.report_runless_asset_event(of_another_workspace("users"))
    airbyte.add_fault(Fault.drop(), times=None)
    capsys.readouterr()

    said = failed(deployment)

    assert said.startswith("Airbyte does not answer; the next tick continues from here: POST ")
    assert f"? The last sync reported was job {job.job_id} of 'shop', at 20" in said
    assert said.endswith(" UTC.")
    assert warned(capsys) == [f"ERROR - {said}"]
    # Without a cursor the sensor does not know its workspace before it has asked.
    deployment.cursor = None
    assert "The last sync reported in this code location was job 9 of 'crm'" in failed(deployment)


def of_another_workspace(table: str) -> dg.AssetMaterialization:
    link = f"https://airbyte.example.com/workspaces/{UUID(int=9)}/connections/c/timeline?jobId=9"
    named: dict[str, keys.Entry] = {
        keys.JOB_ID: 9,
        keys.CONNECTION_NAME: "crm",
        keys.JOB_URL: dg.MetadataValue.url(link),
    }
    return dg.AssetMaterialization(table, metadata=named)


def test_where_nothing_was_reported_before_it_says_that(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    """As on the first tick, which has no cursor either; what was made by hand is no report."""
    airbyte.add_connection("shop", ["orders"])
    deployment = deploy()
    deployment.instance.report_runless_asset_event(dg.AssetMaterialization("orders"))
    airbyte.add_fault(Fault.status(503), times=None)
    assert failed(deployment).endswith("503: Simulated 503. No sync has been reported here yet.")


def test_a_setting_that_is_wrong_now_is_a_sentence_of_its_own(
    airbyte: AirbyteSimulator, deploy: Deploy
) -> None:
    airbyte.add_connection("shop")
    deployment = deploy()
    deployment.workspace = AirbyteWorkspace(
        **{**airbyte.workspace_config(), "client_secret": "another one"}  # type: ignore[arg-type]
    )
    said = failed(deployment)
    assert "does not accept client_id and client_secret (Invalid client id or token). No" in said
    assert "no answer" not in said


def test_the_sensor_for_failures_says_how_far_it_has_read(
    airbyte: AirbyteSimulator, deploy: Deploy, capsys: Printed
) -> None:
    airbyte.add_connection("shop")
    deployment = deploy(on_failure=OnFailure(alert))
    deployment.sensor = "airbyte_failure_sensor"
    airbyte.add_fault(Fault.drop(), times=None)
    assert failed(deployment).endswith("? Airbyte's history was not read before.")
    airbyte.clear_faults()
    deployment.tick()
    airbyte.add_fault(Fault.drop(), times=None)
    capsys.readouterr()

    said = failed(deployment)

    assert "? Airbyte's history is read up to 20" in said
    assert warned(capsys) == [f"ERROR - {said}"]


def test_an_outage_in_the_middle_of_a_tick_is_two_lines_whatever_had_synced(
    airbyte: AirbyteSimulator,
    deploy: Deploy,
    capsys: Printed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is down from when the list of connections is read; nobody else is asked in vain."""
    connections = [airbyte.add_connection(f"shop {n}", [f"orders_{n}"]) for n in range(4)]
    deployment = deploy()
    deployment.tick()
    for connection in connections:
        airbyte.run_sync(connection)
    read = AirbyteClient.catalog

    def down(client: AirbyteClient, budget: TimeBudget, *, fresh: bool = False) -> object:
        airbyte.stop()
        return read(client, budget, fresh=True)

    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(AirbyteClient, "catalog", down)
        tick = deployment.tick()

    assert (tick.summary or "").startswith("4 syncs waiting; 4 connections cannot be read now")
    of_list, of_connections = warned(capsys)
    assert "requesting the connections that synced one by one" in of_list
    assert "cannot be reported now, nor those of the others" in of_connections
