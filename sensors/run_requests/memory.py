"""What was found out about a code location, and said of it, for as long as it is loaded."""

import logging
from collections.abc import Set
from threading import Lock
from weakref import WeakKeyDictionary

import dagster as dg
from cachetools import LRUCache

# So many different wishes of one code location are remembered, and so many large good selections.
_MOST_WISHES = 256
_MOST_GOOD = 16

Keys = Set[dg.AssetKey]
# Why Dagster refuses a wish, or None if it does not.
LookedAt = tuple[str | None]


class Memory:
    """Of one code location. Ticks come and go in one process, in several threads, and looking costs
    them seconds where a location is large."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._looked_at: LRUCache[str, LookedAt] = LRUCache(_MOST_WISHES)
        self._good: LRUCache[frozenset[dg.AssetKey], None] = LRUCache(_MOST_GOOD)
        self._refused: dict[dg.AssetKey, str] = {}
        self._said: set[str] = set()

    def looked_at(self, wish: str) -> LookedAt | None:
        with self._lock:
            return self._looked_at.get(wish)

    def remember(self, wish: str, found: LookedAt) -> None:
        with self._lock:
            self._looked_at[wish] = found

    def is_good(self, keys: Keys) -> bool:
        """Whether Dagster takes the assets: with others it did, and it takes parts of that."""
        with self._lock:
            return any(keys <= good for good in self._good)

    def remember_good(self, keys: Keys) -> None:
        with self._lock:
            self._good[frozenset(keys)] = None

    def refused_alone(self, key: dg.AssetKey) -> str | None:
        """Why Dagster refuses the asset, whatever it is run with."""
        return self._refused.get(key)

    def remember_refused(self, keys: Keys, reason: str) -> None:
        self._refused.update(dict.fromkeys(keys, reason))

    def say_once(
        self, log: logging.Logger, level: int, text: str, about: str | None = None
    ) -> None:
        """Log the text, unless it, or what it is about, was said before."""
        with self._lock:
            is_new = (about or text) not in self._said
            self._said.add(about or text)
        if is_new:
            log.log(level, "%s", text)


_memories: WeakKeyDictionary[dg.RepositoryDefinition, Memory] = WeakKeyDictionary()
_lock = Lock()


def memory_of(repository: dg.RepositoryDefinition) -> Memory:
    with _lock:
        return _memories.setdefault(repository, Memory())
