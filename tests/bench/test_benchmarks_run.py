"""The benchmarks run, on workspaces that are too small to say anything, and have their rows. (Those
with a daemon are made of what `tests/soak` runs.)"""

import pytest

from bench import bench_definition_load, bench_tick
from bench.table import Row, markdown


def test_a_table_has_a_row_for_each_measurement_and_says_what_was_missed() -> None:
    rows = [Row("a", "1 s", "2 s", "0.50", "<= 1"), Row("b", "3 s", "2 s", "1.5", "<= 1", False)]

    assert markdown(rows).splitlines() == [
        "| what | this package | beside it | ratio | wanted        |",
        "|------|--------------|-----------|-------|---------------|",
        "| a    | 1 s          | 2 s       | 0.50  | <= 1          |",
        "| b    | 3 s          | 2 s       | 1.5   | <= 1 (missed) |",
    ]


def test_of_loading_definitions() -> None:
    with bench_definition_load.workspace(2, 1, rounds=1) as loading:
        ours, memory = bench_definition_load.loaded(loading, "assets")

    assert ours.what == "load assets, 2 x 1: CPU"
    assert "requests" in ours.ours
    assert float(ours.ratio) > 0
    assert 0.5 < float(memory.ratio) < 2


def test_of_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_tick, "JOBS", 4)
    monkeypatch.setattr(bench_tick, "CONNECTIONS", 2)
    monkeypatch.setattr(bench_tick, "MANY", 2)
    monkeypatch.setattr(bench_tick, "IDLE_TICKS", 2)

    idle, backlog, requests, stored = bench_tick.rows()

    assert idle.is_reached
    assert "40 events" in backlog.beside
    assert requests.is_reached
    assert stored.is_reached
