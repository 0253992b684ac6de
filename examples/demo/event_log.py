"""What Dagster's own event log says, read with Dagster's public API."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import dagster as dg

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
# That each table has.
CHECKS = ("airbyte_sync", "airbyte_rows")
# Far more than one table or deployment gets while somebody watches.
_MANY = 10_000


@dataclass(frozen=True)
class Materialization:
    """One event of one synced table; times are in seconds since 1970.

    `run_id` is the run that stored it, None for the sensor; `asked_by` the run that had the sync
    started, None for a sync that Airbyte started.
    """

    table: str
    job_id: int
    rows: int
    ended_at: float
    seen_at: float
    run_id: str | None
    asked_by: str | None


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended.

    `airbyte_job` is the sync for which the sensor asked for it, `trigger` what asked for it as all
    of several connections had synced.
    """

    run_id: str
    job_name: str
    status: str
    began_at: float
    ended_at: float
    airbyte_job: str | None
    result: Mapping[str, object]
    trigger: str | None = None

    @property
    def succeeded(self) -> bool:
        return self.status == dg.DagsterRunStatus.SUCCESS.value


@dataclass(frozen=True)
class Warned:
    """What a check of one table said that did not pass; `verdict` is the reason in a word."""

    table: str
    job_id: int
    verdict: str
    text: str
    is_error: bool
    seen_at: float


class EventLog:
    """What is new for some synced tables, and what runs computed of them."""

    def __init__(self, instance: dg.DagsterInstance, tables: Iterable[str], computed: str) -> None:
        self._instance = instance
        self._computed = computed
        self._read_up_to = dict.fromkeys(tables, 0)
        self._known_runs: set[str] = set()
        self._checks = [
            dg.AssetCheckKey(dg.AssetKey(table), check)
            for table in self._read_up_to
            for check in CHECKS
        ]
        self._known_checks: dict[dg.AssetCheckKey, int] = {}

    def new_materializations(self) -> list[Materialization]:
        return [event for table in self._read_up_to for event in self._new_of(table)]

    def new_warnings(self) -> list[Warned]:
        """Of checks that were evaluated since this was last asked and did not pass."""
        found = self._instance.event_log_storage.get_latest_asset_check_execution_by_key(
            self._checks
        )
        new = {key: each for key, each in found.items() if self._known_checks.get(key) != each.id}
        self._known_checks.update({key: record.id for key, record in new.items()})
        warnings = (_warned(each.event) for each in new.values() if each.event)
        return sorted(filter(None, warnings), key=lambda warned: warned.job_id)

    def new_finished_runs(self) -> list[FinishedRun]:
        """The earliest first."""
        records = self._instance.get_run_records(dg.RunsFilter(statuses=FINISHED), limit=_MANY)
        new = [r for r in reversed(records) if r.dagster_run.run_id not in self._known_runs]
        self._known_runs.update(record.dagster_run.run_id for record in new)
        return [self._finished(record) for record in new]

    def times_reported(self, table: str, job_id: int) -> int:
        """How many events the whole log has for one job of one table."""
        records = map(_metadata, self._records(table))
        return sum(metadata.get("dagster-airbyte/job_id") == str(job_id) for metadata in records)

    def _new_of(self, table: str) -> Iterator[Materialization]:
        for record in self._records(table, after=self._read_up_to[table]):
            self._read_up_to[table] = record.storage_id
            # Somebody may report a table by hand in the UI, without a job.
            if "dagster-airbyte/job_id" in _metadata(record):
                yield _materialization(table, record)

    def _records(self, table: str, after: int | None = None) -> Iterable[dg.EventLogRecord]:
        wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(table), after_storage_id=after)
        return self._instance.fetch_materializations(wanted, limit=_MANY, ascending=True).records

    def _finished(self, record: dg.RunRecord) -> FinishedRun:
        run = record.dagster_run
        trigger = run.tags.get("dagster-airbyte/when_all")
        computed = [r for r in self._records(self._computed) if r.run_id == run.run_id]
        return FinishedRun(
            run_id=run.run_id,
            job_name=run.job_name,
            status=run.status.value,
            began_at=record.start_time or 0.0,
            ended_at=record.end_time or 0.0,
            airbyte_job=None if trigger else run.tags.get("dagster-airbyte/job_id"),
            result=_metadata(computed[-1]) if computed else {},
            trigger=trigger,
        )


def _materialization(table: str, record: dg.EventLogRecord) -> Materialization:
    metadata = _metadata(record)
    return Materialization(
        table=table,
        job_id=int(str(metadata["dagster-airbyte/job_id"])),
        rows=int(str(metadata["dagster-airbyte/records_synced"])),
        ended_at=float(str(metadata["dagster-airbyte/sync_ended_at"])),
        seen_at=record.timestamp,
        run_id=record.run_id or None,
        asked_by=_text(metadata.get("dagster-airbyte/started_by_run")),
    )


def _warned(entry: dg.EventLogEntry) -> Warned | None:
    event = entry.dagster_event
    said = event.event_specific_data if event else None
    # A run that is to evaluate a check says so before.
    if not isinstance(said, dg.AssetCheckEvaluation) or said.passed:
        return None
    return Warned(
        table=said.asset_key.to_user_string(),
        job_id=int(str(said.metadata["dagster-airbyte/job_id"].value)),
        verdict=str(said.metadata["dagster-airbyte/verdict"].value),
        text=said.description or "",
        is_error=said.severity is dg.AssetCheckSeverity.ERROR,
        seen_at=entry.timestamp,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _metadata(record: dg.EventLogRecord) -> Mapping[str, object]:
    event = record.asset_materialization
    return {key: value.value for key, value in event.metadata.items()} if event else {}
