"""What a run that starts syncs says of each start, and of those that it could not make."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import dagster as dg

from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, SyncClaim
from dagster_airbyte_sync.assets.queue.to_start import ToStart
from dagster_airbyte_sync.assets.start_jobs.queued_start import StillWaits, why_failed
from dagster_airbyte_sync.assets.sync.start import AlreadyRunning, RefreshStored
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table, name_of
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteUnavailable,
    Job,
    JobRequest,
    JobType,
    Pages,
)

_COMES = "Airbyte postponed the refresh: the connection's next job is a refresh"


@dataclass
class StartReport:
    """Says in the run what became of each start."""

    context: dg.OpExecutionContext
    pages: Pages
    requests: Mapping[str, JobRequest]
    wanted: ToStart | None = None
    airbyte_version: str = ""
    problems: dict[str, str] = field(default_factory=dict)

    def note(
        self,
        tables: Sequence[Table],
        start: "Future[tuple[Job, bool]]",
        said: Sequence[ClaimStatus] = (),
    ) -> None:
        """What came of a start, and what it knows of itself."""
        try:
            self.claim(*start.result(), tables, is_stored=ClaimStatus.STORED in said)
        except RefreshStored as stored:
            # It comes by itself: to send it again would be to refresh twice.
            self.say(ClaimStatus.STORED, tables)
            self.context.log.warning("%s: %s", name_of(tables), stored)
        except AlreadyRunning as busy:
            self.say(ClaimStatus.NOT_STARTED, tables)
            self.skip(tables, self._what_runs(busy))
        except dg.Failure as failure:
            if _was_paused(failure) and not _was_paused_before(tables):
                self.say(ClaimStatus.NOT_STARTED, tables)
                self.skip(tables, "it was paused in Airbyte since the definitions were loaded")
            else:
                # What was not answered may have been carried out.
                is_open = ClaimStatus.UNANSWERED in said
                status = ClaimStatus.UNANSWERED if is_open else ClaimStatus.NOT_STARTED
                self._note(tables, why_failed(failure), status)
        except (StillWaits, AirbyteUnavailable) as waits:
            self.note_unsent(tables, waits)
        except AirbyteError as error:
            self._note(tables, str(error))

    def note_unsent(self, tables: Sequence[Table], reason: AirbyteError) -> None:
        """Nothing was sent: what comes from the queue waits again."""
        if self.wanted and self.wanted.is_from_queue:
            self.wanted.put_back(tables, str(reason))
            self.fail(tables, f"{reason}; it still waits")
        else:
            self._note(tables, str(reason))

    def take_back(self, tables: Sequence[Table]) -> None:
        """Nothing was sent, and it is tried again in this run."""
        if not (self.wanted and self.wanted.is_from_queue):
            # There it would say that the sync waits no more.
            self.say(ClaimStatus.NOT_STARTED, tables)

    def say(self, status: ClaimStatus, tables: Sequence[Table]) -> None:
        """On the table on which the job is claimed last."""
        claim = SyncClaim(status, tables[-1].connection_id)
        self.context.log_event(claim.to_observation(tables[-1].key))

    def refuse_problems(self, total: int) -> None:
        if self.problems:
            by_reason = _by_reason(self.problems)
            each = "; ".join(f"{', '.join(names)}: {why}" for why, names in by_reason.items())
            raise dg.Failure(
                description=f"{len(self.problems)} of {self._how_many(total)} not started. {each}",
                metadata={_in_short(names): reason for reason, names in by_reason.items()},
            )

    def skip(self, tables: Sequence[Table], reason: str) -> None:
        """Leave the connection alone: that is no failure of syncs, as others see to it."""
        if self._kind(tables) is JobType.SYNC:
            self.context.log.info("Skipped %s: %s", name_of(tables), reason)
        else:
            self.fail(tables, reason)

    def fail(self, tables: Sequence[Table], reason: str) -> None:
        """Note the failure: the run goes on with the others, and fails in the end."""
        self.context.log.error("%s was not started: %s", name_of(tables), reason)
        self.problems[name_of(tables)] = reason

    def claim(
        self, job: Job, is_ours: bool, tables: Sequence[Table], *, is_stored: bool = False
    ) -> None:
        """Claim the job; `is_stored` if Airbyte has postponed the requested refresh, too."""
        is_met = self.requests[job.connection_id].is_met_by(job)
        # A retry starts what was asked for.
        is_ours = is_ours and is_met
        url, claim = self.pages.job(job), SyncClaim.of_job(job, started=is_ours)
        for table in tables:
            self.context.log_event(claim.to_observation(table.key, url, self.airbyte_version))
        did = "Started" if is_ours else "Found"
        self.context.log.info("%s Airbyte job %s of %s: %s", did, job.id, name_of(tables), url)
        if is_stored:
            # Last: a job that is claimed settles what was said before it.
            self.say(ClaimStatus.STORED, tables)
        if not is_met:
            self._note_another(job, tables, is_stored)

    def _note_another(self, job: Job, tables: Sequence[Table], is_stored: bool) -> None:
        kind = self._kind(tables).value
        reason = f"Airbyte had postponed a clear, and ran that instead of the {kind}"
        if self.wanted and self.wanted.is_from_queue:
            self.wanted.put_back(tables, reason)
        # Nothing is to be sent again.
        comes = f". {_COMES}" if is_stored else ""
        self.fail(tables, f"{reason}: {self.pages.job(job)}{comes}")

    def _how_many(self, total: int) -> str:
        return how_many(total, next(iter(self.requests.values())).type)

    def _kind(self, tables: Sequence[Table]) -> JobType:
        return self.requests[tables[0].connection_id].type

    def _note(
        self,
        tables: Sequence[Table],
        reason: str,
        status: ClaimStatus = ClaimStatus.NOT_STARTED,
    ) -> None:
        self.say(status, tables)
        self.fail(tables, reason)

    def _what_runs(self, busy: AlreadyRunning) -> str:
        if busy.running is None:
            return "a job was running"
        return f"Airbyte job {busy.running.id} is running, see {self.pages.job(busy.running)}"


def _was_paused(failure: dg.Failure) -> bool:
    return keys.text_in(failure.metadata, keys.CONNECTION_STATUS) == "inactive"


def _was_paused_before(tables: Sequence[Table]) -> bool:
    """Whether the definitions knew it: to ask for such a sync nevertheless is a mistake."""
    return any(table.was_paused for table in tables)


def _by_reason(problems: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    """The names by what is the matter: an outage is that of hundreds."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in problems.items():
        by_reason.setdefault(reason, []).append(name)
    return by_reason


def _in_short(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def how_many(number: int, kind: JobType) -> str:
    """Such as "2 refreshes"."""
    ending = "" if number == 1 else "es" if kind is JobType.REFRESH else "s"
    return f"{number} {kind.value}{ending}"
