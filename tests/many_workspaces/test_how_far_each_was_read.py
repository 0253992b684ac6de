"""The workspaces in a cursor. Pure."""

from datetime import datetime, timedelta, timezone

from dagster_airbyte_sync.sensors.cursor.cursor import Cursor
from dagster_airbyte_sync.sensors.cursor.workspaces_read import WorkspacesRead
from dagster_airbyte_sync.sensors.cursor_advance import move
from dagster_airbyte_sync.sensors.decision import Decision
from dagster_airbyte_sync.sensors.reading.scan import Scan

NOW = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)
DAY = timedelta(days=1)
SALES, FINANCE = "11111111-0000", "22222222-0000"
S, F = "11111111", "22222222"


def test_only_what_had_tables_is_lost() -> None:
    both = WorkspacesRead(frozenset({S, F}), with_tables=frozenset({F}))
    assert both.lost([SALES, FINANCE], []) == {F}
    assert both.lost([SALES, FINANCE], [FINANCE]) == frozenset()
    # What is not shown either is away for another reason.
    assert both.lost([SALES], []) == frozenset()


def test_what_is_back_without_its_tables_is_held_for_a_month() -> None:
    away = WorkspacesRead(frozenset({S}), {F: NOW}, frozenset({F}))
    assert away.holding([SALES, FINANCE], [], NOW + DAY).held == {F}
    assert away.holding([SALES, FINANCE], [], NOW + 31 * DAY).held == frozenset()
    assert away.holding([SALES, FINANCE], [FINANCE], NOW + DAY).held == frozenset()
    assert away.holding([SALES], [], NOW + DAY).held == frozenset()
    never = WorkspacesRead(frozenset({S}), {F: NOW})
    assert never.holding([SALES, FINANCE], [], NOW + DAY).held == frozenset()


def test_who_had_tables_is_remembered_while_one_is_away() -> None:
    both = WorkspacesRead(frozenset({S, F})).placed([SALES, FINANCE])
    left = both.without({F: NOW}, NOW)
    assert left.placed([SALES]).with_tables == {S, F}
    assert left.placed([]).with_tables == {F}
    assert left.with_new([FINANCE]).placed([SALES]).with_tables == {S}


def test_of_too_many_the_places_of_those_left_last_are_kept() -> None:
    left = {f"{number:08x}": NOW - number * timedelta(minutes=1) for number in range(600)}
    away = WorkspacesRead(frozenset(left)).without(left, NOW).away
    assert sorted(away) == sorted(left)[:500]


def test_the_places_of_what_is_away_go_by_a_clock_that_was_set_back() -> None:
    away = WorkspacesRead(frozenset({S}), {F: NOW - DAY})
    cursor = Cursor("instance-1", NOW - 9 * DAY, NOW, NOW, skew=0, workspaces=away)
    back = NOW - timedelta(hours=2)
    moved = move(cursor, Scan((), (), complete=True), Decision(), int(NOW.timestamp()), back)
    assert moved.workspaces == WorkspacesRead(frozenset({S}), {F: back - DAY})
