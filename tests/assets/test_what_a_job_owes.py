"""What a finished job still owes its tables, and what must be looked up to know."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import Job, JobStatus, JobType, StreamId
from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.events.ledger import History, LastReported, Ledger
from dagster_airbyte_sync.assets.events.owed import Owed, first_missing, owed_by
from dagster_airbyte_sync.assets.events.table_history import Question

NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)
TABLES = [Table("shop", StreamId(name), dg.AssetSpec(name)) for name in "abcdefgh"]
KEYS = frozenset(table.key for table in TABLES)


def job(number: int, **more: object) -> Job:
    ended = NOON + timedelta(minutes=number)
    made = Job(
        id=number,
        connection_id="shop",
        type=JobType.SYNC,
        status=JobStatus.SUCCEEDED,
        created_at=ended,
        updated_at=ended,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def last(number: int, run_id: str = "") -> LastReported:
    return LastReported(job(number).ref, job(number).ref, str(number), run_id)


def known(**tables: LastReported) -> Ledger:
    return Ledger({dg.AssetKey(name): reported for name, reported in tables.items()})


def owed(
    asked: Job, ledger: Ledger, checked: frozenset[dg.AssetKey] = frozenset(), most: int = 100
) -> Owed:
    return owed_by(asked, TABLES, ledger, checked, most)


def names(found: Owed) -> str:
    return "".join(share.table.stream.name for share in found.shares)


def asked_about(questions: Sequence[Question]) -> list[tuple[str, str]]:
    return [(question.kind, question.table.stream.name) for question in questions]


def test_a_new_job_of_many_tables_asks_for_one_history_only() -> None:
    """At most one event can be stored without being noted as its table's last: the first owed."""
    ledger = Ledger({table.key: last(1) for table in TABLES})

    found = owed(job(2), ledger)

    assert names(found) == "abcdefgh"
    assert asked_about(found.questions) == [("materialization", "a")]


def test_a_job_reported_in_part_goes_on_and_asks_for_the_first_of_the_rest() -> None:
    ledger = Ledger({t.key: last(2 if t.stream.name < "d" else 1) for t in TABLES})

    found = owed(job(2), ledger)

    assert names(found) == "defgh"
    assert asked_about(found.questions) == [("materialization", "d")]


@pytest.mark.parametrize("hidden", range(6))
def test_what_is_stored_and_not_the_last_event_of_its_table_is_found_with_few_look_ups(
    hidden: int,
) -> None:
    """One event that was not noted, or all of a run, behind those of a tick decided before it."""
    ledger = Ledger({t.key: last(2 if t.stream.name < "d" else 1) for t in TABLES})
    looks = 0
    while (found := owed(job(2), ledger)).questions:
        (question,) = found.questions
        is_stored = TABLES.index(question.table) < 3 + hidden
        jobs = (job(1).ref, *([job(2).ref] if is_stored else []))
        ledger = replace(ledger, history={**ledger.history, question.table.key: History(jobs)})
        looks += 1

    assert names(found) == "abcdefgh"[3 + hidden :]
    assert looks <= (1 if hidden == 0 else 4)


def test_while_it_is_looked_up_how_far_a_job_was_reported_nothing_of_that_is_certain() -> None:
    ledger = replace(
        Ledger({table.key: last(1) for table in TABLES}),
        history={dg.AssetKey("a"): History((job(1).ref, job(2).ref))},
    )

    found = owed(job(2), ledger)

    assert asked_about(found.questions) == [("materialization", "e")]
    assert found.certain == ()


def test_an_older_job_asks_for_the_history_of_each_table_as_far_as_a_tick_takes_it() -> None:
    ledger = Ledger({table.key: last(5) for table in TABLES})

    found = owed(job(2), ledger, most=3)

    assert names(found) == "abc"
    assert [name for _, name in asked_about(found.questions)] == ["a", "b", "c"]
    assert found.is_cut


def test_what_is_certain_ends_before_the_first_table_about_which_nothing_is_known() -> None:
    ledger = replace(
        Ledger({table.key: last(5) for table in TABLES}),
        history={dg.AssetKey(name): History((job(5).ref,)) for name in "ab"},
    )

    assert [share.table.stream.name for share in owed(job(2), ledger).certain] == ["a", "b"]


