"""A job that starts syncs and ends at once, so that it holds no run slot while Airbyte works.

The same of refreshes and clears (`refresh_jobs.py`). The sensor reports how they end. For it the
run leaves a claim on each table that names the job. Before it starts one the run says so, and the
sensor waits for the claim even if the job ends sooner than that is written.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.asked.sent_before import sent_before
from dagster_airbyte_sync.assets.asked.until_steady import UntilSteady
from dagster_airbyte_sync.assets.event_log.claims import started_before
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, SyncClaim
from dagster_airbyte_sync.assets.queue.places import DEFAULT_WAIT_LIMIT, Places, write_down
from dagster_airbyte_sync.assets.queue.to_start import ToStart
from dagster_airbyte_sync.assets.schedules.runs_at_work import RunAtWork, runs_at_work
from dagster_airbyte_sync.assets.schedules.selection import ChosenAssets, chosen_tables
from dagster_airbyte_sync.assets.sync.definitions import workspace_resource
from dagster_airbyte_sync.assets.sync.start import AlreadyRunning, RefreshStored, start_new
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    group_by_connection,
    workspaces_of,
)
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteUnavailable,
    BaseAirbyteWorkspace,
    Job,
    JobRequest,
    JobType,
    NotSteady,
    Pages,
)

# Airbyte takes seconds, sometimes more than a minute, to answer a start; for all requests to its
# public API together it has five threads.
_AT_ONCE = 3


def build_airbyte_start_job(
    *,
    workspace: BaseAirbyteWorkspace,
    connection_selector_fn: ConnectionSelector | None = None,
    assets: ChosenAssets | None = None,
    name: str | None = None,
    resource_key: str = "airbyte",
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    tags: Mapping[str, str] | None = None,
    snapshot: Path | None = None,
    max_running: int | None = None,
    wait_limit: timedelta = DEFAULT_WAIT_LIMIT,
) -> dg.JobDefinition:
    """A job that starts syncs in Airbyte and does not wait for them; the sensor reports their end.

    A connection on which a job is running is skipped, and so is one that another run is about to
    sync, and one that was paused in Airbyte since the definitions were loaded. If one cannot be
    started the others still are, and the run fails in the end and names it; a retry leaves alone
    what was started. A run starts all that the job is for, or the `connections` (ids) in its
    config: `ops: {<the job's name>_op: {config: {connections: [...]}}}`.

    Args:
        workspace: Its connections are known now; the syncs are started by the resource under
            `resource_key`. The two should be the same.
        connection_selector_fn: Which connections to sync, of those that are active; a paused one
            is meant only if all are. Default: all that are active.
        assets: The same, said by their assets: definitions, specs, keys, or an AssetSelection that
            is looked up among the workspace's tables. Airbyte syncs whole connections.
        name: Default: "start_", the resource key and "_syncs".
        dagster_airbyte_translator: The one the assets were built with.
        tags: Of each run.
        snapshot: A file that `dagster-airbyte-sync snapshot` wrote, to read instead of Airbyte.
        max_running: Start a sync only while fewer connections of the workspace are busy in Airbyte,
            whoever started what runs there. A run of the job then starts none itself: it writes
            down what waits, and ends. `build_airbyte_queue_sensor`, which you need beside it,
            starts what waits as room comes, the oldest first.
        wait_limit: What has waited for longer is not started any more; 7 days at most.

    Raises AirbyteSettingsError if nothing, or no table of the workspace, is to be synced, and
    AirbyteError if Airbyte cannot be asked.
    """
    tables = chosen_tables(
        workspace, dagster_airbyte_translator, connection_selector_fn, assets, snapshot
    )
    return start_job_of(
        tables,
        name or f"start_{resource_key}_syncs",
        resource_key,
        tags,
        Places.of(max_running, wait_limit),
    )


def start_job_of(
    tables: Sequence[Table],
    name: str,
    resource_key: str = "airbyte",
    tags: Mapping[str, str] | None = None,
    places: Places | None = None,
) -> dg.JobDefinition:
    """The job for the connections of these tables, which should be all tables of each."""
    groups = group_by_connection(tables)

    # Not an asset job: a run that planned materializations would have to make them.
    @dg.op(
        # Dagster wants the names of all ops of a code location to differ.
        name=f"{name}_op",
        description="Starts the syncs, and claims their jobs on the tables.",
        out=dg.Out(dg.Nothing),
        required_resource_keys={resource_key},
        config_schema=ToStart.SCHEMA,
    )
    def start_syncs(context: dg.OpExecutionContext) -> None:
        workspace = workspace_resource(context.resources, resource_key)
        wanted = ToStart.of(context, groups)
        if places and not wanted.is_from_queue:
            wait_for_places(context, workspace, wanted.groups, places)
            return
        requests = {each: JobRequest(each) for each in wanted.groups}
        start_all(context, workspace, wanted.groups, requests, wanted)
        wanted.refuse_unknown()

    @dg.job(
        name=name,
        description=f"Starts {how_many(len(groups), JobType.SYNC)} in Airbyte and ends; the sensor"
        " reports how"
        f" they went. Connections: {', '.join(map(name_of, groups.values()))}",
        tags={**(tags or {}), keys.STARTS_SYNCS_TAG: "true", **(places.tags if places else {})},
        # One short step: a process for it would take longer than the step.
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        start_syncs()

    return job


def start_all(
    context: dg.OpExecutionContext,
    workspace: BaseAirbyteWorkspace,
    groups: Mapping[str, Sequence[Table]],
    requests: Mapping[str, JobRequest],
    wanted: ToStart | None = None,
) -> None:
    """Start what is asked for on each connection, by its id, of which `groups` has all tables.

    Raises dg.Failure, in the end, for those that could not be started. What is busy is skipped if
    it is to be synced: a refresh or clear that is not started is a failure.
    """
    client = workspace.get_client()
    ready = UntilSteady(client, workspace.outage_timeout, context.log)
    tables = chain.from_iterable(groups.values())
    report = _Report(context, client.pages(known=workspaces_of(tables)), requests, wanted)
    due = _not_started_before(context, groups)
    try:
        ready.wait()
    except NotSteady as away:
        for group in due.values():
            report.note_unsent(group, away)
        report.refuse_problems(len(due))
    for connection_id, group in list(due.items()):
        if found := sent_before(context.instance, context.run, client, requests[connection_id]):
            report.claim(*found, group)
            del due[connection_id]
    at_work = _at_work(context, due)
    for connection_id, run in at_work.items():
        if wanted and wanted.is_from_queue:
            _say(context, ClaimStatus.NOT_STARTED, due[connection_id])
        report.skip(due[connection_id], str(run))
    free = [group for each, group in due.items() if each not in at_work]
    _start_side_by_side(context, ready, free, report)
    report.refuse_problems(len(due))


def wait_for_places(
    context: dg.OpExecutionContext,
    workspace: BaseAirbyteWorkspace,
    groups: Mapping[str, Sequence[Table]],
    places: Places,
) -> None:
    """Start nothing, and write down which syncs wait."""
    due = _not_started_before(context, groups)
    at_work = _at_work(context, due)
    for connection_id, run in at_work.items():
        context.log.info("Skipped %s: %s", name_of(due[connection_id]), run)
    free = {each: group for each, group in due.items() if each not in at_work}
    write_down(context, workspace.get_client().settings.scope, free, places)


def _not_started_before(
    context: dg.OpExecutionContext, groups: Mapping[str, Sequence[Table]]
) -> dict[str, Sequence[Table]]:
    earlier = started_before(context.instance, context.run)
    for connection_id in earlier.keys() & groups.keys():
        run_id = earlier[connection_id]
        context.log.info("%s was started by run %s", name_of(groups[connection_id]), run_id)
    return {each: group for each, group in groups.items() if each not in earlier}


def _at_work(
    context: dg.OpExecutionContext, due: Mapping[str, Sequence[Table]]
) -> Mapping[str, RunAtWork]:
    """What a run waits for its turn to start must not be started before it."""
    own = context.run.run_id
    return runs_at_work(context.instance, due, time.time(), context.log, besides=own)


def _start_side_by_side(
    context: dg.OpExecutionContext,
    ready: UntilSteady,
    groups: Sequence[Sequence[Table]],
    report: "_Report",
) -> None:
    left = deque(groups)
    pending: dict[Future[tuple[Job, bool]], Sequence[Table]] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            while left or pending:
                if not pending:
                    # What was sent is claimed before a wait that may be long.
                    ready.wait()
                while left and len(pending) < _AT_ONCE and ready.is_steady():
                    tables = left.popleft()
                    _say(context, ClaimStatus.STARTING, tables)
                    request, log = report.requests[tables[0].connection_id], context.log
                    start = pool.submit(
                        start_new, ready.client, request, log, outage_timeout=ready.limit
                    )
                    pending[start] = tables
                for start in wait(pending, return_when=FIRST_COMPLETED).done:
                    tables, problem = pending.pop(start), start.exception()
                    if isinstance(problem, AirbyteUnavailable) and ready.may_try_again(problem):
                        _say(context, ClaimStatus.NOT_STARTED, tables)
                        left.append(tables)
                        continue
                    if problem is None:
                        ready.note_start()
                    report.note(tables, start)
        except NotSteady as away:
            for tables in left:
                report.note_unsent(tables, away)
        except BaseException:
            # A run that is terminated makes no further starts. Those that Airbyte was asked for
            # already go on there: without their claims they would be nobody's.
            for start in as_completed(pending):
                report.note(pending[start], start)
            raise


@dataclass
class _Report:
    """Says in the run what became of each start."""

    context: dg.OpExecutionContext
    pages: Pages
    requests: Mapping[str, JobRequest]
    wanted: ToStart | None = None
    problems: dict[str, str] = field(default_factory=dict)

    def note(self, tables: Sequence[Table], start: "Future[tuple[Job, bool]]") -> None:
        try:
            self.claim(*start.result(), tables)
        except RefreshStored as stored:
            # It comes by itself: to send it again would be to refresh twice.
            _say(self.context, ClaimStatus.NOT_STARTED, tables)
            self.context.log.warning("%s: %s", name_of(tables), stored)
        except AlreadyRunning as busy:
            _say(self.context, ClaimStatus.NOT_STARTED, tables)
            self.skip(tables, self._what_runs(busy))
        except dg.Failure as failure:
            if _was_paused(failure) and not _was_paused_before(tables):
                _say(self.context, ClaimStatus.NOT_STARTED, tables)
                self.skip(tables, "it was paused in Airbyte since the definitions were loaded")
            else:
                self._note(tables, _why(failure))
        except AirbyteUnavailable as error:
            self.note_unsent(tables, error)
        except AirbyteError as error:
            self._note(tables, str(error))

    def note_unsent(self, tables: Sequence[Table], error: AirbyteUnavailable) -> None:
        if self.wanted and self.wanted.put_back(tables):
            self._fail(tables, str(error))
        else:
            self._note(tables, str(error))

    def refuse_problems(self, total: int) -> None:
        if self.problems:
            each = "; ".join(f"{name}: {reason}" for name, reason in self.problems.items())
            raise dg.Failure(
                description=f"{len(self.problems)} of {self._how_many(total)} not started. {each}",
                metadata=self.problems,
            )

    def skip(self, tables: Sequence[Table], reason: str) -> None:
        """Leave the connection alone: that is no failure of syncs, as others see to it."""
        if self._kind(tables) is JobType.SYNC:
            self.context.log.info("Skipped %s: %s", name_of(tables), reason)
        else:
            self._fail(tables, reason)

    def claim(self, job: Job, is_ours: bool, tables: Sequence[Table]) -> None:
        if not self.requests[job.connection_id].is_met_by(job):
            # A retry starts what was asked for.
            is_ours = False
            kind = self._kind(tables).value
            reason = f"Airbyte had a clear stored, and did that in the place of the {kind}"
            self._fail(tables, f"{reason}: {self.pages.job(job)}")
        url, claim = self.pages.job(job), SyncClaim.of_job(job, started=is_ours)
        for table in tables:
            self.context.log_event(claim.to_observation(table.key, url))
        did = "Started" if is_ours else "Found"
        self.context.log.info("%s Airbyte job %s of %s: %s", did, job.id, name_of(tables), url)

    def _how_many(self, total: int) -> str:
        return how_many(total, next(iter(self.requests.values())).type)

    def _kind(self, tables: Sequence[Table]) -> JobType:
        return self.requests[tables[0].connection_id].type

    def _note(self, tables: Sequence[Table], reason: str) -> None:
        _say(self.context, ClaimStatus.NOT_STARTED, tables)
        self._fail(tables, reason)

    def _fail(self, tables: Sequence[Table], reason: str) -> None:
        self.context.log.error("%s was not started: %s", name_of(tables), reason)
        self.problems[name_of(tables)] = reason

    def _what_runs(self, busy: AlreadyRunning) -> str:
        if busy.running is None:
            return "a job was running"
        return f"Airbyte job {busy.running.id} is running, see {self.pages.job(busy.running)}"


def _say(context: dg.OpExecutionContext, status: ClaimStatus, tables: Sequence[Table]) -> None:
    """On the table on which the job is claimed last."""
    claim = SyncClaim(status, tables[-1].connection_id)
    context.log_event(claim.to_observation(tables[-1].key))


def _why(failure: dg.Failure) -> str:
    """What a log of one line can hold: Airbyte's own reason, too."""
    reason = keys.text_in(failure.metadata, keys.FAILURE_REASON)
    return f"{failure.description} ({reason})" if reason else failure.description or ""


def _was_paused(failure: dg.Failure) -> bool:
    return keys.text_in(failure.metadata, keys.CONNECTION_STATUS) == "inactive"


def _was_paused_before(tables: Sequence[Table]) -> bool:
    """Whether the definitions knew it: to ask for such a sync nevertheless is a mistake."""
    return any(table.was_paused for table in tables)


def name_of(tables: Sequence[Table]) -> str:
    name = keys.text_in(tables[0].spec.metadata, keys.CONNECTION_NAME) or ""
    return f"{name!r} ({tables[0].connection_id})"


def how_many(number: int, kind: JobType) -> str:
    """Such as "2 refreshes"."""
    ending = "" if number == 1 else "es" if kind is JobType.REFRESH else "s"
    return f"{number} {kind.value}{ending}"
