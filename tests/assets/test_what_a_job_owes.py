"""What a finished job still owes its tables, and what must be looked up to know."""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from dagster_airbyte_sync import Job, JobStatus, JobType, StreamId
from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.checks.check_settings import CHECKS_OF_SYNCS, TableChecks
from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation
from dagster_airbyte_sync.assets.events.ledger import History, LastReported, Ledger
from dagster_airbyte_sync.assets.events.owed import Checked, Owed, first_missing, owed_by
from dagster_airbyte_sync.assets.events.table_history import Question

NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)
TABLES = [Table("shop", StreamId(name), dg.AssetSpec(name)) for name in "abcdefgh"]
CHECKED = {table.key: TableChecks(frozenset(CHECKS_OF_SYNCS)) for table in TABLES}
BY_SENSOR = 1_000_000.0


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


def owed(asked: Job, ledger: Ledger, checked: Checked | None = None, most: int = 100) -> Owed:
    return owed_by(asked, TABLES, ledger, checked or {}, most)


def said(number: int, run_id: str = "", *, at: float = BY_SENSOR) -> dict[str, LastEvaluation]:
    """What both checks of a table said of a job."""
    one = LastEvaluation(True, "good", job(number).ref, run_id, at)
    return dict.fromkeys(CHECKS_OF_SYNCS, one)


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
        noted={(dg.AssetKey(name), job(2).ref, "past"): False for name in "ab"},
    )

    assert [share.table.stream.name for share in owed(job(2), ledger).certain] == ["a", "b"]


def checked_by_name(found: Owed) -> dict[str, tuple[bool, int]]:
    """Of each share: whether it marks the job, and how many checks may be evaluated with it."""
    return {s.table.stream.name: (s.marks, len(s.checks.names)) for s in found.shares}


def test_checks_that_a_run_left_out_are_owed_and_none_that_it_evaluated() -> None:
    ledger = replace(
        known(a=last(2, "run"), b=last(2, "run"), c=last(2, "run"), d=last(2)),
        history={dg.AssetKey("e"): History()},
    )
    first = owed(job(2), ledger, CHECKED)
    unread = [name for kind, name in asked_about(first.questions) if kind == "evaluations"]
    assert "".join(unread) == "abcefgh"

    before = said(1)
    by_name = {"a": {}, "b": said(2, "run"), "c": before, **dict.fromkeys("efgh", before)}
    evaluations = {dg.AssetKey(name): each for name, each in by_name.items()}
    certain = owed(job(2), replace(ledger, evaluations=evaluations), CHECKED)

    assert certain.questions == ()
    beside_a_mark = dict.fromkeys("efgh", (True, 2))
    assert checked_by_name(certain) == {"a": (False, 2), "c": (False, 2), **beside_a_mark}


@pytest.mark.parametrize(
    ("number", "run_id", "at", "is_owed"),
    [
        (2, "run", 0, False),
        (2, "", 900, False),
        (2, "another run", 900, False),
        # Dagster shows none that is older than the materialization of another run ...
        (2, "", 100, True),
        (2, "another run", 100, True),
        # ... and one of an older job, which a tick stored late, is no longer true.
        (1, "", 900, True),
        # So it is with what a step of the same run said again as it failed, before its retry.
        (1, "run", 900, True),
    ],
)
def test_an_evaluation_counts_for_what_a_run_made_if_dagster_shows_it_there(
    number: int, run_id: str, at: float, *, is_owed: bool
) -> None:
    made = replace(last(2, "run"), stored_at=500.0)
    ledger = Ledger(
        {table.key: made for table in TABLES},
        evaluations={table.key: said(number, run_id, at=at) for table in TABLES},
    )

    assert bool(owed(job(2), ledger, CHECKED).shares) is is_owed


@pytest.mark.parametrize("reported", range(9))
def test_of_a_failed_job_the_checks_that_were_stored_are_found_in_one_look_up(
    reported: int,
) -> None:
    failed = job(2, status=JobStatus.FAILED)
    first = owed(failed, Ledger(), CHECKED)
    assert asked_about(first.questions) == [("evaluations", name) for name in "abcdefgh"]

    by_place = [said(2 if place < reported else 1) for place in range(8)]
    evaluations = {t.key: each for t, each in zip(TABLES, by_place, strict=True)}
    found = owed(failed, Ledger(evaluations=evaluations), CHECKED)

    assert (names(found), found.questions) == ("abcdefgh"[reported:], ())
    assert all(not marks and count == 1 for marks, count in checked_by_name(found).values())


