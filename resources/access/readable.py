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
# A search of a tick has so many questions and seconds: a tick is there for what can be read.
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
            elif self._is_used_up:
                self.doubted.append(ids)
            else:
                parts = self._parts(ids) if is_refused else self._whole(ids)
                # At once: that a group is refused is not remembered if the search is cut.
                work.extendleft(reversed(parts))
        return self

    @property
    def _is_used_up(self) -> bool:
        # Who has no limit wants to know, as what he does not hear of gets no definitions.
        if self.budget.left is None:
            return False
        return self.questions >= _MOST_QUESTIONS or self.budget.is_spent

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
    which. What a search did not come to is left out, too, until the next one goes on. Where nothing
    at all is answered, as a gateway refuses for Airbyte, a refusal says nothing of a workspace.
    """

    def __init__(self, ask: Ask, clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        # When each was last refused.
        self._refused: dict[str, float] = {}
        self._doubted: list[tuple[str, ...]] = []
        # Refused each for itself, before a search that goes on has found anybody it may read.
        self._unproven: set[str] = set()
        self._searched_at = -math.inf
        # The last that was seen to be answered for.
        self._witness: str | None = None
        # Whether one was answered for, meanwhile, that had been refused.
        self._has_news = False

    @property
    def refused(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._refused)

    @property
    def doubted(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._unproven).union(*self._doubted)

    def find(self, groups: Iterable[Sequence[str]], budget: TimeBudget) -> bool:
        """Find out because of which of these a question was refused, if it was for their sake.

        False if it was not, as all of them are refused: that is not noted.
        """
        without = self.refused | self.doubted
        more = (tuple(each for each in group if each not in without) for group in groups)
        with self._lock:
            doubted = list(self._doubted)
        search = _Search(self._ask, _share(budget)).through([*doubted, *more])
        self._note(search)
        return bool(search.readable or search.doubted) or not search.unreadable

    def look_again(self, budget: TimeBudget) -> bool:
        """Go on with a search that was cut, and try again what was refused ten minutes ago: whether
        there is news. Airbyte need not answer for that."""
        with self._lock:
            has_news, self._has_news = self._has_news, False
        search = _Search(self._ask, _share(budget))
        try:
            self._note(search.through(self._due(budget)))
        except AirbyteError as failure:
            _log.info(
                "Trying again later to find out whether more workspaces can be read: %s", failure
            )
            return has_news
        return has_news or bool(search.readable or search.unreadable)

    def note_answered(self, workspace_id: str) -> None:
        """It was refused, and now another question about it was answered."""
        with self._lock:
            if self._refused.pop(workspace_id, None) is not None:
                self._has_news = True

    def _due(self, budget: TimeBudget) -> list[tuple[str, ...]]:
        now = self._clock()
        with self._lock:
            oldest_first = sorted(self._refused.items(), key=lambda item: item[1])
            refused = [(each,) for each, at in oldest_first if now - at >= _AGAIN]
            is_time = budget.left is None or now - self._searched_at >= _GO_ON
            doubted = list(self._doubted)
            if budget.left is None or not doubted:
                doubted += _each_alone(self._unproven)
            return [*doubted, *refused] if is_time else []

    def _note(self, search: _Search) -> None:
        if not (search.questions or search.doubted):
            return
        is_proof = self._is_of_some(search)
        now = self._clock()
        with self._lock:
            self._searched_at = now
            self._witness = next(iter(search.readable), self._witness)
            known = self._refused.keys() - search.readable
            self._refused = {each: self._refused[each] for each in known}
            # What was refused before stays so, whoever refuses it now.
            again = search.unreadable & self._refused.keys()
            alone = search.unreadable if is_proof else again
            self._refused.update(dict.fromkeys(alone, now))
            # What was refused before and not come to is the first to be tried next.
            left = [group for group in search.doubted if not self._refused.keys() >= set(group)]
            before = self._unproven - search.readable - self._refused.keys()
            # They are asked again once somebody is answered for: a gateway may have refused them.
            self._doubted = [*left, *_each_alone(before)] if is_proof else left
            self._unproven = (
                before | (search.unreadable - again) if left and not is_proof else set()
            )

    def _is_of_some(self, search: _Search) -> bool:
        """Whether Airbyte answers for others than those that it refuses."""
        if search.readable or search.unreadable <= self.refused:
            return True
        witness = self._witness
        if witness is None or witness in search.unreadable or search.budget.is_spent:
            return False
        return self._ask([witness], search.budget)


def _share(budget: TimeBudget) -> TimeBudget:
    return budget if budget.left is None else budget.half().at_most(_LONGEST)


def _each_alone(ids: Iterable[str]) -> list[tuple[str, ...]]:
    return [(each,) for each in sorted(ids)]
