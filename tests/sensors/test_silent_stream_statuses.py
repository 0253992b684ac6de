"""Airbyte does not say of any failed job how far its streams came: failures are reported all the
same, five minutes late at first, and then at once."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace, build_airbyte_definitions
from dagster_airbyte_sync.assets.checks.check_settings import SYNC_CHECK
from dagster_airbyte_sync.assets.tables.keys import JOB_ID, int_in
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RecordedRequest,
    SimulatedConnection,
)
from helpers.deployment import ClientsTime, Deployment, Tick, forget_clients

OUTCOMES = "/stream_statuses/list"
DOWN = Fault.status(500)


@pytest.fixture
def time() -> Iterator[ClientsTime]:
    with ClientsTime().of_all_clients() as time:
        yield time


class Failing:
    """A workspace whose syncs fail when the table `a` of each is complete."""

    def __init__(
        self, airbyte: AirbyteSimulator, instance: dg.DagsterInstance, time: ClientsTime
    ) -> None:
        self.airbyte, self.time = airbyte, time
        names = ("shop", "crm", "web")
        self.shop, self.crm, self.web = (
            airbyte.add_connection(name, streams=[f"{name}_a", f"{name}_b"]) for name in names
        )
        workspace = AirbyteWorkspace(
            **airbyte.workspace_config(), request_max_retries=0, partial_success=True
        )
        self.deployment = Deployment(
            airbyte, workspace, build_airbyte_definitions(workspace), instance
        )
        self.deployment.tick()

    def fail(self, connection: SimulatedConnection) -> int:
        job = self.airbyte.start_sync(connection)
        return self.airbyte.fail(job, rows=5, completed=[f"{connection.name}_a"]).job_id

    def tick(self, after: float = 0, **how: Any) -> Tick:
        self.deployment.wait(timedelta(seconds=after))
        self.time.now += after
        return self.deployment.tick(**how)

    def take_ten_seconds(self) -> None:
        """Airbyte takes so long for each answer."""

        def wait(request: RecordedRequest) -> None:
            if request.path.endswith(OUTCOMES):
                self.time.now += 10

        self.airbyte.on_request(wait)

    @property
    def asked(self) -> int:
        return sum(request.path.endswith(OUTCOMES) for request in self.airbyte.requests)


@pytest.fixture
def failing(airbyte: AirbyteSimulator, memory: dg.DagsterInstance, time: ClientsTime) -> Failing:
    return Failing(airbyte, memory, time)


def failures(tick: Tick) -> list[int | None]:
    """The jobs of which a check says of the table `b` that they failed."""
    return [
        int_in(event.metadata, JOB_ID)
        for event in tick.events
        if isinstance(event, dg.AssetCheckEvaluation)
        and (event.check_name, event.passed) == (SYNC_CHECK, False)
        and event.severity is dg.AssetCheckSeverity.ERROR
        and event.asset_key.to_user_string().endswith("_b")
    ]


def test_a_backlog_waits_five_minutes_as_a_whole_and_new_failures_not_at_all(
    failing: Failing, airbyte: AirbyteSimulator
) -> None:
    airbyte.add_fault(DOWN, path=OUTCOMES, times=None)
    backlog = [failing.fail(failing.shop) for _ in range(10)]
    assert failures(failing.tick()) == failures(failing.tick(270)) == []
    assert failures(failing.tick(60)) == backlog
    asked = failing.asked

    new = failing.fail(failing.crm)
    assert failures(failing.tick(30)) == [new]
    assert failing.asked == asked


def test_where_it_is_refused_a_failure_waits_two_minutes_and_the_next_not_at_all(
    failing: Failing, airbyte: AirbyteSimulator
) -> None:
    airbyte.add_fault(Fault.status(403), path=OUTCOMES, times=None)
    first = failing.fail(failing.shop)
    assert failures(failing.tick()) == failures(failing.tick(100)) == []
    assert failures(failing.tick(30)) == [first]
    second = failing.fail(failing.crm)
    assert failures(failing.tick(30)) == [second]
    assert failing.asked == 3


def test_it_is_asked_again_after_ten_minutes_and_a_good_answer_ends_it(
    failing: Failing, airbyte: AirbyteSimulator
) -> None:
    airbyte.add_fault(DOWN, path=OUTCOMES, times=None)
    for connection in (failing.shop, failing.crm):
        failing.fail(connection)
    failing.tick()
    failing.tick(301)
    airbyte.clear_faults()

    early = failing.fail(failing.web)
    assert (failures(failing.tick(60)), failing.deployment.reported("web_a")) == ([early], [])
    later = failing.fail(failing.web)
    tick = failing.tick(600)
    assert tick.materialized == [("web_a", later)]
    # One that is not answered waits again.
    airbyte.add_fault(DOWN, path=OUTCOMES)
    last = failing.fail(failing.web)
    assert failing.tick(30).events == []
    assert failing.tick(30).materialized == [("web_a", last)]


def test_a_process_that_knows_nothing_of_it_waits_once_more(
    failing: Failing, airbyte: AirbyteSimulator
) -> None:
    airbyte.add_fault(DOWN, path=OUTCOMES, times=None)
    failing.fail(failing.shop)
    failing.fail(failing.shop)
    failing.tick()
    failing.tick(301)
    forget_clients()

    new = [failing.fail(failing.shop), failing.fail(failing.shop)]
    assert failing.tick(30).events == []
    assert failures(failing.tick(301)) == new


def test_a_job_that_airbyte_cannot_speak_of_waits_alone(
    failing: Failing, airbyte: AirbyteSimulator
) -> None:
    stuck = failing.fail(failing.shop)
    airbyte.add_fault(DOWN, path=OUTCOMES, times=1)
    assert failing.tick().events == []
    for _ in range(9):
        # What was asked for in vain is asked for after the others.
        airbyte.add_fault(DOWN, path=OUTCOMES, times=1, after=1)
        new = failing.fail(failing.crm)
        assert failing.tick(30).materialized == [("crm_a", new)]
    airbyte.add_fault(DOWN, path=OUTCOMES, times=None)
    assert failures(failing.tick(60)) == [stuck]


def test_a_job_of_which_airbyte_is_slow_does_not_keep_it_from_being_asked_of_others(
    failing: Failing, airbyte: AirbyteSimulator
) -> None:
    """For a minute after an answer that took long for nothing none is asked for."""
    failing.take_ten_seconds()
    airbyte.add_fault(Fault.gateway_timeout(), path=OUTCOMES)
    failing.fail(failing.shop)
    new = failing.fail(failing.crm)
    assert failing.tick().events == []
    airbyte.add_fault(Fault.gateway_timeout(), path=OUTCOMES, after=1)
    assert failing.tick(61).materialized == [("crm_a", new)]


def test_where_all_answers_are_too_slow_a_backlog_waits_as_a_whole(
    failing: Failing, airbyte: AirbyteSimulator
) -> None:
    failing.take_ten_seconds()
    airbyte.add_fault(Fault.gateway_timeout(), path=OUTCOMES, times=None)
    backlog = [failing.fail(failing.shop) for _ in range(10)]
    reported = [job for _ in range(15) for job in failures(failing.tick(30))]
    assert reported == backlog
    # Once a minute, of another job each time.
    assert failing.asked < 10


def test_what_was_answered_before_is_not_reported_as_failed(
    failing: Failing, airbyte: AirbyteSimulator
) -> None:
    """A tick died after the first of two complete tables, and by then Airbyte refuses."""
    job = airbyte.start_sync(failing.shop)
    airbyte.fail(job, rows=5, completed=["shop_a", "shop_b"])
    first = failing.tick(crash_after=0).events
    kinds = [type(event) for event in first]
    failing.tick(crash_after=kinds.index(dg.AssetMaterialization) + 1)
    airbyte.add_fault(Fault.status(403), path=OUTCOMES, times=None)
    other = failing.fail(failing.crm)
    for _ in range(7):
        failing.tick(30, crash_after=0)

    tick = failing.tick(30)
    assert failures(tick) == [other]
    assert len(tick.materialized) == 1
    for table in ("shop_a", "shop_b"):
        assert failing.deployment.reported(table) == [job.job_id]
