"""Of two start runs that were asked for the same, which one leaves it to the other. Pure."""

from dataclasses import replace

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.queue.queue_name import QueueName
from dagster_airbyte_sync.assets.queue.standing import QueueStart, StartState, queue_of
from dagster_airbyte_sync.assets.queue.wait import Wait
from dagster_airbyte_sync.sensors.queue.choose import run_key_of

WAITS = {"a": ("nightly run",)}
FIRST = QueueStart("first", 1, StartState.COMING, WAITS)
SECOND = replace(FIRST, run_id="second", order=2)
LOST = replace(FIRST, state=StartState.LOST)


@pytest.mark.parametrize(
    ("mine", "other", "leaves"),
    [
        (SECOND, FIRST, True),
        (FIRST, SECOND, False),
        (SECOND, LOST, False),
        (SECOND, replace(LOST, said={"a": 5.0}), True),
        # It may have started it: that is to be looked up.
        (SECOND, replace(LOST, starting={"a": 5.0}), False),
        (SECOND, replace(FIRST, state=StartState.DONE), True),
        (SECOND, replace(FIRST, state=StartState.DONE, left={"a"}), False),
        # It was given up as silent, and asked for again before it woke up.
        (FIRST, replace(SECOND, said={"a": 5.0}), True),
        (FIRST, replace(SECOND, starting={"a": 5.0}), True),
        (FIRST, replace(SECOND, state=StartState.LOST, starting={"a": 5.0}), False),
        (FIRST, replace(SECOND, state=StartState.DONE, left={"a"}), False),
    ],
)
def test_one_of_two_starts_it(mine: QueueStart, other: QueueStart, leaves: bool) -> None:
    assert mine.leaves_to(other, "a") is leaves


def test_what_other_runs_wrote_down_is_not_the_same() -> None:
    other = replace(SECOND, waits={"a": ("hourly run",), "b": ("nightly run",)})
    assert FIRST.same_as(other) == set()
    assert FIRST.same_as(SECOND) == {"a"}


def test_what_is_asked_for_again_has_a_new_key_though_somebody_deletes_runs() -> None:
    """Dagster makes no second run of a key: what waits would wait for ever."""
    wait = Wait("a", "a", QueueName("w"), dg.AssetKey("a"), 2, 600.0, "nightly run", "j")
    lost = [replace(LOST, run_id=f"lost {order}", order=order) for order in range(3)]
    given = [key_after(wait, lost[:number]) for number in range(4)]

    assert len(set(given)) == 4
    assert key_after(wait, lost[1:]) == given[3]
    assert key_after(wait, lost[2:]) == given[3]


def key_after(wait: Wait, starts: list[QueueStart]) -> str:
    return run_key_of({"a": [wait]}, queue_of([wait], starts, 1.0))
