"""A time budget: no request is begun that could not end in time."""

from collections.abc import Callable
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from dagster_airbyte_sync.resources import (
    NO_LIMIT,
    AirbyteClient,
    AirbyteSettings,
    AirbyteUnavailable,
    OutOfTime,
    TimeBudget,
)
from dagster_airbyte_sync.resources.http.transport import Call, Http
from dagster_airbyte_sync.testing import AirbyteSimulator

MakeSettings = Callable[..., AirbyteSettings]

URL = "http://airbyte.test/api/public/v1/jobs"


class Watch:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_without_a_limit_there_is_always_time() -> None:
    assert (NO_LIMIT.left, NO_LIMIT.is_spent, NO_LIMIT.cut(15)) == (None, False, 15)
    assert NO_LIMIT.allows(1e9)


def test_it_counts_down(watch: Watch) -> None:
    budget = TimeBudget(10, clock=watch)
    watch.seconds += 4
    assert budget.left == 6
    assert not budget.is_spent


@given(
    seconds=st.floats(-1e6, 1e6),
    passing=st.floats(0, 1e6),
)
def test_it_is_never_negative(seconds: float, passing: float) -> None:
    watch = Watch()
    budget = TimeBudget(seconds, clock=watch)
    watch.seconds += passing
    assert budget.left is not None
    assert budget.left >= 0


def test_a_timeout_is_cut_to_what_is_left(watch: Watch) -> None:
    budget = TimeBudget(10, clock=watch)
    assert budget.cut(15) == 10
    assert budget.cut(3) == 3


@pytest.mark.parametrize("left", [0.49, 0, -1])
def test_with_next_to_nothing_left_nothing_is_begun(watch: Watch, left: float) -> None:
    budget = TimeBudget(10, clock=watch)
    watch.seconds += 10 - left
    assert budget.is_spent
    with pytest.raises(OutOfTime, match="the next try continues from here"):
        budget.cut(15)


def test_a_wait_is_allowed_if_a_request_can_follow_it(watch: Watch) -> None:
    budget = TimeBudget(10, clock=watch)
    assert budget.allows(9.5)
    assert not budget.allows(9.6)


def test_a_request_waits_no_longer_than_the_budget(
    settings: MakeSettings, mocked: responses.RequestsMock, watch: Watch
) -> None:
    mocked.get(URL, json={})
    Http(settings(request_timeout=15)).send(Call("GET", URL), TimeBudget(2, clock=watch))
    request: Any = mocked.calls[0].request
    assert request.req_kwargs["timeout"] == (2, 2)


def test_a_spent_budget_sends_nothing(
    settings: MakeSettings, mocked: responses.RequestsMock
) -> None:
    made = settings(client_id="me", client_secret="hunter2")
    with pytest.raises(OutOfTime):
        Http(made).send(Call("GET", URL), TimeBudget(0))
    assert len(mocked.calls) == 0


def test_a_repeat_that_would_come_too_late_is_left_out(
    http: Http, mocked: responses.RequestsMock, waits: list[float], watch: Watch
) -> None:
    mocked.get(URL, status=503)
    with pytest.raises(AirbyteUnavailable, match="503"):
        http.send(Call("GET", URL), TimeBudget(0.9, clock=watch))
    assert (len(mocked.calls), waits) == (1, [])


def test_repeats_end_with_the_budget(
    settings: MakeSettings, mocked: responses.RequestsMock, watch: Watch
) -> None:
    def pass_time(seconds: float) -> None:
        watch.seconds += seconds

    mocked.get(URL, status=429, headers={"Retry-After": "4"})
    http = Http(settings(request_max_retries=100), sleep=pass_time)
    with pytest.raises(AirbyteUnavailable):
        http.send(Call("GET", URL), TimeBudget(10, clock=watch))
    assert len(mocked.calls) == 3


def test_a_listing_stops_between_two_pages(
    airbyte: AirbyteSimulator, connect: Callable[..., AirbyteClient], watch: Watch
) -> None:
    shop = airbyte.add_connection("shop")
    start = airbyte.now
    for _ in range(6):
        airbyte.advance(1)
        airbyte.run_sync(shop)
    found = connect(airbyte, max_items_per_page=3).finished_jobs(start, TimeBudget(9, clock=watch))
    assert [next(found).id for _ in range(2)] == [1, 2]
    watch.seconds += 9
    with pytest.raises(OutOfTime):
        next(found)
