"""The judge of two daemons: two ticks at the same time explain a double, and nothing else does."""

import pytest

from helpers.doubles import Span, doubles_in, unexplained
from helpers.kill_verdict import Reported

KEY = ("orders", 1)
FIRST, OVERLAPPING, LATER = Span(0.0, 5.0), Span(4.0, 9.0), Span(9.0, 12.0)


def test_a_report_that_is_there_once_is_no_double() -> None:
    log = [Reported("orders", 1, "", 1.0), Reported("orders", 2, "", 2.0)]
    log += [Reported("users", 1, "", 3.0), Reported("orders", 1, "", 4.0)]

    assert doubles_in(log) == {KEY: [1.0, 4.0]}


def test_ticks_that_overlap_explain_a_double() -> None:
    assert not unexplained({KEY: [1.0, 8.0]}, [FIRST, OVERLAPPING, LATER])


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param([1.0, 10.0], id="in ticks one after the other"),
        pytest.param([1.0, 2.0], id="by one tick"),
        pytest.param([1.0, 20.0], id="outside of any tick, as by a run"),
        pytest.param([1.0, 8.0, 20.0], id="a third one outside"),
    ],
)
def test_nothing_else_does(stored: list[float]) -> None:
    assert unexplained({KEY: stored}, [FIRST, OVERLAPPING, LATER]) == {KEY: stored}
