"""What the Configuration API knows of one job beside its counts; all of it may be missing."""

from collections.abc import Callable, Mapping
from datetime import datetime

from dagster_airbyte_sync.resources.api import attempt_logs, stream_statuses, timeline
from dagster_airbyte_sync.resources.api.log_lines import shown_lines
from dagster_airbyte_sync.resources.client.extras import Extras
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.http.redaction import Redactor
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.records.catalog import StreamId
from dagster_airbyte_sync.resources.records.job_log import JobLog
from dagster_airbyte_sync.resources.records.job_starter import JobStarter
from dagster_airbyte_sync.resources.records.jobs import Job
from dagster_airbyte_sync.resources.records.stream_outcome import (
    StreamOutcome,
    StreamStatus,
    outcomes_of,
)

_OUTCOMES = "which streams of a job are complete"


class JobDetails:
    """Asks for details of jobs. Never raises an AirbyteError: None is "not known"."""

    def __init__(
        self,
        settings: AirbyteSettings,
        extras: Extras,
        server_time: Callable[[], datetime | None],
        workspace_of: Callable[[str, TimeBudget], str | None],
    ) -> None:
        self._settings = settings
        self._extras = extras
        self._server_time = server_time
        self._workspace_of = workspace_of

    def around(self, job: Job, budget: TimeBudget) -> timeline.Timeline | None:
        """What the connection's timeline has of the time in which this job ran."""
        return self._extras.ask(
            "who started a job",
            job.id,
            timeline.events_around(self._settings, job),
            timeline.read_timeline,
            budget,
        )

    def starter(self, job: Job, budget: TimeBudget) -> JobStarter | None:
        known = self.around(job, budget)
        # The answer has brought Airbyte's time, too.
        now = self._server_time()
        return None if known is None or now is None else timeline.starter_in(known, job, now)

    def outcomes(self, job: Job, budget: TimeBudget) -> Mapping[StreamId, StreamOutcome] | None:
        if job.succeeded or not job.is_finished or not job.type.writes_tables:
            return None
        rows: list[StreamStatus] | None = None
        workspace_id = self._workspace_of(job.connection_id, budget)
        if workspace_id is None:
            return None
        for page in range(stream_statuses.MOST_PAGES):
            found = self._extras.ask(
                _OUTCOMES,
                job.id,
                stream_statuses.statuses_of(self._settings, workspace_id, job.id, page),
                stream_statuses.read_statuses,
                budget,
            )
            if found is None:
                break
            rows = [*(rows or ()), *found.rows]
            if found.received < stream_statuses.PAGE_SIZE:
                break
        return None if rows is None else outcomes_of(rows)

    @property
    def refuses_outcomes(self) -> bool:
        return self._extras.is_refused(_OUTCOMES)

    @property
    def pauses_outcomes(self) -> bool:
        return self._extras.is_paused(_OUTCOMES)

    def log(self, job: Job, budget: TimeBudget) -> JobLog | None:
        if job.succeeded or not job.is_finished or not job.attempts:
            return None
        attempt = job.attempts - 1
        raw = self._extras.ask(
            "what the log of a job says",
            job.id,
            attempt_logs.log_of(self._settings, job.id, attempt),
            attempt_logs.read_end,
            budget,
        )
        lines = shown_lines(raw, Redactor(self._settings.secrets)) if raw else ()
        return JobLog(attempt, lines) if lines else None
