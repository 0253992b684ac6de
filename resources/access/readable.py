"""Which of the listed workspaces may be read: credentials may be shown others as well."""

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from dagster_airbyte_sync.resources.errors import AirbyteError
from dagster_airbyte_sync.resources.http.budget import TimeBudget

_log = logging.getLogger(__name__)

# Whether a question about these is answered, or refused because of one of them.
Ask = Callable[[Sequence[str], TimeBudget], bool]

# Seconds until one that may not be read is tried again, and until a search that was cut goes on.
_AGAIN, _GO_ON = 600.0, 20.0
# A search has so many questions and seconds: a tick is there for what can be read.
_MOST_QUESTIONS, _LONGEST = 40, 10.0


@dataclass
class _Search:
    """Halves what is refused until each culprit is alone, or the questions are used up."""

    ask: Ask
    budget: TimeBudget
    questions: int = 0
    readable: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    doubted: list[tuple[str, ...]] = field(default_factory=list)

    def through(self, groups: Iterable[tuple[str, ...]]) -> "_Search":
        """After groups of which it is not known whether they are refused."""
        work = deque((group, False) for group in groups if group)
        while work:
            ids, is_refused = work.popleft()
            if is_refused and len(ids) == 1:
                self.unreadable.update(ids)
            elif self.questions >= _MOST_QUESTIONS or self.budget.is_spent:
                self.doubted.append(ids)
            else:
                work.extend(self._parts(ids) if is_refused else self._whole(ids))
        return self

    def _whole(self, ids: tuple[str, ...]) -> list[tuple[tuple[str, ...], bool]]:
        return [] if self._is_answered(ids) else [(ids, True)]

    def _parts(self, ids: tuple[str, ...]) -> list[tuple[tuple[str, ...], bool]]:
        first, second = ids[: len(ids) // 2], ids[len(ids) // 2 :]
        # If it is none of the first half, nobody need ask about the second.
        is_open = self._is_answered(first)
        return [(second, True)] if is_open else [(first, True), (second, False)]

    def _is_answered(self, ids: tuple[str, ...]) -> bool:
        self.questions += 1
        is_open = self.ask(ids, self.budget)
        self.readable.update(ids if is_open else ())
        return is_open


class Readable:
    """Remembers which may not be read, and asks again. Safe to share between threads, none of which
    waits while another asks.

    Airbyte refuses a question about several workspaces as a whole and does not say because of
    which. What a search did not come to is left out, too, until the next one goes on.
    """

    def __init__(self, ask: Ask, clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        # When each was last refused.
        self._refused: dict[str, float] = {}
        self._doubted: list[tuple[str, ...]] = []
        self._searched_at = -math.inf

    @property
    def refused(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._refused)

    @property
    def doubted(self) -> frozenset[str]:
        with self._lock:
            return frozenset(each for group in self._doubted for each in group)

    def find(self, groups: Iterable[Sequence[str]], budget: TimeBudget) -> None:
        """Find out because of which of these a question was refused, if it was for their sake."""
        without = self.refused | self.doubted
        more = (tuple(each for each in group if each not in without) for group in groups)
        with self._lock:
            doubted = list(self._doubted)
        self._note(_Search(self._ask, _share(budget)).through([*doubted, *more]))

    def look_again(self, budget: TimeBudget) -> bool:
        """Go on with a search that was cut, and try again what was refused ten minutes ago: whether
        there is news. Airbyte need not answer for that."""
        due = self._due()
        if not due:
            return False
        search = _Search(self._ask, _share(budget))
        try:
            search.through(due)
        except AirbyteError as failure:
            _log.info("Whether more workspaces can be read is found out later: %s", failure)
            return False
        self._note(search)
        return bool(search.readable or search.unreadable)

    def _due(self) -> list[tuple[str, ...]]:
        now = self._clock()
        with self._lock:
            oldest_first = sorted(self._refused.items(), key=lambda item: item[1])
            refused = [(each,) for each, at in oldest_first if now - at >= _AGAIN]
            is_time = now - self._searched_at >= _GO_ON
            return [*self._doubted, *refused] if is_time else []

    def _note(self, search: _Search) -> None:
        now = self._clock()
        with self._lock:
            self._searched_at = now
            known = self._refused.keys() - search.readable
            self._refused = {each: self._refused[each] for each in known}
            self._refused.update(dict.fromkeys(search.unreadable, now))
            # What was refused before and not come to stays so, and is the first to be tried next.
            self._doubted = [
                group for group in search.doubted if not self._refused.keys() >= set(group)
            ]


def _share(budget: TimeBudget) -> TimeBudget:
    return budget.half().at_most(_LONGEST)
