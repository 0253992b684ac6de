"""How numbers, times and names look in every command's tables."""

import io
from datetime import datetime, timedelta, timezone

import pytest
from rich.console import Console

from dagster_airbyte_sync.cli.tables import Cell, Column, counted, duration, moment, plain, table

COLUMNS = (Column("name"), Column("rows", "right"), Column("id", only_wide=True))
ROWS: list[tuple[str | Cell, ...]] = [
    ("shop", Cell("1,200", "red"), "0123"),
    ("[b]a long name[/b] " * 5, "7", "4567"),
]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.35, "350 ms"),
        (4.21, "4.2 s"),
        (59, "59 s"),
        (60, "1 min"),
        (725, "12 min 5 s"),
        (12_000, "3 h 20 min"),
        (timedelta(days=2, hours=1, minutes=5), "2 d 1 h"),
        (None, "-"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float | timedelta, text: str) -> None:
    assert duration(seconds) == text


def test_numbers_have_separators_and_their_nouns() -> None:
    assert [counted(n, "job") for n in (0, 1, 1_200)] == ["0 jobs", "1 job", "1,200 jobs"]
    assert counted(2, "has", "have") == "2 have"


def test_a_time_is_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert moment(datetime(2026, 1, 15, 12, 30, tzinfo=east)) == "2026-01-15 10:30 UTC"
    assert moment(None) == "-"


def test_a_name_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b[2Jb\u202ec\n") == "a [2Jb c "


def printed(width: int) -> str:
    screen = Console(file=io.StringIO(), width=width, markup=False)
    with screen.capture() as text:
        screen.print(table(COLUMNS, ROWS, width=width))
    return text.get()


def test_a_table_fits_its_terminal_and_nothing_is_cut() -> None:
    narrow, wide = printed(50), printed(200)
    assert max(map(len, narrow.splitlines())) <= 50
    assert narrow.count("[b]a") == wide.count("[b]a") == 5
    assert "0123" not in narrow
    assert "0123" in wide
