"""What the failure sensor keeps is small, and is read as it was written."""

import json
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from dagster_airbyte_sync.resources import Job, JobFailure, JobStatus, JobType
from dagster_airbyte_sync.sensors.cursor.cursor import UnreadableCursor, first_cursor
from dagster_airbyte_sync.sensors.cursor.packing import pack_text
from dagster_airbyte_sync.sensors.failures.failure_cursor import FailureCursor, read_failure_cursor
from dagster_airbyte_sync.sensors.failures.held import MOST_HELD, Held, Pair
from dagster_airbyte_sync.sensors.failures.late import FOR_GOOD
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind

WORKSPACE = "0123abcd-0123-4567-89ab-0123456789ab"
NOON = datetime(2026, 1, 15, 12, tzinfo=timezone.utc)
HISTORY = first_cursor(WORKSPACE, NOON)
KINDS = (ProblemKind.FAILED, ProblemKind.CANCELLED, ProblemKind.EMPTY)


def held(number: int, reason: str | None, kind: ProblemKind = ProblemKind.FAILED) -> Held:
    job = Job(
        number,
        f"{random.Random(number).getrandbits(128):032x}",
        JobType.UNKNOWN,
        JobStatus.FAILED,
        created_at=NOON + timedelta(seconds=number),
        updated_at=NOON + timedelta(seconds=number + 10),
        failure=JobFailure(reason) if reason else None,
    )
    return Held(kind, job, since=1_768_478_400 + number, others=number % 7)


def by_pair(problems: Iterable[Held]) -> dict[Pair, Held]:
    return {each.pair: each for each in problems}


def again(cursor: FailureCursor) -> FailureCursor:
    return read_failure_cursor(cursor.to_text(), WORKSPACE)


def test_it_is_read_as_it_was_written() -> None:
    problems = [held(number, "no connection", kind) for number, kind in enumerate(KINDS)]
    cursor = FailureCursor(
        HISTORY, by_pair(problems), look_at=5, quiet={1: FOR_GOOD, 2**32 - 1: 1_768_478_400}
    )
    assert again(cursor) == cursor
    assert again(FailureCursor(HISTORY)) == FailureCursor(HISTORY)


def test_of_many_problems_the_reasons_are_cut_and_none_is_lost() -> None:
    """64 kB are what MySQL has room for."""
    chance = random.Random(0)
    reasons = ["".join(chance.choices("abcdefgh ijk", k=500)) for _ in range(MOST_HELD)]
    problems = [held(number, reason) for number, reason in enumerate(reasons)]
    cursor = FailureCursor(HISTORY, by_pair(problems))
    assert len(cursor.to_text()) < 40_000
    read = again(cursor).held
    assert read.keys() == cursor.held.keys()
    assert {each.others for each in read.values()} == set(range(7))


def test_of_few_problems_reasons_are_kept() -> None:
    cursor = FailureCursor(HISTORY, by_pair(held(number, "a" * 300) for number in range(20)))
    assert again(cursor).held == cursor.held


def test_thousands_of_late_connections_are_few_bytes() -> None:
    chance = random.Random(0)
    marks = {chance.getrandbits(32): FOR_GOOD for _ in range(5_000)}
    cursor = FailureCursor(HISTORY, quiet=marks)
    assert len(cursor.to_text()) < 15_000
    assert len(again(cursor).quiet) == 2_000
    assert again(cursor).quiet.items() < marks.items()


GOOD = json.loads(FailureCursor(HISTORY, by_pair([held(1, "x")]), 5, {1: 2}).to_text())
ROW = ["c", "late", 1, 1, 1, 1, 1, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "another version"),
        (HISTORY.to_text(), "another version"),
        (json.dumps({**GOOD, "v": 2}), "another version"),
        (json.dumps({**GOOD, "history": {"v": 4, "workspace": "other"}}), "another Airbyte"),
        (json.dumps({**GOOD, "history": 5}), "another version"),
        (json.dumps({**GOOD, "held": "xyz"}), "damaged"),
        (json.dumps({**GOOD, "held": 5}), "damaged"),
        (json.dumps({**GOOD, "quiet": "xyz"}), "damaged"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, said: str) -> None:
    with pytest.raises(UnreadableCursor, match=said):
        read_failure_cursor(text, WORKSPACE)


@pytest.mark.parametrize("place", range(len(ROW)))
def test_a_row_that_somebody_edited_is_damage_or_a_problem(place: int) -> None:
    wrongs: list[object] = [None, "x", [], -1, 10**30]
    for wrong in wrongs:
        row: list[object] = [*ROW[:1], "failed", *ROW[2:]]
        row[place] = wrong
        text = json.dumps({**GOOD, "held": pack_text(json.dumps([row]))})
        try:
            read = read_failure_cursor(text, WORKSPACE)
        except UnreadableCursor:
            continue
        assert again(replace(read)).held == read.held
