"""What the sensor keeps from tick to tick: short, readable, and worth nothing once it is lost."""

from uuid import UUID

import pytest

from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import (
    jobs_in_tags,
    mark_of,
    tags_of_jobs,
)
from dagster_airbyte_sync.sensors.when_all.runs import COUNTED_TAG, newest_counted
from dagster_airbyte_sync.sensors.when_all.state import (
    NOTHING,
    Seen,
    State,
    UnreadableState,
    adopted,
    is_newer,
    read_state,
)

BEGIN = 1_785_578_400


def state_of(count: int) -> State:
    """Members of a workspace in the middle of a round, no two of them alike."""
    marks = [mark_of(str(UUID(int=number**9 + 7))) for number in range(count)]
    return State(
        {
            mark: Seen(
                (900_000 + 37 * place, BEGIN + 613 * place),
                (990_000 + 41 * place, BEGIN + 86_400 + 577 * place),
                (995_000 + 43 * place, BEGIN + 90_000 + 541 * place),
            )
            for place, mark in enumerate(marks)
        },
        since=BEGIN + 86_400,
        is_said=True,
    )


@pytest.mark.parametrize("count", [0, 1, 5, 100])
def test_what_is_written_is_read_again(count: int) -> None:
    state = state_of(count)
    assert read_state(state.to_text()) == state


def test_a_hundred_members_take_less_than_four_kilobytes() -> None:
    assert len(state_of(100).to_text()) < 4_000


def test_no_tag_is_longer_than_postgresql_can_index() -> None:
    counted = state_of(400).counted
    tags = tags_of_jobs(COUNTED_TAG, counted)
    assert len(tags) > 1
    assert max(len(key) + len(value) for key, value in tags.items()) < 2_600
    assert jobs_in_tags(COUNTED_TAG, {**tags, "dagster/sensor_name": "x"}) == counted


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", '{"v":0}', '{"v":1}', '{"v":1,"members":"AAAA"}', "[" * 5000]
)
def test_what_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(UnreadableState):
        read_state(text)


def test_a_damaged_tag_counts_nothing() -> None:
    tags = tags_of_jobs(COUNTED_TAG, state_of(3).counted)
    assert jobs_in_tags(COUNTED_TAG, {key: value[:-9] for key, value in tags.items()}) == {}
    assert jobs_in_tags(COUNTED_TAG, {}) == {}


def test_no_job_comes_before_every_other() -> None:
    assert is_newer((1, -1), NOTHING)
    assert is_newer((1, BEGIN), NOTHING)
    assert not is_newer(NOTHING, NOTHING)


def test_a_job_of_a_restored_airbyte_is_newer_though_its_number_is_lower() -> None:
    assert is_newer((5, BEGIN + 60), (900, BEGIN))
    assert not is_newer((5, BEGIN), (900, BEGIN + 60))


def test_of_runs_that_were_executed_again_the_one_that_counted_most_is_gone_by() -> None:
    """A new execution of an old run has its tags, and is the newest."""
    assert newest_counted([{1: (5, BEGIN)}, {1: (7, BEGIN + 9), 2: (3, BEGIN)}]) == {
        1: (7, BEGIN + 9),
        2: (3, BEGIN),
    }


def test_a_start_that_is_known_is_not_adopted() -> None:
    state = State({1: Seen((5, BEGIN), (7, BEGIN + 9)), 2: Seen((3, BEGIN))})
    assert adopted(state, {1: (5, BEGIN), 2: (3, BEGIN)}) is None
    # After a restore no order is certain: it must not be adopted again and again.
    assert adopted(state, {1: (900, BEGIN - 60)}) is None
    assert adopted(state, {}) is None


def test_an_unknown_start_is_adopted() -> None:
    state = State({1: Seen((5, BEGIN), (7, BEGIN + 9)), 2: Seen((3, BEGIN))}, since=BEGIN)
    assert adopted(state, {1: (7, BEGIN + 9), 9: (1, BEGIN)}) == State(
        {1: Seen((7, BEGIN + 9)), 2: Seen((3, BEGIN))}
    )
