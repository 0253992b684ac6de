"""The cursor: small, versioned, readable again, and never trusted."""

import json
import random
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_airbyte_sync import Job, JobStatus, JobType
from dagster_airbyte_sync.sensors.cursor.cursor import (
    MOST_APART,
    OVERLAP,
    UNKNOWN,
    Cursor,
    DoneJob,
    Place,
    UnreadableCursor,
    begin_of,
    done_job,
    first_cursor,
    read_cursor,
)

WORKSPACE = "9e476ab0-6791-426f-be63-c58d51a5d36c"
MOMENT = datetime(2026, 8, 1, 12, 0, 1, tzinfo=timezone.utc)

times = st.datetimes(
    min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(timezone.utc)
).map(lambda moment: moment.replace(microsecond=0))
ids = st.integers(min_value=1, max_value=2**62)


done_jobs = st.tuples(ids, st.integers(-1, 2**33))


@given(
    st.builds(
        Cursor,
        workspace_id=st.just(WORKSPACE),
        begin=times,
        since=times,
        floor=times,
        done=st.frozensets(done_jobs, max_size=50),
        held=st.dictionaries(done_jobs, st.integers(0, 2**33), max_size=20),
        held_from=st.none() | times,
        graced=st.frozensets(ids, max_size=5),
        apart=st.dictionaries(st.uuids().map(str), st.builds(Place, ids, times), max_size=5),
        reached=st.none() | times,
        resumed_at=st.none() | times,
        skew=st.none() | st.integers(-(10**6), 10**6),
    )
)
def test_a_bookmark_is_read_back_as_it_was_written(bookmark: Cursor) -> None:
    assert read_cursor(bookmark.to_text(), WORKSPACE) == bookmark


def test_hundreds_of_connections_that_wait_do_not_burst_it() -> None:
    held = {
        (2**40 + 1000 * number, 1_799_000_000 + 41 * number): 1_800_000_000 + 37 * number
        for number in range(500)
    }
    done = frozenset((number, 1_800_000_000) for number in range(10**9, 10**9 + 5000, 2))
    apart = {str(uuid4()): Place(2**40 + number, MOMENT) for number in range(MOST_APART)}
    bookmark = Cursor(WORKSPACE, MOMENT, MOMENT, MOMENT, done, held, MOMENT, apart=apart)

    cursor = bookmark.to_text()

    assert len(cursor) < 8_000
    assert read_cursor(cursor, WORKSPACE).held == held
    assert read_cursor(cursor, WORKSPACE).apart == apart


def test_history_is_read_again_from_where_a_connection_was_set_apart_once_it_is_back() -> None:
    days = [MOMENT - timedelta(days=number) for number in range(4)]
    apart = {"shop": Place(3, days[3]), "crm": Place(2, days[2])}
    bookmark = Cursor(
        WORKSPACE, days[3], MOMENT, MOMENT, held={(1, 6): 7}, held_from=days[1], apart=apart
    )

    back = bookmark.brought_back(["crm"], now=9)

    assert bookmark.read_from == days[1]
    assert (back.held, back.read_from) == ({(1, 6): 7, (2, UNKNOWN): 9}, days[2])
    assert back.apart == {"shop": Place(3, days[3])}
    assert bookmark.brought_back([], now=9) == bookmark


@pytest.mark.parametrize("place", [[], [1], [1, "soon"], ["?", 1_800_000_000], None, "x"])
def test_a_connection_set_apart_without_a_place_is_not_taken_for_done(place: object) -> None:
    edited = json.loads(first_cursor(WORKSPACE, MOMENT).to_text()) | {"apart": {"shop": place}}

    with pytest.raises(UnreadableCursor, match="place"):
        read_cursor(json.dumps(edited), WORKSPACE)


