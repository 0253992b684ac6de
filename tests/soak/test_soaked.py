"""The soak test sees a process that grows slowly, whatever it needs to warm up."""

from itertools import count

import pytest

from helpers.process_size import Size
from helpers.soak import INTERVAL, Soaked, Tick

MINUTES = 60
TICKS = MINUTES * 60 // INTERVAL


def soaked(per_hour: float) -> Soaked:
    """Sizes of 200 MB that jump by 3 MB up and down, after 40 MB of warming up in 10 minutes."""
    ticks = []
    for place, began in zip(range(TICKS), count(0, INTERVAL), strict=False):
        warming = 40 * min(1.0, began / 600)
        megabytes = 200 + warming + per_hour * began / 3600 + (3 if place % 2 else -3)
        ticks.append(Tick(began, 1.0, 5, 0, {"daemon": Size(megabytes, 10, 10)}))
    return Soaked(ticks)


@pytest.mark.parametrize("per_hour", [-5.0, 0.0, 5.0, 40.0])
def test_the_growth_per_hour_is_that_after_the_warm_up(per_hour: float) -> None:
    assert soaked(per_hour).growth_per_hour(lambda size: size.megabytes) == {
        "daemon": pytest.approx(per_hour, abs=0.5)
    }
