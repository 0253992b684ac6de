"""A tick reports as much as Dagster is seen to store in its share of the interval."""

from collections.abc import Callable
from itertools import count

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.tables.keys import JOB_ID
from dagster_airbyte_sync.sensors.cursor.pace import Mark, Pace, Sent, StoringTime, pace_of

A, B, C = (dg.AssetKey(name) for name in "abc")
SENT = Sent(200, Mark(A, 1, 7), Mark(B, 1, 8))
TIME = StoringTime.of(30, 0.5, 250)


def made(*keys: dg.AssetKey) -> list[object]:
    return [dg.AssetMaterialization(key, metadata={JOB_ID: 7}) for key in keys]


def many(number: int) -> list[object]:
    return [dg.AssetObservation(C) for _ in range(number)]


def test_what_was_sent_is_measured_from_the_first_materialization_to_the_last() -> None:
    sent = Sent.of([*many(3), *made(A), *many(199), *made(B), *many(5)])

    assert sent == Sent(200, Mark(A, 1, 7), Mark(B, 1, 7))


def test_of_a_table_that_is_reported_several_times_the_first_of_the_last_25_counts() -> None:
    sent = Sent.of([*made(A, B), *many(150), *made(A)])

    assert sent == Sent(152, Mark(A, 2, 7), Mark(A, 1, 7))
    assert Sent.of(made(*[A] * 100)) == Sent(24, Mark(A, 25, 7), Mark(A, 1, 7))


@pytest.mark.parametrize(
    "events", [[], many(500), made(A), made(A, A), [*made(A), *many(18), *made(B)]]
)
def test_few_events_say_nothing(events: list[object]) -> None:
    assert Sent.of(events) is None


def test_the_pace_is_what_was_stored_a_second_by_the_event_log_s_own_times() -> None:
    assert Pace(sent=SENT).measured(1000.0, 1004.0, usual=16.0) == Pace(50.0)


@pytest.mark.parametrize(
    ("began", "ended"), [(None, None), (1.0, None), (None, 5.0), (5.0, 5.0), (9.0, 5.0)]
)
def test_what_cannot_be_measured_leaves_it_as_it_was(
    began: float | None, ended: float | None
) -> None:
    assert Pace(40.0, SENT).measured(began, ended, usual=16.0) == Pace(40.0)


@pytest.mark.parametrize(("before", "usual"), [(40.0, 1.0), (None, 40.0)])
def test_one_odd_tick_changes_it_by_a_factor_of_four_at_most(
    before: float | None, usual: float
) -> None:
    assert Pace(before, SENT).measured(0.0, 0.01, usual) == Pace(160.0)
    assert Pace(before, SENT).measured(0.0, 9000.0, usual) == Pace(10.0)


@pytest.mark.parametrize(
    ("per_second", "interval", "share", "most"),
    [
        (None, 30, 0.5, 250),
        (50.0, 30, 0.5, 750),
        (50.0, 30, 0.1, 150),
        # Dagster looks for due sensors every five seconds.
        (50.0, 1, 0.5, 125),
        (0.1, 30, 0.5, 50),
        (2000.0, 30, 0.5, 5000),
    ],
)
def test_a_tick_takes_what_is_stored_in_its_share_of_the_interval(
    per_second: float | None, interval: float, share: float, most: int
) -> None:
    assert StoringTime.of(interval, share, 250).most_events(Pace(per_second)) == most


def reported(tables: int, time: StoringTime, stored_a_second: Callable[[int], float]) -> list[int]:
    """How many events each of 15 ticks reports of a backlog without end, whose syncs are of one
    table each, in turn."""
    pace, numbers, taken = Pace(), count(), list[int]()
    for tick in range(15):
        places = [next(numbers) for _ in range(time.most_events(pace))]
        keys = [dg.AssetKey(f"t{place % tables}") for place in places]
        sent, second = Sent.of(made(*keys)), 1 / stored_a_second(tick)
        taken.append(len(places))
        ended = len(places) * second
        began = 0.0 if sent is None else ended - sent.events * second
        pace = pace_of(Pace(pace.per_second, sent).as_row()).measured(began, ended, time.usual)
    return taken


@pytest.mark.parametrize("tables", [1, 10, 20, 125, 5_000])
@pytest.mark.parametrize(("quick", "most"), [(400.0, 5_000), (30.0, 450), (2.0, 50)])
def test_a_backlog_comes_to_the_pace_of_its_storage(tables: int, quick: float, most: int) -> None:
    assert reported(tables, TIME, lambda _: quick)[5:] == [most] * 10


@pytest.mark.parametrize("tables", [1, 20, 125, 5_000])
def test_a_storage_that_was_slow_once_or_for_long_is_used_again(tables: int) -> None:
    once = reported(tables, TIME, lambda tick: 1.0 if tick == 0 else 400.0)
    for_long = reported(tables, TIME, lambda tick: 1.0 if tick < 8 else 400.0)

    assert once[-1] == for_long[-1] == 5_000


@pytest.mark.parametrize("pace", [Pace(), Pace(12.5), Pace(sent=SENT), Pace(12.5, SENT)], ids=str)
def test_a_cursor_keeps_it(pace: Pace) -> None:
    assert pace_of(pace.as_row()) == pace


@pytest.mark.parametrize(
    "row",
    [
        None,
        "?",
        {},
        [True],
        [-1.0],
        ["50"],
        [None, "many", [["a"], 1, 7], [["b"], 1, 7]],
        [None, 200, [[], 1, 7], [["b"], 1, 7]],
        [None, 200, "a", 7],
        [None, 200, [[1], 1, 7], [["b"], 1, 7]],
        [None, 200, [["a"], 0, 7], [["b"], 1, 7]],
        [None, 200, [["a"], 10**6, 7], [["b"], 1, 7]],
        # As the first sensors wrote it.
        [None, 200, ["a"], ["b"]],
    ],
    ids=str,
)
def test_what_cannot_be_read_is_measured_anew(row: object) -> None:
    assert pace_of(row) == Pace()
