"""Which job is meant: a number is not enough."""

from dataclasses import dataclass
from datetime import datetime, timezone


@dataclass(frozen=True)
class JobRef:
    """One job of a connection, as an event or a cursor remembers it.

    An Airbyte restored from a backup gives the same numbers to other jobs. A job's creation and end
    (Airbyte's clock, whole seconds) distinguish those, as neither changes any more. A running job
    has no end; events of earlier versions may lack the creation.
    """

    id: int
    created_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def name(self) -> str:
        """A name that no other job of this Airbyte has, although its number may come again."""
        if self.created_at is None:
            return str(self.id)
        return f"{self.id}-{int(self.created_at.timestamp())}"

    @classmethod
    def named(cls, name: str) -> "JobRef | None":
        """The job with that name, without its end; None for what is no such name."""
        number, _, created = name.partition("-")
        if not (number.isdecimal() and (created.isdecimal() or not created)):
            return None
        moment = datetime.fromtimestamp(int(created), timezone.utc) if created else None
        return cls(int(number), moment)

    def is_same(self, other: "JobRef") -> bool:
        """Whether both are one job; if they have no time in common, the number decides."""
        if self.id != other.id:
            return False
        if self.created_at is not None and other.created_at is not None:
            return self.created_at == other.created_at
        return self.ended_at == other.ended_at or None in (self.ended_at, other.ended_at)

    def precedes(self, other: "JobRef") -> bool:
        """Whether this job of the same connection came before the other.

        Jobs of one connection never overlap, so numbers and times rise together, and must agree
        here. Where they do not, neither job precedes: numbers begin again after a restore, and
        times after Airbyte's clock was set back, but the jobs that come then are not late.
        """
        return self.id < other.id and not self._is_later(other)

    def _is_later(self, other: "JobRef") -> bool:
        for mine, theirs in (
            (self.ended_at, other.ended_at),
            (self.created_at, other.created_at),
            (self.ended_at, other.created_at),
            (self.created_at, other.ended_at),
        ):
            if mine is not None and theirs is not None and mine != theirs:
                return mine > theirs
        return False
