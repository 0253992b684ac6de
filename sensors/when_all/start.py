"""A start: which syncs a run follows, and the requests for it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from hashlib import sha256

import dagster as dg

from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.resources import JobRef
from dagster_airbyte_sync.sensors.cursor.pending import JobKey, job_ref
from dagster_airbyte_sync.sensors.run_requests.arrival import Arrival, newest_of_each, tags_of
from dagster_airbyte_sync.sensors.run_requests.downstream import Downstream
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import Mark
from dagster_airbyte_sync.sensors.run_requests.runnable import Runnable
from dagster_airbyte_sync.sensors.when_all.members import Member
from dagster_airbyte_sync.sensors.when_all.progress import Progress
from dagster_airbyte_sync.sensors.when_all.runs import tags_of_start
from dagster_airbyte_sync.sensors.when_all.when_all import WhenAll

# The page of a connection's job.
JobPage = Callable[[str, int], str]


def arrivals_of(progress: Progress, ledger: Ledger, job_page: JobPage) -> list[Arrival]:
    """The syncs that count, as if all had ended with the last: so they are of one partition."""
    jobs = [(member, _job_of(member, progress, ledger)) for member in progress.present]
    ends = [job.ended_at for _, job in jobs if job.ended_at is not None]
    end = max(ends, default=None) or _last_stored(progress.present, ledger)
    return [
        Arrival(
            member.connection_id,
            member.name,
            replace(job, ended_at=end),
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
    ) -> list[dg.RunRequest]:
        """One request, or several where partitions differ. Raises OutOfTime."""
        arrivals = arrivals_of(progress, ledger, job_page)
        options = self.when_all
        downstream = Downstream(
            self.runnable, options.downstream, options.partition_offset, self.log
        )
        requests = downstream.requests(arrivals, self.workspace_id)
        # Of all members, also those on which nothing depends.
        shown = tags_of(newest_of_each(arrivals))
        return [self._signed(request, shown, progress) for request in requests]

    def _signed(
        self, request: dg.RunRequest, shown: Mapping[str, str], progress: Progress
    ) -> dg.RunRequest:
        """With a key by which what counted is started once, and with the tags of the start."""
        counted = progress.after.counted
        own = f"when_all:{self.workspace_id}:{self.when_all.name}:{_digest(counted)}"
        # The end of its own key tells the partitions of one start apart.
        of_partition = (request.run_key or "").rpartition(":")[2] if request.partition_key else ""
        names = (member.name for member in progress.members.known)
        started = tags_of_start(
            self.when_all.name, self.workspace_id, names, progress.missing, counted
        )
        return request.with_replaced_attrs(
            run_key=f"{own}:{of_partition}" if of_partition else own,
            tags={**{key: value for key, value in shown.items() if value}, **started},
        )


def _digest(counted: Mapping[Mark, JobKey]) -> str:
    text = repr(sorted(counted.items()))
    return sha256(text.encode()).hexdigest()[:16]