def test_three_thousand_syncs_in_five_minutes_fit_without_forgetting() -> None:
    """With gaps between their numbers: other workspaces use numbers of the same sequence."""
    gaps = random.Random(1)
    number, done = 1_000_000, set[DoneJob]()
    for place in range(3000):
        number += gaps.randint(1, 20)
        done.add((number, 1_800_000_000 + place // 10))

    cursor = Cursor(WORKSPACE, MOMENT, MOMENT, MOMENT, frozenset(done)).to_text()

    assert len(cursor) < 7_500
    assert read_cursor(cursor, WORKSPACE).done == done


def test_more_done_jobs_than_fit_are_forgotten_from_the_oldest_on() -> None:
    """Numbers and moments without any neighbours cannot be packed."""
    chance = random.Random(1)
    times = chance.sample(range(1_800_000_000, 1_900_000_000), 3000)
    done = {(chance.randrange(2**31), at) for at in times}

    cursor = Cursor(WORKSPACE, MOMENT, MOMENT, MOMENT, frozenset(done)).to_text()

    kept = read_cursor(cursor, WORKSPACE).done
    assert len(cursor) < 7_500
    assert 500 < len(kept) < 3000
    assert min(at for _, at in kept) > max(at for _, at in done - kept)


def test_another_job_with_the_number_of_one_that_waits_does_not_wait() -> None:
    waits, other = job(1), job(1, ended_at=MOMENT + timedelta(days=1))
    bookmark = Cursor(WORKSPACE, MOMENT, MOMENT, MOMENT, held={done_job(waits): 7})

    assert bookmark.held_since(waits) == 7
    assert bookmark.held_since(other) is None


@pytest.mark.parametrize("held", [[5, 7], {"12": 7}])
def test_cursors_of_earlier_versions_are_read_without_loss(held: object) -> None:
    """Version 2 wrote steps, version 1 the numbers of all that waited."""
    old = {
        "v": 1 if isinstance(held, dict) else 2,
        "workspace": WORKSPACE,
        "begin": (MOMENT - timedelta(days=1)).isoformat(),
        "since": MOMENT.isoformat(),
        "done": [7, 2, 1],
        "held": [12, 7] if isinstance(held, list) else held,
    }

    read = read_cursor(json.dumps(old), WORKSPACE)

    assert [read.knows(job(number)) for number in (7, 8, 9, 10)] == [True, False, True, True]
    assert read.held == {(12, UNKNOWN): 7}
    assert read.read_from == MOMENT - OVERLAP
    assert not read.knows(job(7, ended_at=MOMENT + timedelta(hours=3))), "a number given again"


def job(number: int, ended_at: datetime = MOMENT) -> Job:
    return Job(
        id=number,
        connection_id="shop",
        type=JobType.SYNC,
        status=JobStatus.SUCCEEDED,
        created_at=ended_at,
        updated_at=ended_at,
    )


def test_a_number_that_is_given_again_after_a_restore_is_not_done() -> None:
    before, after = job(57), job(57, ended_at=MOMENT + timedelta(hours=3))
    bookmark = Cursor(WORKSPACE, MOMENT, MOMENT, MOMENT, frozenset({done_job(before)}))

    assert (bookmark.knows(before), bookmark.knows(after)) == (True, False)


@given(
    st.text()
    | st.from_type(dict).map(str)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(json.dumps)
)
def test_any_other_text_is_refused_and_never_crashes(cursor: str) -> None:
    with pytest.raises(UnreadableCursor):
        read_cursor(cursor, WORKSPACE)


@pytest.mark.parametrize("packed", ["?", "eJw=", "AAAA", 7, [1, 2]])
def test_damaged_lists_of_jobs_are_refused(packed: object) -> None:
    edited = json.loads(first_cursor(WORKSPACE, MOMENT).to_text()) | {"done": packed}

    with pytest.raises(UnreadableCursor, match="damaged"):
        read_cursor(json.dumps(edited), WORKSPACE)


@pytest.mark.parametrize("field", ["begin", "since", "workspace", "v"])
def test_an_edited_bookmark_says_what_is_wrong_with_it(field: str) -> None:
    edited = json.loads(first_cursor(WORKSPACE, MOMENT).to_text()) | {field: "edited"}

    with pytest.raises(UnreadableCursor, match=r"times|workspace|version"):
        read_cursor(json.dumps(edited), WORKSPACE)


def test_history_is_read_again_a_little_but_never_from_before_the_beginning() -> None:
    young = first_cursor(WORKSPACE, MOMENT)
    old = Cursor(WORKSPACE, MOMENT - timedelta(days=1), MOMENT, MOMENT - OVERLAP)

    assert young.read_from == MOMENT
    assert MOMENT - timedelta(hours=1) < old.read_from < MOMENT - timedelta(minutes=1)


def test_a_look_back_is_counted_from_airbytes_clock_and_a_moment_is_itself() -> None:
    moment = datetime(2026, 1, 1, 3, tzinfo=timezone(timedelta(hours=10)))

    assert begin_of(timedelta(hours=1), MOMENT) == MOMENT - timedelta(hours=1)
    assert begin_of(moment, MOMENT) == datetime(2025, 12, 31, 17, tzinfo=timezone.utc)
