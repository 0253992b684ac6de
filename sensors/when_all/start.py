"""A start: which syncs a run follows, and the requests for it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from hashlib import sha256

import dagster as dg

from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.resources import JobRef
from dagster_airbyte_sync.sensors.cursor.pending import job_ref
from dagster_airbyte_sync.sensors.run_requests.arrival import Arrival, newest_of_each, tags_of
from dagster_airbyte_sync.sensors.run_requests.downstream import Downstream
from dagster_airbyte_sync.sensors.run_requests.runnable import Runnable
from dagster_airbyte_sync.sensors.when_all.members import Member
from dagster_airbyte_sync.sensors.when_all.progress import Progress
from dagster_airbyte_sync.sensors.when_all.runs import tags_of_start
from dagster_airbyte_sync.sensors.when_all.when_all import WhenAll

# The page of a connection's job.
JobPage = Callable[[str, int], str]


def arrivals_of(progress: Progress, ledger: Ledger, job_page: JobPage) -> list[Arrival]:
    """The syncs that count."""
    jobs = [(member, _job_of(member, progress, ledger)) for member in progress.present]
    return [
        Arrival(
            member.connection_id,
            member.name,
            job,
            job_page(member.connection_id, job.id),
            frozenset(table.key for table in member.tables),
        )
        for member, job in jobs
    ]


def _job_of(member: Member, progress: Progress, ledger: Ledger) -> JobRef:
    """The job with which a member came, with its end if the event log still has that."""
    came = job_ref(progress.state.members[member.mark].came)
    last = [each for table in member.tables if (each := ledger.last.get(table.key))]
    known = [job for each in last for job in (each.job, each.newest) if job is not None]
    return next((job for job in known if job.is_same(came)), came)


def of_one_end(arrivals: Sequence[Arrival], last_stored: datetime | None) -> list[Arrival]:
    """The arrivals, as if all had ended with the last: so they are of one partition."""
    ends = [arrival.ended_at for arrival in arrivals if arrival.ended_at is not None]
    end = max(ends, default=last_stored)
    return [replace(each, job=replace(each.job, ended_at=end)) for each in arrivals]


def _last_stored(members: Sequence[Member], ledger: Ledger) -> datetime | None:
    """By Dagster's clock, which is near enough where Airbyte gave no end."""
    keys = [table.key for member in members for table in member.tables]
    stored = [ledger.last[key].stored_at for key in keys if key in ledger.last]
    return datetime.fromtimestamp(max(stored), timezone.utc) if stored else None


@dataclass(frozen=True)
class Starter:
    """Makes the requests of a start, for what Dagster would take."""

    when_all: WhenAll
    runnable: Runnable
    workspace_id: str
    log: logging.Logger

    def requests(
        self, progress: Progress, ledger: Ledger, job_page: JobPage
    ) -> tuple[list[dg.RunRequest], Sequence[str]]:
        """One request, or several where partitions differ, and why something was left out.

        Raises OutOfTime.
        """
        arrivals = arrivals_of(progress, ledger, job_page)
        options = self.when_all
        downstream = Downstream(
            self.runnable, options.downstream, options.partition_offset, self.log
        )
        last_stored = _last_stored(progress.present, ledger)
        together = of_one_end(arrivals, last_stored)
        requests = downstream.requests(together, self.workspace_id)
        # Of all members, also those on which nothing depends.
        shown = tags_of(newest_of_each(arrivals))
        signed = [self._signed(request, shown, progress) for request in requests]
        return signed, downstream.left_out

    def _signed(
        self, request: dg.RunRequest, shown: Mapping[str, str], progress: Progress
    ) -> dg.RunRequest:
        """With a key by which what counted is started once, and with the tags of the start."""
        counted = progress.after.counted
        own = (
            f"when_all:{self.workspace_id}:{self.when_all.name}:{_digest(sorted(counted.items()))}"
        )
        # Its own key distinguishes the partitions of one start.
        of_partition = _digest(request.run_key) if request.partition_key else ""
        names = (member.name for member in progress.members.known)
        started = tags_of_start(
            self.when_all.name, self.workspace_id, names, progress.missing, counted
        )
        return request.with_replaced_attrs(
            run_key=f"{own}:{of_partition}" if of_partition else own,
            tags={**{key: value for key, value in shown.items() if value}, **started},
        )


def _digest(what: object) -> str:
    return sha256(repr(what).encode()).hexdigest()[:16]
