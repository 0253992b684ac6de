"""What the sensor of a trigger keeps from tick to tick: which job of each member counted.

Losing it costs nothing once a run was started: what counted is in the tags of its runs.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from dagster_airbyte_sync.resources.json_values import as_int
from dagster_airbyte_sync.sensors.cursor.packing import NotPacked, pack_rows, unpack_rows
from dagster_airbyte_sync.sensors.cursor.pending import UNKNOWN, JobKey, job_ref
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import Mark

VERSION = 1

# No job at all: it comes before every other.
NOTHING: JobKey = (0, UNKNOWN)


class UnreadableState(ValueError):
    """Raised for a cursor that cannot be used; the text says why."""


@dataclass(frozen=True)
class Seen:
    """The jobs of one member.

    `counted` is the newest that the last start counted, `came` a newer one with which it is in, and
    `part` one of which some tables were not reported when it was last looked at.
    """

    counted: JobKey = NOTHING
    came: JobKey = NOTHING
    part: JobKey = NOTHING

    @property
    def is_in(self) -> bool:
        return self.came != NOTHING

    @property
    def ended(self) -> "Seen":
        """Once the round has ended."""
        return replace(self, counted=self.came, came=NOTHING) if self.is_in else self


@dataclass(frozen=True)
class State:
    """A round of a trigger: it began when the first member came in (`since`, in epoch seconds of
    Dagster's clock). `is_said` says whether its missing members were named at the deadline."""

    members: Mapping[Mark, Seen] = field(default_factory=dict)
    since: int | None = None
    is_said: bool = False

    @property
    def counted(self) -> Mapping[Mark, JobKey]:
        return {mark: seen.counted for mark, seen in self.members.items()}

    def ended(self, marks: Iterable[Mark]) -> "State":
        """The state once the round has ended; others than these members are forgotten."""
        return State({mark: self.members[mark].ended for mark in sorted(marks)})

    def to_text(self) -> str:
        """JSON, of some 20 bytes for each member."""
        fields = {
            "v": VERSION,
            "members": pack_rows(
                {m: (*s.counted, *s.came, *s.part) for m, s in self.members.items()}
            ),
            "since": self.since,
            "said": self.is_said or None,
        }
        known = {name: value for name, value in fields.items() if value is not None}
        return json.dumps(known, separators=(",", ":"))


def read_state(text: str) -> State:
    """The state that a text is, which a user may have edited. Raises UnreadableState."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableState("it is not JSON") from None
    if not isinstance(raw, dict) or raw.get("v") != VERSION:
        raise UnreadableState("it was written by another version")
    try:
        rows = unpack_rows(str(raw.get("members", "")), 6)
    except NotPacked:
        raise UnreadableState("its list of members is damaged") from None
    members = {mark: Seen((a, b), (c, d), (e, f)) for mark, (a, b, c, d, e, f) in rows.items()}
    return State(members, as_int(raw.get("since")), raw.get("said") is True)


def is_newer(job: JobKey, than: JobKey) -> bool:
    """Whether a job came after another that was reported for its connection before it.

    Where numbers and times disagree, a clock was set, or Airbyte restored: then it did, too.
    """
    one, other = job_ref(job), job_ref(than)
    return not one.is_same(other) and not one.precedes(other)


def adopted(state: State, counted: Mapping[Mark, JobKey]) -> State | None:
    """The state after a start that it does not know of; None if it knows of all that was counted.

    Who is in must then be found out anew.
    """
    newer = {
        mark: counted[mark]
        for mark, seen in state.members.items()
        if mark in counted and job_ref(seen.counted).precedes(job_ref(counted[mark]))
    }
    if not newer:
        return None
    return State({mark: Seen(newer.get(mark, s.counted)) for mark, s in state.members.items()})
