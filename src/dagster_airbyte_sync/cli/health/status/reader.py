"""Asks Airbyte and Dagster for what `status` shows, and no more than is new when asked again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from dagster_airbyte_sync.cli.health.event_log import EventLog, known_last
from dagster_airbyte_sync.cli.health.notes import last_known_note, public_note, strange_note
from dagster_airbyte_sync.cli.health.status.rows import Seen, StatusRow, last_finished, status_rows
from dagster_airbyte_sync.cli.health.subject import Subject, connections_of
from dagster_airbyte_sync.cli.mistakes import sentence_of
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteSettingsError,
    Catalog,
    Connection,
    Job,
)

# What did not sync within this time is asked about alone.
_WINDOW = timedelta(days=30)
# A job that ends while jobs are listed may be committed a little later.
_OVERLAP = timedelta(minutes=2)


@dataclass(frozen=True)
class Status:
    """What a look found at `now` (Airbyte's clock). `error` says why Airbyte could not be asked."""

    rows: Sequence[StatusRow]
    now: datetime
    notes: Sequence[str] = ()
    error: str | None = None


class StatusReader:
    """Looks at a workspace; remembers the jobs that it has seen."""

    def __init__(
        self, subject: Subject, events: EventLog | str | None, patterns: Sequence[str]
    ) -> None:
        self._subject, self._events, self._patterns = subject, events, patterns
        self._catalog: Catalog | None = None
        self._chosen: Mapping[str, Connection] = {}
        self._jobs: dict[object, Job] = {}
        self._unknown: frozenset[str] = frozenset()
        # Up to when all jobs were seen, by Airbyte's clock.
        self._until: datetime | None = None

    def read(self) -> Status:
        """How things are now.

        Raises AirbyteSettingsError, and any AirbyteError if there is nothing to show in its place.
        """
        try:
            self._ask_airbyte()
        except AirbyteSettingsError:
            raise
        except AirbyteError as error:
            if not self._chosen:
                known = connections_of(self._subject.assets(None))
                said = sentence_of(error)
                self._chosen = self._subject.chosen(known, self._patterns, said) if known else {}
            if not self._chosen:
                raise
            return self._status(self._now(), sentence_of(error))
        return self._status(self._subject.client.server_time())

    def _ask_airbyte(self) -> None:
        """One request for jobs, mostly; and as long as the catalog is remembered, no other."""
        client = self._subject.client
        self._catalog = client.catalog()
        self._chosen = self._subject.chosen(self._catalog.connections, self._patterns)
        now = client.server_time()
        is_first = self._until is None
        since = now - _WINDOW if self._until is None else self._until - _OVERLAP
        # Who is paused may not have synced for long, and is asked about last.
        ids = sorted(self._chosen, key=lambda each: not self._chosen[each].is_active)
        latest = client.latest_jobs(ids, since, asks_alone=is_first)
        self._jobs |= {job.identity: job for job in latest.jobs}
        self._until = now
        self._unknown = latest.unknown if is_first else self._unknown

    def _now(self) -> datetime:
        return datetime.now(timezone.utc)

    def _status(self, now: datetime, error: str | None = None) -> Status:
        jobs = [job for job in self._jobs.values() if job.connection_id in self._chosen]
        assets = self._subject.assets(self._catalog).of(self._chosen)
        last = last_finished(jobs)
        known, note = known_last(self._events, assets, last.values(), now - self._now())
        seen = Seen(
            now=now,
            connections=self._chosen,
            jobs=jobs,
            unknown=frozenset(self._chosen) if self._until is None else self._unknown,
            tables=assets.tables,
            known=known,
            as_of=now if error is None else self._until,
        )
        knows = known is None or bool(known.ledger.last) or any(known.evaluations.values())
        strange = strange_note(jobs, is_by_default=self._subject.definitions is None, knows=knows)
        stale = None if error is None else last_known_note(self._until)
        notes = [stale, public_note(jobs), note, assets.note, strange]
        return Status(status_rows(seen), now, [each for each in notes if each], error)
