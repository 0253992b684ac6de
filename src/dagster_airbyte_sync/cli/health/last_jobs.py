"""The last jobs of connections as Dagster's event log has them, for when Airbyte does not say."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

import dagster as dg

from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.assets.checks.check_settings import SYNC_CHECK
from dagster_airbyte_sync.assets.event_log.records import BEFORE_ALL, paged
from dagster_airbyte_sync.assets.events.finished_sync import in_reporting_order
from dagster_airbyte_sync.cli.health.reported import Known
from dagster_airbyte_sync.cli.health.reports import Report, end_in, jobs_reported, report_in
from dagster_airbyte_sync.resources import Job, JobRef

_PAGE = 25
# So far behind a table's last event the newest job's is looked for, and a clear's.
_MOST = 200


def last_jobs(
    instance: dg.DagsterInstance, tables: Mapping[str, Sequence[Table]], known: Known
) -> Mapping[str, Job]:
    """By connection, the last finished job that any event of its tables names.

    One query for all materializations and one for the clears of each connection; and one for each
    table whose last event is of a job that was reported late.
    """
    made = _made(instance, list(chain.from_iterable(tables.values())), known)
    found: dict[str, Job] = {}
    for connection_id, own in tables.items():
        reports = [
            # Evaluations of failures say the most.
            *filter(None, (_evaluated(table, known) for table in own)),
            *(made[table.key] for table in own if table.key in made),
            *chain.from_iterable(_cleared(instance, last) for last in in_reporting_order(own)[-1:]),
        ]
        jobs = jobs_reported(connection_id, reports)
        if jobs:
            found[connection_id] = max(jobs, key=_age)
    return found


def _age(job: Job) -> tuple[float, int]:
    return (job.ended_at or BEFORE_ALL).timestamp(), job.id


def _evaluated(table: Table, known: Known) -> Report | None:
    said = known.evaluations.get(table.key, {}).get(SYNC_CHECK)
    if said is None or said.job is None or said.event is None:
        return None
    return Report(said.job, said.event.metadata, said.run_id)


def _made(
    instance: dg.DagsterInstance, tables: Sequence[Table], known: Known
) -> Mapping[dg.AssetKey, Report]:
    """By table, the materialization of the newest job that was reported."""
    newest = {each.key: ref for each in tables if (ref := known.ledger.newest(each.key))}
    by_key = {each.key: each for each in tables if each.key in newest}
    found: dict[dg.AssetKey, Report] = {}
    for record in instance.get_asset_records(list(by_key)) if by_key else ():
        table, entry = by_key[record.asset_entry.asset_key], record.asset_entry.last_materialization
        event = entry.asset_materialization if entry is not None else None
        report = report_in(table, event.metadata, entry.run_id) if entry and event else None
        if report is None or not report.job.is_same(newest[table.key]):
            report = _behind(instance, table, newest[table.key])
        if report is not None:
            found[table.key] = report
    return found


def _behind(instance: dg.DagsterInstance, table: Table, job: JobRef) -> Report | None:
    """The materialization of that job, behind those of jobs that were reported late."""
    newest_first = paged(
        lambda at: instance.fetch_materializations(table.key, limit=_PAGE, cursor=at)
    )
    for record in islice(newest_first, _MOST):
        event = record.asset_materialization
        report = report_in(table, event.metadata, record.run_id) if event else None
        if report is not None and report.job.is_same(job):
            return report
    return None


def _cleared(instance: dg.DagsterInstance, table: Table) -> Iterator[Report]:
    """The newest end that is an observation: of a clear, or of a sync of the past."""
    newest_first = paged(lambda at: instance.fetch_observations(table.key, limit=_PAGE, cursor=at))
    yield from islice(_ends(table, islice(newest_first, _MOST)), 1)


def _ends(table: Table, records: Iterable[dg.EventLogRecord]) -> Iterator[Report]:
    for record in records:
        event = record.asset_observation
        report = end_in(table, event.metadata, record.run_id) if event else None
        yield from () if report is None else (report,)
