"""The cursor: small, versioned, readable again, and never trusted."""

import json
import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_airbyte_sync import Job, JobStatus, JobType
from dagster_airbyte_sync.sensors.cursor.cursor import (
    OVERLAP,
    Cursor,
    UnreadableCursor,
    begin_of,
    first_cursor,
    read_cursor,
)
from dagster_airbyte_sync.sensors.cursor.packing import pack, pack_text
from dagster_airbyte_sync.sensors.cursor.pending import JobKey, Pending, Reason, job_key
from dagster_airbyte_sync.sensors.cursor.workspaces_read import WorkspacesRead
from dagster_airbyte_sync.sensors.cursor_advance import MOST_PENDING

WORKSPACE = "9e476ab0-6791-426f-be63-c58d51a5d36c"
MOMENT = datetime(2026, 8, 1, 12, 0, 1, tzinfo=timezone.utc)

times = st.datetimes(
    min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(timezone.utc)
).map(lambda moment: moment.replace(microsecond=0))
ids = st.integers(min_value=1, max_value=2**62)


job_keys = st.tuples(ids, st.integers(-1, 2**33))
waits = st.builds(Pending, job_keys, times, st.integers(0, 2**33), st.sampled_from(Reason))
names = st.text("0123456789abcdef", min_size=8, max_size=8)
instances = st.builds(
    lambda here, away: WorkspacesRead(
        here, away, frozenset(sorted({*here, *away})[1:]), frozenset(sorted(away)[1:])
    ),
    st.frozensets(names, max_size=5),
    st.dictionaries(names, times, max_size=5),
)


@given(
    st.builds(
        Cursor,
        workspace_id=st.just(WORKSPACE),
        begin=times,
        since=times,
        floor=times,
        done=st.frozensets(job_keys, max_size=50),
        pending=st.dictionaries(st.uuids().map(str), waits, max_size=20),
        reached=st.none() | times,
        resumed_at=st.none() | times,
        skew=st.none() | st.integers(-(10**6), 10**6),
        workspaces=st.none() | instances,
    )
)
def test_a_cursor_is_read_back_as_it_was_written(cursor: Cursor) -> None:
    assert read_cursor(cursor.to_text(), WORKSPACE) == cursor


def test_as_many_connections_as_may_wait_fit_into_a_cursor_of_mysql() -> None:
    """Where a column for text holds 64 kB, and a sensor's has more in it than the cursor."""
    chance = random.Random(1)
    pending = {
        str(uuid4()): Pending(
            (chance.randrange(2**31), 1_799_000_000 + chance.randrange(2_592_000)),
            MOMENT + timedelta(seconds=chance.randrange(2_592_000)),
            1_800_000_000 + chance.randrange(86_400),
        )
        for _ in range(MOST_PENDING)
    }
    done = frozenset((number, 1_800_000_000) for number in range(10**9, 10**9 + 5000, 2))
    # Of an instance, with half of them away.
    ids = [f"{chance.getrandbits(32):08x}" for _ in range(1000)]
    here = frozenset(ids[:500])
    away = {each: MOMENT - timedelta(seconds=chance.randrange(10**7)) for each in ids[500:]}
    workspaces = WorkspacesRead(here, {}, here).without(away, MOMENT)
    cursor = Cursor(WORKSPACE, MOMENT, MOMENT, MOMENT, done, pending, workspaces=workspaces)

    text = cursor.to_text()

    assert len(text) < 60_000
    read = read_cursor(text, WORKSPACE)
    assert (read.pending, read.workspaces) == (pending, workspaces)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (["aaaaaaaa bbbbbbbb"], WorkspacesRead(frozenset({"aaaaaaaa", "bbbbbbbb"}))),
        (
            ["aaaaaaaa", {"bbbbbbbb": 1_785_585_601}],
            WorkspacesRead(frozenset({"aaaaaaaa"}), {"bbbbbbbb": MOMENT}, frozenset({"bbbbbbbb"})),
        ),
    ],
)
def test_earlier_rows_of_workspaces_are_read(row: object, expected: WorkspacesRead) -> None:
    """They were not packed, and did not say which of them had tables."""
    text = json.dumps({**json.loads(first_cursor(WORKSPACE, MOMENT).to_text()), "workspaces": row})
    assert read_cursor(text, WORKSPACE).workspaces == expected


