"""A question that Airbyte answers for no job is left alone; one that it answers for some is not."""

from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from dagster_airbyte_sync.resources import AirbyteClient, Job, TimeBudget
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault

Connect = Callable[..., AirbyteClient]

OUTCOMES = "/stream_statuses/list"
DOWN = Fault.status(500)


class Asking:
    """Asks how far the streams of three failed jobs came, by a clock of its own."""

    def __init__(self, airbyte: AirbyteSimulator, connect: Connect) -> None:
        self.airbyte, self.now = airbyte, 1000.0
        shop = airbyte.add_connection("shop", ["orders", "users"])
        for _ in range(3):
            airbyte.fail(airbyte.start_sync(shop), completed=["orders"])
        self.client = AirbyteClient(connect(airbyte).settings, clock=lambda: self.now)
        self.jobs = list(self.client.finished_jobs(datetime(2000, 1, 1, tzinfo=timezone.utc)))

    def ask(self, *jobs: Job, after: float = 0) -> list[bool]:
        """Which of them are answered."""
        self.now += after
        return [self.client.stream_outcomes(job) is not None for job in jobs]

    @property
    def asked(self) -> int:
        return sum(request.path.endswith(OUTCOMES) for request in self.airbyte.requests)


@pytest.fixture
def asking(airbyte: AirbyteSimulator, connect: Connect) -> Asking:
    return Asking(airbyte, connect)


@pytest.mark.parametrize(
    "fault", [Fault.status(500), Fault.half_json(), Fault.drop()], ids=lambda fault: str(fault.name)
)
def test_what_is_not_answered_for_five_minutes_is_taken_for_refused_and_asked_in_ten_minutes(
    asking: Asking, airbyte: AirbyteSimulator, fault: Fault
) -> None:
    first, second, third = asking.jobs
    airbyte.add_fault(fault, path=OUTCOMES, times=None)
    asking.ask(first, second)
    asking.ask(first, second, after=290)
    assert (asking.client.refuses_stream_outcomes, asking.asked) == (False, 4)
    asking.ask(first, second, third, after=11)
    assert (asking.client.refuses_stream_outcomes, asking.asked) == (True, 5)
    airbyte.clear_faults()
    assert asking.ask(third, after=590) == [False]
    assert asking.ask(third, first, after=11) == [True, True]
    airbyte.add_fault(fault, path=OUTCOMES)
    assert asking.ask(second, first) == [False, True]


def test_still_silent_after_ten_minutes_it_is_asked_once_in_each_ten(
    asking: Asking, airbyte: AirbyteSimulator
) -> None:
    airbyte.add_fault(DOWN, path=OUTCOMES, times=None)
    asking.ask(*asking.jobs)
    asking.ask(*asking.jobs, after=301)
    before = asking.asked
    for _ in range(20):
        asking.ask(*asking.jobs, after=60)
        assert asking.client.refuses_stream_outcomes
    assert asking.asked == before + 2


def test_one_job_alone_says_nothing_of_others(asking: Asking, airbyte: AirbyteSimulator) -> None:
    """However long it is not answered: that may be its own fault."""
    first, second, _ = asking.jobs
    airbyte.add_fault(DOWN, path=OUTCOMES, times=20)
    for _ in range(20):
        asking.ask(first, after=30)
    assert not asking.client.refuses_stream_outcomes
    assert asking.ask(second) == [True]


def test_an_answer_in_between_begins_it_anew(asking: Asking, airbyte: AirbyteSimulator) -> None:
    first, second, third = asking.jobs
    for _ in range(10):
        airbyte.add_fault(DOWN, path=OUTCOMES, times=2)
        assert asking.ask(first, second, third, after=60) == [False, False, True]
    assert not asking.client.refuses_stream_outcomes


@pytest.mark.parametrize("fault", [DOWN, Fault.status(403)], ids=["silent", "refused"])
def test_two_outages_days_apart_are_not_one_of_days(
    asking: Asking, airbyte: AirbyteSimulator, fault: Fault
) -> None:
    """In between no job failed, so that nobody asked."""
    first, second, third = asking.jobs
    airbyte.add_fault(fault, path=OUTCOMES, times=None)
    asking.ask(first)
    asking.ask(second, after=21)
    asking.ask(third, after=3 * 24 * 3600)
    assert not asking.client.refuses_stream_outcomes
    asking.ask(second, after=21)
    asking.ask(first, after=301)
    assert asking.client.refuses_stream_outcomes


def test_a_caller_without_time_says_nothing_of_airbyte(asking: Asking) -> None:
    for _ in range(4):
        for job in asking.jobs:
            assert asking.client.stream_outcomes(job, TimeBudget(0)) is None
        asking.now += 200
    assert not asking.client.refuses_stream_outcomes
    assert asking.ask(asking.jobs[0]) == [True]
