"""Jobs that start refreshes or clears and end at once; the sensor reports how they went."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import dagster as dg
from pydantic import Field

from dagster_airbyte_sync.assets.asked.run_config import of_known_streams, refuse_unconfirmed
from dagster_airbyte_sync.assets.start_jobs.selection import (
    ChosenAssets,
    chosen_tables,
    named_among,
)
from dagster_airbyte_sync.assets.start_jobs.start_job import start_all
from dagster_airbyte_sync.assets.start_jobs.start_report import how_many
from dagster_airbyte_sync.assets.sync.definitions import workspace_resource
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    group_by_connection,
    name_of,
)
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import BaseAirbyteWorkspace, JobRequest, JobType

# All tables of each connection, and what is asked for on it.
Groups = Mapping[str, Sequence[Table]]
Requests = Mapping[str, JobRequest]


class _RefreshConfig(dg.Config):
    keep_records: bool = Field(
        default=True,
        description=(
            "Whether the rows already in the tables stay beside those that the refresh reads, or"
            " are replaced by them."
        ),
    )
    confirm: bool = Field(
        default=False, description="Must be true for a refresh that does not keep records."
    )


class _ClearConfig(dg.Config):
    confirm: bool = Field(
        default=False, description="Must be true, because a clear empties the tables."
    )


def build_airbyte_refresh_job(
    *,
    workspace: BaseAirbyteWorkspace,
    connection_selector_fn: ConnectionSelector | None = None,
    assets: ChosenAssets | None = None,
    name: str | None = None,
    resource_key: str = "airbyte",
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    tags: Mapping[str, str] | None = None,
    snapshot: Path | None = None,
) -> dg.JobDefinition:
    """Build a job that starts refreshes in Airbyte and ends; the sensor reports how they ended.

    Its op takes the config `keep_records` (default: true), and `confirm`, which must be true if
    records are not kept. The run fails and names each refresh that cannot be started: because
    something runs on the connection, its destination connector is too old, or the Configuration API
    is closed. A retry sends nothing twice.

    Args:
        workspace: As in `build_airbyte_start_job`.
        connection_selector_fn: Selects the connections to refresh, with all of their streams.
        assets: The tables to refresh. Of a connection that has other tables, only these streams are
            refreshed.
        name: The job's name. Default: `refresh_<resource_key>`.
        resource_key: As in `build_airbyte_start_job`.
        dagster_airbyte_translator: As in `build_airbyte_start_job`.
        tags: Tags of each run.
        snapshot: As in `build_airbyte_start_job`.
    """
    tables = chosen_tables(
        workspace, dagster_airbyte_translator, connection_selector_fn, assets, snapshot
    )
    groups, requests = _chosen(JobType.REFRESH, tables, assets)
    name = name or f"refresh_{resource_key}"

    @_starting_op(name, "refreshes", resource_key)
    def start_refreshes(context: dg.OpExecutionContext, config: _RefreshConfig) -> None:
        asked = {
            each: JobRequest(each, request.type, request.streams, config.keep_records)
            for each, request in requests.items()
        }
        if not config.confirm:
            needed = {"keep_records": False, "confirm": True}
            _refuse_unconfirmed(context, groups, asked, needed)
        _start(context, resource_key, groups, asked)

    return _job_of(start_refreshes, name, tags, groups, requests)


def build_airbyte_clear_job(
    *,
    workspace: BaseAirbyteWorkspace,
    connection_selector_fn: ConnectionSelector | None = None,
    assets: ChosenAssets | None = None,
    name: str | None = None,
    resource_key: str = "airbyte",
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    tags: Mapping[str, str] | None = None,
    snapshot: Path | None = None,
) -> dg.JobDefinition:
    """Build a job that starts clears in Airbyte, which empty tables, and ends.

    The sensor reports how they ended.

    Its op takes the config `confirm`, which must be true. Otherwise the run fails, sends nothing,
    and names what it would empty. Where the Configuration API is closed, only whole connections can
    be cleared.

    Args:
        workspace: As in `build_airbyte_start_job`.
        connection_selector_fn: Selects the connections to clear, with all of their streams.
        assets: The tables to clear. Of a connection that has other tables, only these streams are
            cleared.
        name: The job's name. Default: `clear_<resource_key>`.
        resource_key: As in `build_airbyte_start_job`.
        dagster_airbyte_translator: As in `build_airbyte_start_job`.
        tags: Tags of each run.
        snapshot: As in `build_airbyte_start_job`.
    """
    tables = chosen_tables(
        workspace, dagster_airbyte_translator, connection_selector_fn, assets, snapshot
    )
    groups, requests = _chosen(JobType.CLEAR, tables, assets)
    name = name or f"clear_{resource_key}"

    @_starting_op(name, "clears", resource_key)
    def start_clears(context: dg.OpExecutionContext, config: _ClearConfig) -> None:
        if not config.confirm:
            _refuse_unconfirmed(context, groups, requests, {"confirm": True})
        _start(context, resource_key, groups, requests)

    return _job_of(start_clears, name, tags, groups, requests)


def _starting_op(
    name: str, what: str, resource_key: str
) -> Callable[[Callable[..., None]], dg.OpDefinition]:
    return dg.op(
        name=f"{name}_op",
        description=f"Starts the {what}, and claims their jobs on the tables.",
        out=dg.Out(dg.Nothing),
        required_resource_keys={resource_key},
    )


def _chosen(
    kind: JobType, tables: Sequence[Table], assets: ChosenAssets | None
) -> tuple[Groups, Requests]:
    groups = group_by_connection(tables)
    named = None if assets is None else named_among(tables, assets)
    requests: dict[str, JobRequest] = {}
    for connection_id, group in groups.items():
        own = [table.stream for table in group if named is None or table.key in named]
        streams = None if len(own) == len(group) else tuple(own)
        requests[connection_id] = JobRequest(connection_id, kind, streams)
    return groups, requests


def _start(
    context: dg.OpExecutionContext, resource_key: str, groups: Groups, requests: Requests
) -> None:
    asked = {each: of_known_streams(request, groups[each]) for each, request in requests.items()}
    start_all(context, workspace_resource(context.resources, resource_key), groups, asked)


def _refuse_unconfirmed(
    context: dg.OpExecutionContext,
    groups: Groups,
    requests: Requests,
    needed: Mapping[str, str | bool],
) -> None:
    asked = [(requests[each], group) for each, group in groups.items()]
    refuse_unconfirmed(asked, context.op_def.name, needed)


def _job_of(
    op: dg.OpDefinition,
    name: str,
    tags: Mapping[str, str] | None,
    groups: Groups,
    requests: Requests,
) -> dg.JobDefinition:
    kind = next(iter(requests.values())).type

    @dg.job(
        name=name,
        description=f"Starts {how_many(len(groups), kind)} in Airbyte and ends; the sensor reports"
        f" how they went. Connections: {', '.join(map(name_of, groups.values()))}",
        tags={**(tags or {}), keys.STARTS_SYNCS_TAG: "true"},
        # One short step: a process for it would take longer than the step.
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        op()

    return job