def test_history_is_read_again_from_where_a_connection_was_parked_once_it_is_back() -> None:
    days = [MOMENT - timedelta(days=number) for number in range(4)]
    pending = {
        "erp": Pending((1, 6), days[1], 7),
        "shop": Pending((3, 6), days[3], 7, Reason.UNREADABLE),
        "crm": Pending((2, 6), days[2], 7, Reason.UNREADABLE),
    }
    cursor = Cursor(WORKSPACE, days[3], MOMENT, MOMENT, pending=pending)

    back = cursor.brought_back(["crm"], now=9)

    assert (cursor.read_from, cursor.parked) == (days[1], frozenset({"shop", "crm"}))
    assert (back.read_from, back.parked) == (days[2], frozenset({"shop"}))
    assert back.pending["crm"].since == 9
    assert cursor.brought_back([], now=9) == cursor


def test_three_thousand_syncs_in_five_minutes_fit_without_forgetting() -> None:
    """With gaps between their numbers: other workspaces use numbers of the same sequence."""
    gaps = random.Random(1)
    number, done = 1_000_000, set[JobKey]()
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
    assert len(cursor) < 8_000
    assert 500 < len(kept) < 3000
    assert min(at for _, at in kept) > max(at for _, at in done - kept)


HELD = {"held": {"12": 7}}, {"held": [5, 7], "held_from": (MOMENT - timedelta(hours=1)).isoformat()}


@pytest.mark.parametrize(
    ("written", "read_from"),
    [
        ({"v": 1, "done": [7, 2, 1], **HELD[0]}, MOMENT - OVERLAP),
        ({"v": 2, "done": [7, 2, 1], **HELD[1]}, MOMENT - timedelta(hours=1)),
        ({"v": 3, "done": pack([7, 9, 1, 1]), **HELD[1]}, MOMENT - timedelta(hours=1)),
    ],
)
def test_cursors_of_earlier_versions_are_read_from_the_first_job_that_waited(
    written: dict[str, object], read_from: datetime
) -> None:
    """They do not say on which connection a job waits: the event log knows what was reported."""
    begin, since = MOMENT - timedelta(days=1), MOMENT
    times = {"begin": begin.isoformat(), "since": since.isoformat()}

    cursor = read_cursor(json.dumps({"workspace": WORKSPACE, **times, **written}), WORKSPACE)

    assert (cursor.read_from, cursor.since) == (read_from, MOMENT)
    assert cursor.done == (set() if written["v"] != 3 else {(7, 1), (9, 1)})


def test_a_connection_that_version_3_had_set_apart_is_parked() -> None:
    hours_ago = MOMENT - timedelta(hours=9)
    written = json.loads(first_cursor(WORKSPACE, MOMENT).to_text())
    written |= {"v": 3, "apart": {"shop": [12, hours_ago.isoformat()]}}

    cursor = read_cursor(json.dumps(written), WORKSPACE)

    assert (cursor.parked, cursor.read_from) == (frozenset({"shop"}), MOMENT)
    assert cursor.brought_back(["shop"], now=9).pending["shop"].ended_at == hours_ago


@pytest.mark.parametrize("place", [[], [1], [1, "soon"], ["?", 1_800_000_000], None, "x"])
def test_a_connection_that_was_set_apart_without_a_place_is_not_taken_for_done(
    place: object,
) -> None:
    edited = json.loads(first_cursor(WORKSPACE, MOMENT).to_text()) | {"apart": {"shop": place}}

    with pytest.raises(UnreadableCursor, match="place"):
        read_cursor(json.dumps(edited), WORKSPACE)


def test_a_job_of_which_airbyte_gives_no_end_is_not_taken_for_done() -> None:
    endless = replace(job(12), updated_at=None)

    assert not Cursor(WORKSPACE, MOMENT, MOMENT, MOMENT).knows(endless)
    assert Cursor(WORKSPACE, MOMENT, MOMENT, MOMENT, frozenset({job_key(endless)})).knows(endless)


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
    cursor = Cursor(WORKSPACE, MOMENT, MOMENT, MOMENT, frozenset({job_key(before)}))

    assert (cursor.knows(before), cursor.knows(after)) == (True, False)


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


@pytest.mark.parametrize(
    "packed",
    ["?", 7, *map(pack_text, ["", "{", "[" * 400_000, '{"shop":[]}', '{"shop":[1,2,3,4,"?"]}'])],
)
def test_a_damaged_list_of_pending_jobs_is_refused(packed: object) -> None:
    edited = json.loads(first_cursor(WORKSPACE, MOMENT).to_text()) | {"pending": packed}

    with pytest.raises(UnreadableCursor, match="damaged"):
        read_cursor(json.dumps(edited), WORKSPACE)


@pytest.mark.parametrize("field", ["begin", "since", "workspace", "v"])
def test_an_edited_cursor_says_what_is_wrong_with_it(field: str) -> None:
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
