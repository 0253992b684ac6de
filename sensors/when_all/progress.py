"""Who is in, who is missing, and whether to start. Pure: the event log has what is needed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce

from dagster_airbyte_sync.assets.events.ledger import LastReported, Ledger
from dagster_airbyte_sync.resources import JobRef
from dagster_airbyte_sync.sensors.cursor.pending import UNKNOWN, JobKey, job_key
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import Mark
from dagster_airbyte_sync.sensors.when_all.members import Member, Members
from dagster_airbyte_sync.sensors.when_all.state import NOTHING, Seen, State, is_newer
from dagster_airbyte_sync.sensors.when_all.when_all import WhenAll

# A job of which not all tables are reported, for so long, will not be reported for the others.
SETTLED_AFTER = 120.0


@dataclass(frozen=True)
class Newest:
    """The newest job that is reported of a member; `stored_at` (Dagster's clock, epoch seconds) is
    when its last table was."""

    job: JobRef
    stored_at: float
    is_whole: bool

    def is_settled(self, now: float) -> bool:
        return self.is_whole or now - self.stored_at >= SETTLED_AFTER


@dataclass(frozen=True)
class Progress:
    """How far a round is; `late_since` is when it passed its deadline, if it has.

    `missing` are the names of members that are not in; of `partly` some tables are reported.
    """

    state: State
    members: Members
    present: tuple[Member, ...] = ()
    missing: tuple[str, ...] = ()
    partly: frozenset[str] = frozenset()
    late_since: int | None = None
    is_due: bool = False

    @property
    def after(self) -> State:
        """The state once the round has ended."""
        return self.state.ended(member.mark for member in self.members.known)

    @property
    def must_say(self) -> bool:
        """Whether the missing members are still to be named."""
        return self.late_since is not None and not self.is_due and not self.state.is_said


def newest_of(member: Member, ledger: Ledger) -> Newest | None:
    """The newest job of a member; None if none is reported of it.

    What was materialized without a job, by another tool or by hand, is not looked at.
    """
    named = [
        (last.newest, last)
        for table in member.tables
        if (last := ledger.last.get(table.key)) is not None and last.newest is not None
    ]
    if not named:
        return None
    job, _ = reduce(_later, named)
    own = [last.stored_at for each, last in named if each.is_same(job)]
    return Newest(job, max(own), is_whole=len(own) == len(member.tables))


def _later(
    one: tuple[JobRef, LastReported], other: tuple[JobRef, LastReported]
) -> tuple[JobRef, LastReported]:
    if one[0].precedes(other[0]):
        return other
    if other[0].precedes(one[0]):
        return one
    # A restored Airbyte gives numbers again: what was stored last came last.
    return max(one, other, key=lambda each: each[1].stored_at)


def first_state(members: Members, ledger: Ledger, counted: Mapping[Mark, JobKey]) -> State:
    """Where a sensor without a cursor begins: with what its last run counted, if it had one."""
    known = {mark: Seen(job) for mark, job in counted.items()}
    return with_new_members(State(known), members, ledger)


def with_new_members(state: State, members: Members, ledger: Ledger) -> State:
    """The state, in which only later syncs count of a member that it does not know."""
    new = {
        member.mark: Seen(NOTHING if (last := newest_of(member, ledger)) is None else _key(last))
        for member in members.known
        if member.mark not in state.members
    }
    return replace(state, members={**state.members, **new}) if new else state


def _key(newest: Newest) -> JobKey:
    return job_key(newest.job)


def progress_of(
    when_all: WhenAll, state: State, members: Members, ledger: Ledger, now: int
) -> Progress:
    """How far the round is at `now` (Dagster's clock, epoch seconds)."""
    state = with_new_members(state, members, ledger)
    newest = {member.mark: newest_of(member, ledger) for member in members.known}
    seen = {mark: _seen(state.members[mark], each, now) for mark, each in newest.items()}
    since = _since(state, seen, newest, now)
    state = replace(state, members={**state.members, **seen}, since=since)
    present = tuple(member for member in members.known if seen[member.mark].is_in)
    absent = [member for member in members.known if not seen[member.mark].is_in]
    missing = (*(member.name for member in absent), *members.unknown)
    late_since = _late_since(when_all, since, now) if missing else None
    starts_late = late_since is not None and when_all.at_deadline == "start"
    return Progress(
        state,
        members,
        present,
        missing,
        frozenset(member.name for member in absent if seen[member.mark].part != NOTHING),
        late_since,
        is_due=bool(present) and (not missing or starts_late),
    )


def _seen(seen: Seen, newest: Newest | None, now: int) -> Seen:
    """What is seen of a member now, which stays in with what it came with."""
    if newest is None or not is_newer(_key(newest), seen.counted):
        return seen if newest is None else replace(seen, part=NOTHING)
    if newest.is_settled(now):
        return replace(seen, came=_key(newest), part=NOTHING)
    # Jobs are reported in order: as a newer one has begun, the one before is done. It may have
    # counted by then, and be in part again, where a table of it was materialized by hand.
    counts = seen.part != NOTHING and is_newer(seen.part, seen.counted)
    is_done = counts and is_newer(_key(newest), seen.part)
    return replace(seen, came=seen.part if is_done else seen.came, part=_key(newest))


def _since(
    state: State, seen: Mapping[Mark, Seen], newest: Mapping[Mark, Newest | None], now: int
) -> int | None:
    """When the first member came in: as its tables were stored, not as it was looked at."""
    came = [
        int(each.stored_at)
        for mark, each in newest.items()
        if each is not None and seen[mark].is_in and not state.members[mark].is_in
    ]
    known = [] if state.since is None else [state.since]
    if not any(each.is_in for each in seen.values()):
        return None
    return min([*known, *came, now])


def _late_since(when_all: WhenAll, since: int | None, now: int) -> int | None:
    if when_all.deadline is None or since is None:
        return None
    late = since + int(when_all.deadline.total_seconds())
    return late if now >= late else None


def moved_rows(progress: Progress, ledger: Ledger) -> bool:
    """Whether a member moved rows since the last start; where that is not known, it did."""
    members = progress.state.members
    return any(
        _has_rows(last, members[member.mark])
        for member in progress.present
        for table in member.tables
        if (last := ledger.last.get(table.key)) is not None
    )


def _has_rows(last: LastReported, seen: Seen) -> bool:
    # The version of a table's data names the job that was the last to move rows.
    job = None if last.data_version is None else JobRef.named(last.data_version)
    if job is None or UNKNOWN in (job_key(job)[1], seen.counted[1]):
        return job is None or is_newer(job_key(job), seen.counted)
    # By creation: after a restore numbers begin again, and the version stays until rows come.
    return job_key(job)[1] > seen.counted[1]
