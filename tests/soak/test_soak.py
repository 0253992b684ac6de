"""A workspace whose connections all sync hourly, for hours: the sensor keeps up, in a real daemon,
and nothing grows.

`SOAK_MINUTES` (default 3) is how much time passes for them, and `SOAK_CONNECTIONS` (default 500)
how many there are; `make test-deep` tries an hour of 5,000.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from helpers.kill_group import process_group
from helpers.process_size import Size
from helpers.soak import Soaked, soak

# One after the other with those that start a whole deployment as well.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kill")]

MINUTES = int(os.environ.get("SOAK_MINUTES", "3"))
CONNECTIONS = int(os.environ.get("SOAK_CONNECTIONS", "500"))
# What Dagster may spend on storing, by default; a machine that does much else may need more.
SHARE = 0.5 if MINUTES >= 60 else 0.65
# From so many minutes on, a line through the sizes is looked at as well. Before, it would be one
# through the first fifty ticks or so (25 minutes), in which a code server grows by some percent.
LONG = 60
# Of a process's size. At 5,000 connections that is 5 kB for each of an hour's 25,000 events: one
# that kept an object of each would grow by more.
MOST_PER_HOUR = 0.1


def megabytes(size: Size) -> float:
    return size.megabytes


@pytest.fixture(scope="module")
def soaked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Soaked]:
    with process_group() as group:
        yield soak(group, tmp_path_factory.mktemp("soak"), CONNECTIONS, MINUTES)


def test_each_tick_reports_all_that_had_ended_before_it_began(
    soaked: Soaked, record_property: Callable[[str, object], None]
) -> None:
    record_property("measured", f"{MINUTES} min of {CONNECTIONS:,} hourly connections: {soaked}")
    assert soaked.syncs > 0
    assert soaked.behind == 0


def test_a_tick_with_its_storing_takes_its_share_of_the_interval_at_most(soaked: Soaked) -> None:
    assert soaked.share <= SHARE


def test_memory_does_not_grow(soaked: Soaked) -> None:
    for name, (first, last) in soaked.growth(megabytes).items():
        assert last <= first * 1.1, name
    if MINUTES < LONG:
        return
    usual = {name: first for name, (first, _) in soaked.growth(megabytes).items()}
    for name, growth in soaked.growth_per_hour(megabytes).items():
        assert growth <= MOST_PER_HOUR * usual[name], name


@pytest.mark.parametrize(
    "part", [lambda size: size.descriptors, lambda size: size.threads], ids=["files", "threads"]
)
def test_open_files_and_threads_do_not_grow(soaked: Soaked, part: Callable[[Size], float]) -> None:
    # Some are open for a moment only, at one look and not at another.
    for name, (first, last) in soaked.growth(part).items():
        assert last <= first + (2 if MINUTES >= LONG else 4), name
