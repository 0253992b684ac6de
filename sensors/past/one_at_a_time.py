"""One backfill of a workspace at a time, wherever they are started.

Each decides by an event log to which another one may be writing, so that both would store the same.
Two processes, on two machines perhaps, share Dagster's storage: there a backfill says over and over
that it goes on, under dynamic partitions that belong to no asset. Of what Dagster's public methods
store, only those can be written, listed and deleted, and are seen by all at once.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import dagster as dg

_log = logging.getLogger(__name__)

# Seconds: so often a backfill says that it goes on; if it could not for so long, it ends; and one
# that has not for so long, in the eyes of another that looks so often, was killed.
_BEAT, _LOST_AFTER, _DEAD_AFTER, _LOOK = 3.0, 20.0, 30.0, 0.5
# Seconds in which of several that start at once all but one give way.
_RIVALS_FOR = 9.0


@dataclass(frozen=True)
class Claim:
    """A backfill that says it runs: since when (epoch seconds, by its own clock), and where."""

    owner: str
    beat: int
    began: int
    place: str

    @property
    def since(self) -> datetime:
        return datetime.fromtimestamp(self.began, timezone.utc)

    @property
    def key(self) -> str:
        # MySQL tells keys apart by their first 64 letters.
        return f"{self.owner} {self.beat} {self.began} {self.place}"

    @classmethod
    def from_key(cls, key: str) -> "Claim | None":
        owner, beat, began, place, *_ = [*key.split(" ", 3), "", "", ""]
        is_one = beat.isdecimal() and began.isdecimal()
        return cls(owner, int(beat), int(began), place) if is_one else None


class OtherBackfill(Exception):
    """Raised if another backfill of the workspace runs; `claim` says since when, and where."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        super().__init__(claim)


class LostClaim(Exception):
    """Raised if a backfill was held up for so long that another one may have begun."""


def _nothing(claim: Claim) -> None: ...


class OneAtATime:
    """The backfills of one workspace, as Dagster's storage has them. `place` says where this is."""

    def __init__(self, instance: dg.DagsterInstance, workspace_id: str, place: str) -> None:
        self._instance = instance
        self._name = f"airbyte backfills {workspace_id}"
        self._own = Claim(uuid.uuid4().hex, 0, int(time.time()), place)
        self._said_at = 0.0

    def refuse_others(self, wondering: Callable[[Claim], None] = _nothing) -> None:
        """Raise OtherBackfill if another one runs.

        Where one was killed, that takes half a minute, and `wondering` is called before.
        """
        others = self._others()
        for claim in others.values():
            wondering(claim)
        for claim in self._left_of(others, _DEAD_AFTER).values():
            self._delete(claim)

    @contextmanager
    def claimed(self) -> Iterator[Callable[[], None]]:
        """Meanwhile no other one begins. What it gives is to be called before each event.

        Raises OtherBackfill, and what it gives raises LostClaim.
        """
        is_over = threading.Event()
        beating = threading.Thread(target=self._go_on_saying, args=(is_over,), daemon=True)
        self._say()
        try:
            self._refuse_rivals()
            self._say()
            beating.start()
            yield self._refuse_lost
        finally:
            is_over.set()
            if beating.is_alive():
                beating.join()
            for claim in self._claims():
                if claim.owner == self._own.owner:
                    self._delete(claim)

    def _refuse_rivals(self) -> None:
        """Each has said that it runs before it looks: of two, one sees the other at least.

        Of two that see each other the first by name goes on. The other one says no more, and gives
        way; if it has not seen this one, it says so again.
        """
        others = self._others()
        first = min(others, default="")
        if others and first < self._own.owner:
            raise OtherBackfill(others[first])
        for claim in self._left_of(others, _RIVALS_FOR).values():
            raise OtherBackfill(claim)

    def _left_of(self, others: Mapping[str, Claim], seconds: float) -> Mapping[str, Claim]:
        """Those who have neither ended nor said a word for so long. Raises OtherBackfill."""
        until = time.monotonic() + seconds
        while others and time.monotonic() < until:
            time.sleep(_LOOK)
            now = self._others()
            for owner in others.keys() & now.keys():
                if now[owner] != others[owner]:
                    raise OtherBackfill(now[owner])
            others = {owner: now[owner] for owner in others if owner in now}
        return others

    def _refuse_lost(self) -> None:
        if self._is_lost():
            raise LostClaim(
                f"For {_LOST_AFTER:.0f} seconds this backfill could not record in Dagster's"
                " storage that it is still running, so another backfill may have begun."
            )

    def _is_lost(self) -> bool:
        return time.time() - self._said_at > _LOST_AFTER

    def _go_on_saying(self, is_over: threading.Event) -> None:
        while not is_over.wait(_BEAT) and not self._is_lost():
            try:
                self._say()
            except Exception as error:
                # A storage raises anything; what lasts is noticed before the next event.
                _log.warning(
                    "Dagster's storage did not record that a backfill is still running: %s", error
                )

    def _say(self) -> None:
        at, before = time.time(), self._own
        now = replace(before, beat=before.beat + 1)
        self._instance.add_dynamic_partitions(self._name, [now.key])
        self._own, self._said_at = now, at
        self._delete(before)

    def _delete(self, claim: Claim) -> None:
        self._instance.delete_dynamic_partition(self._name, claim.key)

    def _others(self) -> dict[str, Claim]:
        """The last that each of the others has said."""
        claims = sorted(self._claims(), key=lambda claim: claim.beat)
        return {claim.owner: claim for claim in claims if claim.owner != self._own.owner}

    def _claims(self) -> list[Claim]:
        keys = self._instance.get_dynamic_partitions(self._name)
        return [claim for key in keys if (claim := Claim.from_key(key))]
