"""By hand, a check asks Airbyte about its own connection, however many others there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteChecks, AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.assets.look import look
from dagster_airbyte_sync.assets.sync import evaluate
from dagster_airbyte_sync.assets.tables.keys import VERDICT, text_in
from dagster_airbyte_sync.resources import AirbyteNotFound, AirbyteSettingsError, OutOfTime
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
)
from helpers.simulated import clock_from_now

OF_CONNECTIONS = ("airbyte_schema", "airbyte_connection")
DELETED = {"schema": "deleted", "connection": "deleted"}

apis = pytest.mark.parametrize(
    "configuration_api", [True, False], ids=["both APIs", "public API only"]
)


class ByHand:
    """Evaluates checks of `orders`, of the connection "shop", in runs of nothing else."""

    def __init__(self, airbyte: AirbyteSimulator) -> None:
        # Nothing is remembered, as in the process of a run that loads from a snapshot.
        workspace = AirbyteWorkspace(
            **airbyte.workspace_config(),
            catalog_ttl=0,
            max_items_per_page=5,
            request_max_retries=0,
            request_retry_delay=0.01,
        )
        self.airbyte = airbyte
        self.defs = build_airbyte_definitions(
            workspace, checks=AirbyteChecks(schema=True, connection=True)
        )
        # From now on it is known which API answers which question.
        self.verdicts()

    def verdicts(self, *names: str) -> dict[str, str | None]:
        """What these checks say; by default those of how the connection stands."""
        asked = [dg.AssetCheckKey(dg.AssetKey("orders"), name) for name in names or OF_CONNECTIONS]
        job = dg.define_asset_job("by_hand", dg.AssetSelection.checks(*asked))
        defs = dg.Definitions.merge(self.defs, dg.Definitions(jobs=[job]))
        self.airbyte.forget_requests()
        run = defs.resolve_job_def("by_hand").execute_in_process()
        return {
            each.check_name.removeprefix("airbyte_"): text_in(each.metadata, VERDICT)
            for each in run.get_asset_check_evaluations()
        }


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=clock_from_now()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=["orders"])


@pytest.fixture
def by_hand(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> ByHand:
    return ByHand(airbyte)


@contextmanager
def shop_beside(others: int, *, configuration_api: bool) -> Iterator[AirbyteSimulator]:
    """An Airbyte that has synced "shop" by its schedule, and in which all others sync now."""
    with AirbyteSimulator(configuration_api=configuration_api) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"], schedule={"cron": "0 0 * * * ?"})
        airbyte.say_who_started(airbyte.run_sync(shop))
        airbyte.advance(timedelta(minutes=30))
        for number in range(others):
            other = airbyte.add_connection(f"other {number}", streams=[f"table_{number}"])
            airbyte.begin(airbyte.start_sync(other))
        yield airbyte


def lists_all(request: RecordedRequest) -> bool:
    """Whether a request is for what the workspace has, of whatever connection."""
    is_of_one = "connectionId" in request.query or "configId" in (request.body or {})
    is_listing = request.path.endswith(("/connections", "/jobs", "/list", "/list_for_workspaces"))
    return is_listing and not is_of_one and not request.path.endswith("/events/list")


@apis
def test_its_requests_are_few_and_as_many_in_a_workspace_of_any_size(
    *, configuration_api: bool
) -> None:
    sent: list[int] = []
    for others in (0, 12):
        with shop_beside(others, configuration_api=configuration_api) as airbyte:
            by_hand = ByHand(airbyte)
            assert by_hand.verdicts() == {"schema": "unchanged", "connection": "active"}
            sent.append(len(airbyte.requests))
            assert not [request for request in airbyte.requests if lists_all(request)]
            by_hand.verdicts("airbyte_sync", "airbyte_rows")
            assert not [request for request in airbyte.requests if lists_all(request)]

    # Without the Configuration API, Airbyte is asked for one status and type of jobs at a time.
    assert sent == ([3, 3] if configuration_api else [11, 11])


@apis
def test_a_sync_of_another_connection_says_nothing_of_it(*, configuration_api: bool) -> None:
    with AirbyteSimulator(configuration_api=configuration_api, clock=clock_from_now()) as airbyte:
        # On a page, the oldest come first.
        names = [f"table_{number}" for number in range(6)]
        others = [airbyte.add_connection(name, streams=[name]) for name in names]
        shop = airbyte.add_connection("shop", streams=["orders"])
        by_hand = ByHand(airbyte)
        for other in others:
            airbyte.begin(airbyte.start_sync(other))
        airbyte.clock.advance(timedelta(hours=25))
        assert by_hand.verdicts("airbyte_connection") == {"connection": "active"}

        airbyte.begin(airbyte.start_sync(shop))
        airbyte.clock.advance(timedelta(hours=25))
        assert by_hand.verdicts("airbyte_connection") == {"connection": "running_long"}


@pytest.mark.parametrize("admin", [True, False], ids=["an administrator", "anybody else"])
@apis
def test_a_connection_that_is_gone_is_said_to_be(*, configuration_api: bool, admin: bool) -> None:
    with AirbyteSimulator(configuration_api=configuration_api, admin=admin) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        by_hand = ByHand(airbyte)
        airbyte.delete_connection(shop)
        assert by_hand.verdicts() == DELETED
        # Without any trace, as after a restore.
        airbyte.forget_connection(shop)
        assert by_hand.verdicts() == DELETED
        assert len(airbyte.requests) <= 5


def test_a_gateway_that_restarts_deletes_no_connection(by_hand: ByHand) -> None:
    """It answers 404, as Airbyte does of what is gone."""
    by_hand.airbyte.add_fault(Fault.status(404), path="/connections/get", times=None)
    with pytest.raises(AirbyteNotFound):
        by_hand.verdicts()


@apis
def test_nor_does_one_before_all_of_airbyte(*, configuration_api: bool) -> None:
    with AirbyteSimulator(configuration_api=configuration_api) as airbyte:
        airbyte.add_connection("shop", streams=["orders"])
        by_hand = ByHand(airbyte)
        airbyte.add_fault(Fault.status(404), path="/v1/", times=None)
        with pytest.raises(AirbyteSettingsError):
            by_hand.verdicts()


@pytest.mark.parametrize(
    ("check", "path"),
    [
        ("airbyte_sync", "/public/v1/jobs"),
        ("airbyte_sync", "/jobs/get_without_logs"),
        ("airbyte_schema", "/connections/get"),
        ("airbyte_connection", "/list_for_workspaces"),
        ("airbyte_connection", "/public/v1/jobs"),
    ],
)
def test_it_waits_for_no_answer_for_long(
    by_hand: ByHand,
    shop: SimulatedConnection,
    check: str,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_hand.airbyte.run_sync(shop)
    for part in (look, evaluate):
        monkeypatch.setattr(part, "PATIENCE", 0.7)
    by_hand.airbyte.add_fault(Fault.slow(1.5), path=path, times=None)
    with pytest.raises(OutOfTime):
        by_hand.verdicts(check)
