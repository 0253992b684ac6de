"""Loads keep Python from looking for garbage, and only loads, and only where it looks for it."""

import gc
from collections.abc import Iterator

import pytest

from dagster_airbyte_sync.resources.garbage import no_garbage_collected


@pytest.fixture(autouse=True)
def _enabled_afterwards() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_it_looks_again_afterwards_also_if_the_load_fails() -> None:
    with pytest.raises(ZeroDivisionError), no_garbage_collected():
        _ = 1 / int(gc.isenabled())

    assert gc.isenabled()


def test_one_load_within_another_changes_nothing() -> None:
    with no_garbage_collected():
        with no_garbage_collected():
            pass
        assert not gc.isenabled()

    assert gc.isenabled()


def test_whoever_has_switched_it_off_finds_it_off() -> None:
    gc.disable()

    with no_garbage_collected():
        pass

    assert not gc.isenabled()


def test_loads_of_two_threads_may_overlap() -> None:
    one, other = no_garbage_collected(), no_garbage_collected()

    with one:
        other.__enter__()
    assert not gc.isenabled()
    other.__exit__(None, None, None)

    assert gc.isenabled()
