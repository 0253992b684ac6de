"""Ticks that have time for some pages of history only."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dagster_airbyte_sync.resources import TimeBudget
from dagster_airbyte_sync.testing import AirbyteSimulator, RecordedRequest


class _Watch:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def pages_in_a_tick(airbyte: AirbyteSimulator, pages: int) -> Iterator[None]:
    """A tick's time is up after so many pages; nothing else takes any."""
    watch = _Watch()

    def spend(request: RecordedRequest) -> None:
        is_list = request.path.endswith(("/jobs", "/jobs/list_for_workspaces"))
        if is_list and request.query.get("limit") != ["1"]:
            watch.now += 1

    airbyte.on_request(spend)
    with pytest.MonkeyPatch.context() as patch:
        budget = "dagster_airbyte_sync.sensors.tick.TimeBudget"
        patch.setattr(budget, lambda seconds: TimeBudget(pages, clock=watch))
        yield
