"""The catalog as it was last read, for all threads of a client."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cachetools import TTLCache

from dagster_airbyte_sync.resources.errors import OutOfTime
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, OUT_OF_TIME, TimeBudget
from dagster_airbyte_sync.resources.records.catalog import Catalog


class KeptCatalog:
    """One thread reads at a time; who needs only what is remembered does not wait for it."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._reading, self._lock = threading.RLock(), threading.Lock()
        self._catalog: TTLCache[str, Catalog] = TTLCache(1, seconds, timer=clock)

    @contextmanager
    def reading(self, budget: TimeBudget = NO_LIMIT) -> Iterator[None]:
        """While this thread reads it. Raises OutOfTime if others do for as long as the budget."""
        if not self._reading.acquire(timeout=-1 if budget.left is None else budget.left):
            raise OutOfTime(OUT_OF_TIME)
        try:
            yield
        finally:
            self._reading.release()

    def get(self) -> Catalog | None:
        with self._lock:
            return self._catalog.get("catalog")

    def keep(self, catalog: Catalog) -> None:
        with self._lock:
            self._catalog["catalog"] = catalog

    def clear(self) -> None:
        """Forget it, and what another thread reads just now."""
        with self._reading, self._lock:
            self._catalog.clear()
