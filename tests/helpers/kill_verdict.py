"""Compares Dagster's event log with Airbyte's job history. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

import dagster as dg

from dagster_airbyte_sync.assets.tables.keys import JOB_ID, int_in
from dagster_airbyte_sync.testing import SimulatedJob


@dataclass(frozen=True)
class Reported:
    """A materialization: its table, the job it reports, the run that did (the sensor: ""), and when
    it was stored, in seconds since 1970."""

    table: str
    job_id: int | None
    run_id: str
    stored_at: float = 0.0


@dataclass
class Verdict:
    """What is wrong, each as (table, job id); `late` is right, but worth counting."""

    lost: list[tuple[str, int]] = field(default_factory=list)
    twice: list[tuple[str, int]] = field(default_factory=list)
    untrue: list[tuple[str, int | None]] = field(default_factory=list)
    out_of_order: list[tuple[str, int]] = field(default_factory=list)
    late: list[tuple[str, int]] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.twice or self.untrue or self.out_of_order)

    @property
    def details(self) -> str:
        """The first findings of each kind."""
        return "\n".join(f"{kind.name}: {getattr(self, kind.name)[:10]}" for kind in fields(self))

    def __str__(self) -> str:
        """How many of each kind: "lost 0, twice 0, ..."."""
        names = (kind.name for kind in fields(self))
        return ", ".join(f"{name.replace('_', ' ')} {len(getattr(self, name))}" for name in names)


def owed(jobs: Iterable[SimulatedJob]) -> set[tuple[str, int]]:
    """One materialization for each stream of each sync or refresh that succeeded."""
    return {
        (stream.name, job.job_id)
        for job in jobs
        if job.status == "succeeded" and job.type != "reset"
        for stream in job.streams
    }


def compare(jobs: Iterable[SimulatedJob], log: Sequence[Reported]) -> Verdict:
    """Judge the log, which has the events of each table in the order they were stored.

    Order: what the sensor reports of a table comes by ascending job id, and so does what runs
    report. Between the two, an event of a run never comes after one of a higher job. An event of
    the sensor may: the run has then reported its own job while the sensor was down, or its tick not
    due, or decided but not stored, and nobody could have reported the earlier job. It is late.
    """
    due = owed(jobs)
    counts = Counter((reported.table, reported.job_id) for reported in log)
    verdict = Verdict(
        lost=sorted(due - counts.keys()),
        twice=sorted(key for key in due if counts[key] > 1),
        untrue=[key for key in counts if key not in due],
    )
    by_table: defaultdict[str, list[Reported]] = defaultdict(list)
    for reported in log:
        by_table[reported.table].append(reported)
    for events in by_table.values():
        _judge_order(events, verdict)
    return verdict


def _judge_order(events: Sequence[Reported], verdict: Verdict) -> None:
    for place, reported in enumerate(events):
        job_id = reported.job_id or 0
        higher = [each for each in events[:place] if (each.job_id or 0) > job_id]
        if higher:
            is_late = not reported.run_id and all(each.run_id for each in higher)
            found = verdict.late if is_late else verdict.out_of_order
            found.append((reported.table, job_id))


def read_log(instance: dg.DagsterInstance, tables: Iterable[str]) -> list[Reported]:
    """All materializations of the tables, each table's in the order they were stored."""
    return [reported for table in tables for reported in _of_table(instance, table)]


def _of_table(instance: dg.DagsterInstance, table: str) -> list[Reported]:
    found: list[Reported] = []
    cursor: str | None = None
    while True:
        page = instance.fetch_materializations(
            dg.AssetKey(table), limit=1000, cursor=cursor, ascending=True
        )
        found += (_reported(table, record) for record in page.records)
        if not page.has_more:
            return found
        cursor = page.cursor


def _reported(table: str, record: dg.EventLogRecord) -> Reported:
    event = record.asset_materialization
    metadata = event.metadata if event else {}
    entry = record.event_log_entry
    return Reported(table, int_in(metadata, JOB_ID), entry.run_id, entry.timestamp)
