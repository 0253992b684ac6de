"""The ledger's rule: what is told, and when the history must be read to know."""

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.ledger import LastTold, Ledger

KEY = dg.AssetKey("orders")


def ledger(last: LastTold | None, history: frozenset[int] | None = None) -> Ledger:
    return Ledger({} if last is None else {KEY: last}, {} if history is None else {KEY: history})


@pytest.mark.parametrize(
    ("last", "history", "job_id", "told"),
    [
        (LastTold(5, 5), None, 5, True),  # the last one told
        (None, None, 5, None),  # everything else only the history knows
        (LastTold(5, 5), None, 6, None),
        (LastTold(5, 5), None, 4, None),
        (LastTold(), None, 10, None),  # reported by hand
        (None, frozenset(), 5, False),
        (None, frozenset({5}), 5, True),  # stored, but not yet noted as the last one
        (LastTold(5, 5), frozenset({3, 5}), 4, False),
        (LastTold(5, 5), frozenset({3, 5}), 3, True),
        (LastTold(5, 5), frozenset({3, 5, 6}), 6, True),  # an older one was stored after it
        (LastTold(), frozenset({3}), 10, False),
    ],
)
def test_is_told(
    last: LastTold | None, history: frozenset[int] | None, job_id: int, told: bool | None
) -> None:
    assert ledger(last, history).is_told(KEY, job_id) is told


def test_what_is_told_in_this_tick_counts_at_once() -> None:
    after = ledger(LastTold(5, 5), frozenset({5})).after(KEY, 4, "4").after(KEY, 7, "7")

    assert [after.is_told(KEY, job_id) for job_id in (4, 5, 6, 7, 8)] == [
        True,
        True,
        False,
        True,
        False,
    ]
    assert after.data_version(KEY) == "7"
    assert after.highest(KEY) == 7