def test_the_check_of_a_table_that_a_run_reported_is_owed_and_no_check_twice() -> None:
    ledger = known(a=last(2, "run"), b=last(2, "run"), c=last(2))
    first = owed(job(2), ledger, KEYS)
    assert ("check", "a") in asked_about(first.questions)

    noted = {question.key: False for question in first.questions if question.kind == "check"}
    histories = {dg.AssetKey("d"): History()}
    certain = owed(job(2), replace(ledger, noted=noted, history=histories), KEYS)

    assert certain.questions == ()
    assert [(s.table.stream.name, s.marks, s.checks) for s in certain.shares] == [
        ("a", False, True),
        ("b", False, True),
        *((name, True, True) for name in "defgh"),
    ]


def test_a_check_that_was_stored_before_its_daemon_died_is_not_owed_again() -> None:
    """A table's check is stored before what marks the job."""
    first = owed(job(2), Ledger(history={dg.AssetKey("a"): History()}), KEYS)
    (question,) = first.questions
    ledger = Ledger(history={dg.AssetKey("a"): History()}, noted={question.key: True})

    found = owed(job(2), ledger, KEYS)

    assert asked_about(first.questions) == [("check", "a")]
    assert [(s.marks, s.checks) for s in found.shares] == [(True, False), *[(True, True)] * 7]


@pytest.mark.parametrize("reported", range(9))
def test_of_a_failed_job_the_checks_that_were_stored_are_found_with_few_look_ups(
    reported: int,
) -> None:
    failed, ledger, looks = job(2, status=JobStatus.FAILED), Ledger(), 0

    while (found := owed(failed, ledger, KEYS)).questions:
        (question,) = found.questions
        is_noted = TABLES.index(question.table) < reported
        ledger = replace(ledger, noted={**ledger.noted, question.key: is_noted})
        looks += 1

    assert names(found) == "abcdefgh"[reported:]
    assert looks <= (1 if reported == 0 else 4)


def test_a_failure_is_not_owed_after_a_later_success() -> None:
    found = owed(job(2, status=JobStatus.FAILED), known(a=last(3), b=last(1)), KEYS)

    assert names(found) == "bcdefgh"


def test_after_a_restore_the_failure_of_a_lower_number_reaches_its_check() -> None:
    later = NOON + timedelta(hours=5)
    failed = job(2, status=JobStatus.FAILED, created_at=later, updated_at=later)

    assert "a" in names(owed(failed, known(a=last(9)), KEYS))


def test_a_clear_is_owed_as_an_observation_and_asked_for_as_one() -> None:
    found = owed(job(2, type=JobType.CLEAR), Ledger())

    assert all(share.marks for share in found.shares)
    assert asked_about(found.questions) == [("observation", "a")]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 2000])
def test_the_first_place_that_lacks_something_is_found_in_a_dozen_looks(count: int) -> None:
    for there in {0, 1, 2, count // 2, count - 1, count} & {*range(count + 1)}:
        answers: dict[int, bool] = {}
        while True:
            first, asked = first_missing(count, answers.get)
            if asked is None:
                break
            answers[asked] = asked < there
        assert first == there
        assert len(answers) <= 13


@pytest.mark.parametrize("reported", [0, 1, 700, 1999, 2000])
def test_of_thousands_of_tables_that_a_later_job_overtook_those_reported_are_found_in_a_dozen_looks(
    reported: int,
) -> None:
    tables = [Table("shop", StreamId(f"{n:04}"), dg.AssetSpec(f"{n:04}")) for n in range(2000)]
    ledger, looks = Ledger({table.key: last(5) for table in tables}), 0

    while (found := owed_by(job(2), tables, ledger, frozenset(), 250)).questions:
        assert found.certain == ()
        histories = {
            question.table.key: History(
                (job(5).ref, job(2).ref) if tables.index(question.table) < reported else ()
            )
            for question in found.questions
        }
        ledger = replace(ledger, history={**ledger.history, **histories})
        looks += len(histories)

    assert [share.table for share in found.shares] == tables[reported:][:250]
    assert looks <= 14


def test_where_the_order_of_tables_does_not_help_each_is_looked_up() -> None:
    """Tables were added since, so that the first lacks what the last has."""
    tables = [Table("shop", StreamId(f"{n:04}"), dg.AssetSpec(f"{n:04}")) for n in range(60)]
    reported = History((job(5).ref, job(2).ref))
    ledger = Ledger({table.key: last(5) for table in tables})

    while (found := owed_by(job(2), tables, ledger, frozenset(), 250)).questions:
        histories = {
            question.table.key: reported if tables.index(question.table) >= 3 else History()
            for question in found.questions
        }
        ledger = replace(ledger, history={**ledger.history, **histories})

    assert [share.table for share in found.shares] == tables[:3]
