"""A run that is terminated while it waits for the answer to a start leaves no sync behind."""

import signal
import threading
from collections.abc import Callable

import pytest
from werkzeug.wrappers import Response

from dagster_airbyte_sync.assets.sync.busy_connection import start_or_attach
from dagster_airbyte_sync.resources import JobRequest
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection
from helpers.airbyte_time import Log, client_of, poll_options

JOBS = "/api/public/v1/jobs"


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop")


def interrupt() -> None:
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


def interrupt_while_answering(airbyte: AirbyteSimulator, *, carry_out: bool = True) -> None:
    def answer(carry: Callable[[], Response]) -> Response | None:
        response = carry() if carry_out else None
        interrupt()
        return response

    airbyte.add_fault(Fault("interrupted", answer), path=JOBS, method="POST")


def start(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, **changes: object
) -> None:
    with pytest.raises(KeyboardInterrupt):
        start_or_attach(
            client_of(airbyte),
            JobRequest(shop.connection_id),
            poll_options(airbyte, **changes),
            log.logger,
            is_own=lambda job: False,
            link=lambda job: "",
        )


def statuses(airbyte: AirbyteSimulator) -> list[str]:
    return [job.status for job in airbyte.jobs]


def test_a_sync_that_airbyte_has_started_is_cancelled(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    airbyte.run_sync(shop)
    interrupt_while_answering(airbyte)
    start(airbyte, shop, log)
    assert statuses(airbyte) == ["succeeded", "cancelled"]


def test_without_cancel_on_termination_it_goes_on(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    interrupt_while_answering(airbyte)
    start(airbyte, shop, log, cancel_on_termination=False)
    assert statuses(airbyte) == ["running"]


def test_a_sync_that_airbyte_starts_seconds_after_is_cancelled(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    def start_it(seconds: float) -> None:
        if not airbyte.jobs:
            airbyte.start_sync(shop)

    interrupt_while_answering(airbyte, carry_out=False)
    start(airbyte, shop, log, sleep=start_it)
    assert statuses(airbyte) == ["cancelled"]


def test_a_sync_that_airbytes_own_schedule_starts_seconds_after_is_left_alone(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    def start_it(seconds: float) -> None:
        if not airbyte.jobs:
            airbyte.start_sync(shop, scheduled=True)

    interrupt_while_answering(airbyte, carry_out=False)
    start(airbyte, shop, log, sleep=start_it)
    assert statuses(airbyte) == ["pending"]


def test_a_start_whose_job_does_not_appear_in_seconds_is_let_be(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    begun = airbyte.now
    interrupt_while_answering(airbyte, carry_out=False)
    start(airbyte, shop, log)
    assert 5 <= (airbyte.now - begun).total_seconds() <= 20


def test_a_sync_is_cancelled_too_if_its_answer_was_lost_before(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log
) -> None:
    """The run looks for it, and waits in between."""

    def start_it_and_interrupt(seconds: float) -> None:
        airbyte.start_sync(shop)
        raise KeyboardInterrupt

    airbyte.add_fault(Fault.drop(), path=JOBS, method="POST")
    start(airbyte, shop, log, sleep=start_it_and_interrupt)
    assert statuses(airbyte) == ["cancelled"]


@pytest.mark.parametrize("choice", ["attach", "wait"])
def test_a_sync_that_somebody_else_started_is_left_alone(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, log: Log, choice: str
) -> None:
    airbyte.begin(airbyte.start_sync(shop))
    interrupt_while_answering(airbyte)
    start(airbyte, shop, log, on_active_sync=choice)
    assert statuses(airbyte) == ["running"]
