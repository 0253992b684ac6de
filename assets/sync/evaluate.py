"""Evaluates checks of a connection's tables in a step of a run, by hand or of what the run has
materialized, as the sensor does it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

import dagster as dg

from dagster_airbyte_sync.assets.checks.check_settings import (
    CHECKS_OF_CONNECTIONS,
    CHECKS_OF_SYNCS,
    SYNC_CHECK,
    TableChecks,
    checks_by_table,
)
from dagster_airbyte_sync.assets.checks.verdict import NEVER_SYNCED, NO_JOB, NO_ROWS_YET, Verdict
from dagster_airbyte_sync.assets.event_log.claims import claims_of, starter_of
from dagster_airbyte_sync.assets.event_log.evaluations import last_said, read_evaluations
from dagster_airbyte_sync.assets.events.check_events import (
    evaluation_metadata,
    rows_before,
    verdicts,
)
from dagster_airbyte_sync.assets.events.finished_sync import FinishedSync, tables_of_job
from dagster_airbyte_sync.assets.events.job_details import PATIENCE, DetailsWanted
from dagster_airbyte_sync.assets.events.ledger import Ledger, read_ledger
from dagster_airbyte_sync.assets.events.partial_success import with_complete_streams
from dagster_airbyte_sync.assets.look.look import Look, look_metadata
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.current_tables import as_synced_now
from dagster_airbyte_sync.assets.tables.matching import with_streams_of_tables
from dagster_airbyte_sync.assets.tables.storable import storable
from dagster_airbyte_sync.assets.tables.table import Table, workspaces_of
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    BaseAirbyteWorkspace,
    Connection,
    Job,
    TimeBudget,
)

# The step of a definition of checks, or of assets that carry them.
Step = dg.AssetCheckExecutionContext | dg.AssetExecutionContext

# Where a run goes on without an answer.
LEFT_TO_SENSOR = (
    "Not all checks of this sync are evaluated in this run. While the sensor is on, it evaluates"
    " the others, or repeats their last results: %s"
)


def evaluated(
    context: Step,
    workspace: BaseAirbyteWorkspace,
    tables: Sequence[Table],
    specs: Iterable[dg.AssetCheckSpec],
) -> Iterator[dg.AssetCheckResult]:
    """What the checks say that are selected in the step; `specs` are those of its definition.

    `tables` are all of one connection; what Dagster cannot store is left out. Raises AirbyteError,
    also for an answer that does not come within 10 seconds.
    """
    client, wanted = workspace.get_client(), DetailsWanted.of(workspace)
    tables = storable(tables, context.log)
    known = {table.key for table in tables}
    selected = (check for check in context.selected_asset_check_keys if check.asset_key in known)
    asked = sorted(selected, key=_in_order)
    of_syncs = [check for check in asked if check.name in CHECKS_OF_SYNCS]
    if of_syncs:
        asked_of = frozenset(check.asset_key for check in of_syncs)
        state = _State.read(context, client, wanted, tables, asked_of, checks_by_table(specs))
        yield from map(state.evaluated, of_syncs)
    of_connections = [check for check in asked if check.name in CHECKS_OF_CONNECTIONS]
    yield from _looked_at(context.instance, client, tables, of_connections)


def _in_order(check: dg.AssetCheckKey) -> tuple[list[str], str]:
    return list(check.asset_key.path), check.name


def _looked_at(
    instance: dg.DagsterInstance,
    client: AirbyteClient,
    tables: Sequence[Table],
    checks: Sequence[dg.AssetCheckKey],
) -> Iterator[dg.AssetCheckResult]:
    """What these checks say of the tables, which are all of one connection.

    Three requests where the Configuration API is open, however large the workspace, or none for no
    check.
    """
    if not checks:
        return
    connection_id = tables[0].connection_id
    look, places = Look.read_one(client, connection_id), workspaces_of(tables)
    if not look.is_known(connection_id, places.get(connection_id)):
        raise AirbyteError(
            f"The state of connection {connection_id} is unknown: Airbyte shows these credentials"
            " nothing of its workspace."
        )
    ledger = read_ledger(instance, tables)
    said_before = read_evaluations(instance, tables, CHECKS_OF_CONNECTIONS)
    end = _last_sync_end(client, connection_id) if look.connection(connection_id) else None
    answers = look.answers(tables, ledger, said_before, last_sync_end=end)
    pages = client.pages(TimeBudget(PATIENCE), places)
    by_key = {table.key: table for table in tables}
    for check in checks:
        said, last = answers[check], said_before[check.asset_key].get(check.name)
        metadata = look_metadata(by_key[check.asset_key], said, last, pages, look.now)
        yield _check_result(check, said.verdict, metadata)


def _last_sync_end(client: AirbyteClient, connection_id: str) -> datetime | None:
    """What the sensor knows by reading on may be older than what it has ever reported."""
    newest = client.newest_jobs(connection_id, budget=TimeBudget(PATIENCE))
    ends = (job.ended_at for job in newest if job.wrote_tables)
    return max(filter(None, ends), default=None)


def _check_result(
    check: dg.AssetCheckKey, verdict: Verdict, metadata: Mapping[str, keys.Entry]
) -> dg.AssetCheckResult:
    """An evaluation as a step of a run yields it."""
    return dg.AssetCheckResult(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=verdict.passed,
        severity=verdict.severity,
        description=verdict.text,
        metadata=metadata,
    )


def _repeated(said: dg.AssetCheckEvaluation) -> dg.AssetCheckResult:
    """What was said before, as a step of a run yields it."""
    return dg.AssetCheckResult(
        asset_key=said.asset_key,
        check_name=said.check_name,
        passed=said.passed,
        severity=said.severity,
        description=said.description,
        metadata=said.metadata,
    )


def _jobs_that_ended(client: AirbyteClient, connection_id: str) -> Iterator[Job]:
    """The connection's newest jobs that have ended, newest first, with their counts by stream."""
    for job in client.newest_jobs(connection_id, budget=TimeBudget(PATIENCE)):
        if job.is_finished:
            yield client.job(job.id, TimeBudget(PATIENCE))


