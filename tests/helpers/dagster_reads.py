"""What is read of Dagster's storage, call by call."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import pytest

_READS = (
    "get_run_records",
    "get_run_by_id",
    "get_records_for_run",
    "fetch_observations",
    "fetch_materializations",
)


@contextmanager
def reads_of(instance: dg.DagsterInstance) -> Iterator[list[str]]:
    """The names of the calls, in their order."""
    calls: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in _READS:
            _count(patch, instance, name, calls)
        yield calls


def _count(
    patch: pytest.MonkeyPatch, instance: dg.DagsterInstance, name: str, calls: list[str]
) -> None:
    read = getattr(instance, name)

    def counted(*args: object, **more: object) -> object:
        calls.append(name)
        return read(*args, **more)

    patch.setattr(instance, name, counted)
