"""Counts what is asked of Dagster's event log and runs."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import dagster as dg
import pytest

from helpers.dagster_private import SqlEventLogStorage

LOOK_UPS = (
    "fetch_materializations",
    "fetch_observations",
    "get_asset_records",
    "get_latest_asset_check_evaluation_record",
    "get_latest_materialization_event",
    "get_records_for_run",
    "get_run_by_id",
    "get_run_records",
)

OF_CHECKS = "get_latest_asset_check_execution_by_key"


@contextmanager
def counted_look_ups() -> Iterator[Counter[str]]:
    """How often the event log and the runs are asked for something, by the name of the question."""
    count: Counter[str] = Counter()
    # Some are asked at once.
    lock = Lock()

    def counting(owner: type, name: str) -> Callable[..., object]:
        asked = getattr(owner, name)

        def ask(*arguments: object, **named: object) -> object:
            with lock:
                count[name] += 1
            return asked(*arguments, **named)

        return ask

    with pytest.MonkeyPatch.context() as patch:
        for name in LOOK_UPS:
            patch.setattr(dg.DagsterInstance, name, counting(dg.DagsterInstance, name))
        patch.setattr(SqlEventLogStorage, OF_CHECKS, counting(SqlEventLogStorage, OF_CHECKS))
        yield count