@pytest.mark.parametrize(
    ("rows", "is_materialized", "expected"),
    [
        (None, False, {"airbyte_sync", "airbyte_rows"}),
        # The check is newer than the last sync that succeeded.
        (None, True, {"airbyte_sync", "airbyte_rows"}),
        (said(1)["airbyte_rows"], True, {"airbyte_sync"}),
        (said(1)["airbyte_rows"], False, {"airbyte_sync"}),
        # By hand it was said of no job.
        (LastEvaluation(False, "never_synced"), False, {"airbyte_sync", "airbyte_rows"}),
        # What a run has planned hides what there is: nothing, if the table was never materialized.
        (LastEvaluation(False, run_id="run", is_live=True), False, {"airbyte_sync"}),
        (LastEvaluation(False, run_id="run"), False, {"airbyte_sync", "airbyte_rows"}),
        (LastEvaluation(False, run_id="run"), True, {"airbyte_sync"}),
    ],
)
@pytest.mark.parametrize(
    "ended",
    [job(2, status=JobStatus.FAILED), job(2, type=JobType.CLEAR)],
    ids=["failed", "cleared"],
)
def test_that_there_are_no_rows_is_owed_only_if_nothing_was_ever_said_of_them(
    ended: Job, rows: LastEvaluation | None, expected: set[str], *, is_materialized: bool
) -> None:
    ledger = Ledger(
        {TABLES[0].key: last(1)} if is_materialized else {},
        evaluations={TABLES[0].key: {"airbyte_rows": rows} if rows else {}},
        noted={(TABLES[0].key, ended.ref, "observation"): False},
    )

    (share,) = owed_by(ended, TABLES[:1], ledger, CHECKED, 100).shares

    assert share.checks.names == expected


def test_a_failure_is_not_owed_after_a_later_success() -> None:
    found = owed(job(2, status=JobStatus.FAILED), known(a=last(3), b=last(1)), CHECKED)

    assert names(found) == "bcdefgh"


def test_after_a_restore_the_failure_of_a_lower_number_reaches_its_check() -> None:
    later = NOON + timedelta(hours=5)
    failed = job(2, status=JobStatus.FAILED, created_at=later, updated_at=later)

    assert "a" in names(owed(failed, known(a=last(9)), CHECKED))


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


@pytest.mark.parametrize("how", ["materialization", "past"])
@pytest.mark.parametrize("reported", [0, 1, 700, 1999, 2000])
def test_of_thousands_of_tables_that_a_later_job_overtook_those_reported_are_found_in_a_dozen_looks(
    reported: int, how: str
) -> None:
    """Whether the sensor has reported it, or a backfill has noted it."""
    tables = [Table("shop", StreamId(f"{n:04}"), dg.AssetSpec(f"{n:04}")) for n in range(2000)]
    ledger, looks = Ledger({table.key: last(5) for table in tables}), 0

    while (found := owed_by(job(2), tables, ledger, {}, 250)).questions:
        assert found.certain == ()
        has = {table.key for table in tables[:reported]}
        ledger = answered(ledger, found.questions, has if how == "materialization" else set(), has)
        looks += len(found.questions)

    assert [share.table for share in found.shares] == tables[reported:][:250]
    assert looks <= 26


def answered(
    ledger: Ledger,
    questions: Sequence[Question],
    materialized: Set[dg.AssetKey],
    noted: Set[dg.AssetKey],
) -> Ledger:
    """For which tables job 2 has a materialization, and for which a backfill has noted it."""
    both = History((job(5).ref, job(2).ref))
    asked = [question for question in questions if question.kind == "materialization"]
    histories = {q.table.key: both if q.table.key in materialized else History() for q in asked}
    past = {q.key: q.table.key in noted for q in questions if q.kind == "past"}
    return replace(ledger, history={**ledger.history, **histories}, noted={**ledger.noted, **past})


def test_where_the_order_of_tables_does_not_help_each_is_looked_up() -> None:
    """Tables were added since, so that the first lacks what the last has."""
    tables = [Table("shop", StreamId(f"{n:04}"), dg.AssetSpec(f"{n:04}")) for n in range(60)]
    reported = {table.key for table in tables[3:]}
    ledger = Ledger({table.key: last(5) for table in tables})

    while (found := owed_by(job(2), tables, ledger, {}, 250)).questions:
        ledger = answered(ledger, found.questions, reported, set())

    assert [share.table for share in found.shares] == tables[:3]
