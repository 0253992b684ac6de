"""A job that starts syncs and ends at once, so that it holds no run slot while Airbyte works.

The same of refreshes and clears (`refresh_jobs.py`). The sensor reports how they end. For it the
run leaves a claim on each table that names the job. Before it starts one the run says so, and the
sensor waits for the claim even if the job ends sooner than that is written.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import chain
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.assets.asked.sent_before import answered, sent_before, stored_before
from dagster_airbyte_sync.assets.asked.until_steady import UntilSteady
from dagster_airbyte_sync.assets.event_log.claims import (
    ClaimedBefore,
    claimed_before,
    started_before,
)
from dagster_airbyte_sync.assets.event_log.last_version import last_version
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus
from dagster_airbyte_sync.assets.queue.places import DEFAULT_WAIT_LIMIT, Places, write_down
from dagster_airbyte_sync.assets.queue.queue_name import QueueName, location_of
from dagster_airbyte_sync.assets.queue.to_start import ToStart
from dagster_airbyte_sync.assets.start_jobs.queued_start import is_gone, start_queued, why_failed
from dagster_airbyte_sync.assets.start_jobs.runs_at_work import RunAtWork, runs_at_work
from dagster_airbyte_sync.assets.start_jobs.selection import ChosenAssets, chosen_tables
from dagster_airbyte_sync.assets.start_jobs.side_by_side import Begun, Start, start_side_by_side
from dagster_airbyte_sync.assets.start_jobs.start_report import StartReport, how_many
from dagster_airbyte_sync.assets.sync.definitions import workspace_resource
from dagster_airbyte_sync.assets.sync.reporting import OwnRun
from dagster_airbyte_sync.assets.sync.start import start_new
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    group_by_connection,
    name_of,
    workspaces_of,
)
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import (
    AirbyteError,
    BaseAirbyteWorkspace,
    Job,
    JobRequest,
    JobType,
    NotSteady,
)


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
    """Build a job that starts syncs in Airbyte and ends; the sensor reports how they ended.

    Use it to start syncs without occupying a run slot while Airbyte works. A run starts the syncs
    of all the job's connections, or of the `connections` (ids) in its config:
    `ops: {<name of the job>_op: {config: {connections: [...]}}}`.

    A connection is skipped if a job is running on it, if another run is about to sync it, or if it
    was paused in Airbyte after the definitions were loaded. If a sync cannot be started, the others
    still are, and the run fails at the end and names it; a retry does not start the others again.

    Args:
        workspace: The connections are read from it now. The syncs are started by the resource under
            `resource_key`; the two should be the same workspace.
        connection_selector_fn: Selects the connections to sync. Paused ones among them are left
            out, unless all of them are paused. Default: all that are active.
        assets: Assets whose connections to sync: definitions, specs, keys, or an AssetSelection,
            which is resolved among the workspace's tables. Airbyte always syncs whole connections.
        name: The job's name. Default: `start_<resource_key>_syncs`.
        resource_key: The key of the workspace among the resources of your definitions.
        dagster_airbyte_translator: The translator that the assets were built with.
        tags: Tags of each run.
        snapshot: A file written by `dagster-airbyte-sync snapshot`, to read instead of Airbyte.
        max_running: Start a sync only while fewer connections of the workspace are busy in Airbyte,
            whoever started what runs there. A run of the job then starts nothing itself: it records
            which syncs wait, and ends. `build_airbyte_queue_sensor`, which you need to add, starts
            them as room becomes available, the oldest first.
        wait_limit: A sync that has waited for longer is not started any more. At most 7 days.

    Raises:
        AirbyteSettingsError: If there is nothing to sync, or no table of the workspace is selected.
        AirbyteError: If Airbyte cannot be asked.
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
            queue = QueueName(
                workspace.get_client().settings.scope, resource_key, location_of(context.run)
            )
            wait_for_places(context, queue, wanted.groups, places)
            return
        requests = {each: JobRequest(each) for each in wanted.groups}
        start_all(context, workspace, wanted.groups, requests, wanted)
        wanted.refuse_unknown(partial(is_gone, workspace.get_client()))

    @dg.job(
        name=name,
        description=f"Starts {how_many(len(groups), JobType.SYNC)} in Airbyte and ends; the sensor"
        f" reports how they went. Connections: {', '.join(map(name_of, groups.values()))}",
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
    tables = chain.from_iterable(groups.values())
    report = StartReport(context, client.pages(known=workspaces_of(tables)), requests, wanted)
    ready = UntilSteady(client, workspace.outage_timeout, context.log)
    own = OwnRun(context, time.monotonic)
    due = _not_started_before(context, groups)
    if not due:
        return
    total = len(due)
    one = next(iter(due.values()))[-1]
    client.expect_version(last_version(context.instance, one.key))
    try:
        waited = ready.wait()
    except NotSteady as away:
        own.refuse_if_over()
        for group in due.values():
            report.note_unsent(group, away)
        report.refuse_problems(total)
    report.airbyte_version = client.known_version()
    if waited and wanted and wanted.is_from_queue:
        # Meanwhile this run may have counted as lost, and another was asked for the same.
        report.wanted = wanted = wanted.once_more()
        due = {each: group for each, group in due.items() if each in wanted.groups}
    for connection_id, before in _claimed_before(context, due, requests).items():
        if _is_sent(context, ready, before, due[connection_id], report):
            del due[connection_id]
    at_work = _at_work(context, due)
    for connection_id, run in at_work.items():
        if wanted and wanted.is_from_queue:
            report.say(ClaimStatus.NOT_STARTED, due[connection_id])
        report.skip(due[connection_id], str(run))
    free = [group for each, group in due.items() if each not in at_work]
    start_side_by_side(free, _start_of(context, ready, report), report, ready, own)
    report.refuse_problems(total)


def wait_for_places(
    context: dg.OpExecutionContext,
    queue: QueueName,
    groups: Mapping[str, Sequence[Table]],
    places: Places,
) -> None:
    """Start nothing, and write down which syncs wait."""
    due = _not_started_before(context, groups)
    at_work = _at_work(context, due)
    for connection_id, run in at_work.items():
        context.log.info("Skipped %s: %s", name_of(due[connection_id]), run)
    free = {each: group for each, group in due.items() if each not in at_work}
    write_down(context, queue, free, places)


def _not_started_before(
    context: dg.OpExecutionContext, groups: Mapping[str, Sequence[Table]]
) -> dict[str, Sequence[Table]]:
    earlier = started_before(context.instance, context.run)
    for connection_id in earlier.keys() & groups.keys():
        run_id = earlier[connection_id]
        context.log.info("%s was started by run %s", name_of(groups[connection_id]), run_id)
    return {each: group for each, group in groups.items() if each not in earlier}


def _claimed_before(
    context: dg.OpExecutionContext,
    due: Mapping[str, Sequence[Table]],
    requests: Mapping[str, JobRequest],
) -> dict[str, ClaimedBefore]:
    """What earlier tries may have sent of what must not be sent twice; one look for all."""
    asked = [each for each in due if requests[each].type is not JobType.SYNC]
    claimed = claimed_before(context.instance, context.run) if asked else {}
    return {each: claimed[each] for each in asked if each in claimed}


def _is_sent(
    context: dg.OpExecutionContext,
    ready: UntilSteady,
    before: ClaimedBefore,
    tables: Sequence[Table],
    report: StartReport,
) -> bool:
    """Whether nothing is to be sent for these tables, of which an earlier try has claimed that."""
    request, client = report.requests[tables[0].connection_id], ready.client
    instance, run = context.instance, context.run
    try:
        found = answered(ready, lambda: sent_before(instance, run, client, request, before))
        if found:
            report.claim(*found, tables)
            return True
        if answered(ready, lambda: stored_before(client, request, before)) is None:
            return False
        context.log.info("%s: Airbyte postponed the refresh of an earlier try", name_of(tables))
    except (dg.Failure, AirbyteError) as error:
        # It may have been sent: only a later try, or a person, can tell.
        report.fail(tables, why_failed(error) if isinstance(error, dg.Failure) else str(error))
    return True


def _at_work(
    context: dg.OpExecutionContext, due: Mapping[str, Sequence[Table]]
) -> Mapping[str, RunAtWork]:
    """What a run waits for its turn to start must not be started before it."""
    own = context.run.run_id
    return runs_at_work(context.instance, due, time.time(), context.log, besides=own)


def _start_of(context: dg.OpExecutionContext, ready: UntilSteady, report: StartReport) -> Start:
    wanted, requests = report.wanted, report.requests

    def start(connection_id: str, begun: Begun) -> tuple[Job, bool]:
        request = requests[connection_id]
        if wanted and wanted.is_from_queue:
            earlier = wanted.unsettled.get(connection_id, ())
            return start_queued(
                ready.client, request, context.log, earlier, ready.limit, sleep=begun.sleep
            )
        return start_new(
            ready.client,
            request,
            context.log,
            sleep=begun.sleep,
            outage_timeout=ready.limit,
            say=begun.said.append,
        )

    return start