@dataclass(frozen=True)
class _State:
    """What is known of a connection's tables as their checks are evaluated by themselves."""

    client: AirbyteClient
    instance: dg.DagsterInstance
    tables: Mapping[dg.AssetKey, Table]
    jobs: Sequence[Job]
    ledger: Ledger
    checks: Mapping[dg.AssetKey, TableChecks]
    wanted: DetailsWanted
    syncs: dict[int, FinishedSync] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        context: Step,
        client: AirbyteClient,
        wanted: DetailsWanted,
        tables: Sequence[Table],
        asked_of: frozenset[dg.AssetKey],
        checks: Mapping[dg.AssetKey, TableChecks],
    ) -> "_State":
        """`tables` are all of the connection: a stream without a namespace is known by that."""

        def read_connection(connection_id: str) -> Connection:
            return client.connection(connection_id, TimeBudget(PATIENCE))

        # A definition does not know how Airbyte reads its stream.
        tables = as_synced_now(read_connection, tables, context.log)
        asked = [table for table in tables if table.key in asked_of]
        ledger = read_ledger(context.instance, asked)
        said = read_evaluations(context.instance, asked, CHECKS_OF_SYNCS)
        ledger = replace(ledger, evaluations=said)
        ended = _jobs_that_ended(client, tables[0].connection_id)
        jobs = _as_far_as_needed(ended, tables, asked)
        if jobs:
            outcomes = wanted.outcomes(client, jobs[0], TimeBudget(PATIENCE))
            jobs[0] = with_complete_streams(jobs[0], tables, outcomes)
        own = {table.key: table for table in tables}
        return cls(client, context.instance, own, jobs, ledger, checks, wanted)

    def evaluated(self, check: dg.AssetCheckKey) -> dg.AssetCheckResult:
        table = self.tables[check.asset_key]
        job = self._job_of(table, check.name)
        if job is None:
            return _check_result(check, NO_JOB if self.jobs else NEVER_SYNCED, {})
        before = rows_before(job, table, self.ledger)
        checks = self.checks[table.key].among([check.name])
        verdict = verdicts(job, table, before, checks)[check.name]
        if verdict is NO_ROWS_YET:
            known = last_said(self.instance, check, table.connection_id)
            if known and known.counted and known.event:
                # Of a sync that is too far back in Airbyte's list by now.
                return _repeated(known.event)
        last = self.ledger.evaluations[table.key].get(check.name)
        return _check_result(check, verdict, evaluation_metadata(self._sync(job), verdict, last))

    def _job_of(self, table: Table, check: str) -> Job | None:
        """The newest job that the check can say something of; of rows, only if none made it fresh,
        that there are none."""
        own = [job for job in self.jobs if table.key in _keys_of(job, self.tables.values())]
        fresh = (job for job in own if check == SYNC_CHECK or job.made_fresh(table.stream))
        return next(chain(fresh, own), None)

    def _sync(self, job: Job) -> FinishedSync:
        if job.id not in self.syncs:
            starter = starter_of(claims_of(self.instance, min(self.tables), [job])[job.id])
            url = self.client.pages(known=workspaces_of(self.tables.values())).job(job)
            details = self.wanted.read(self.client, job, starter, TimeBudget(PATIENCE))
            self.syncs[job.id] = FinishedSync(job, url, starter, details)
        return self.syncs[job.id]


def _as_far_as_needed(
    jobs: Iterable[Job], tables: Sequence[Table], asked: Sequence[Table]
) -> list[Job]:
    """The newest jobs, up to one that made all that is asked of fresh: each is a request."""
    needed: list[Job] = []
    for job in jobs:
        job = with_streams_of_tables([table.stream for table in tables], job)
        needed.append(job)
        if job.wrote_tables and {table.key for table in asked} <= _keys_of(job, tables):
            break
    return needed


def _keys_of(job: Job, tables: Iterable[Table]) -> set[dg.AssetKey]:
    """The tables of a connection that took part in the job."""
    return {table.key for table in tables_of_job(job, tables)}
