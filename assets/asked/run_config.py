"""The config of a run of assets that sync: which job it asks Airbyte for. Pure, but for looking at
the context."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import dagster as dg
from pydantic import Field

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table, name_of
from dagster_airbyte_sync.resources import JobRequest, JobType

RunMode = Literal["sync", "refresh", "clear"]

# So many streams are named in a sentence.
_MOST_NAMED = 20


class AirbyteRunConfig(dg.Config):
    """What a run does with the connection of its assets: the op config of all assets that sync.

    A refresh or clear affects the streams whose assets are selected, or the whole connection if all
    of them are. To use it in your own function with `@airbyte_assets`, pass it on:
    `airbyte.sync_and_poll(context=context, config=config)`.
    """

    mode: RunMode = Field(
        default="sync",
        description=(
            "sync: what Airbyte does on its schedules. refresh: read every row of the selected"
            " tables again. clear: empty the selected tables."
        ),
    )
    keep_records: bool = Field(
        default=True,
        description=(
            "For a refresh: whether the rows already in the tables stay beside those that it reads"
            " (Airbyte: 'refresh and retain records'), or are replaced by them."
        ),
    )
    confirm: bool = Field(
        default=False,
        description="Must be true for a clear, and for a refresh that does not keep records.",
    )


_FIELDS = AirbyteRunConfig.model_fields.keys()


def config_of(context: dg.AssetExecutionContext) -> AirbyteRunConfig:
    """The config of the step, if it has the fields of AirbyteRunConfig: also where a function with
    `@airbyte_assets` has them and does not hand them over."""
    given = context.op_execution_context.op_config
    if not isinstance(given, Mapping) or not given.keys() >= _FIELDS:
        return AirbyteRunConfig()
    return AirbyteRunConfig(**{name: given[name] for name in _FIELDS})


def request_of(
    config: AirbyteRunConfig, tables: Sequence[Table], selected: Collection[dg.AssetKey]
) -> JobRequest:
    """What the run asks Airbyte for: `tables` are all of one connection.

    Raises dg.Failure for a sync that is to keep no records: a refresh is meant.
    """
    kind, connection_id = JobType(config.mode), tables[0].connection_id
    if kind is JobType.SYNC:
        if not config.keep_records:
            raise dg.Failure(
                "The config has 'keep_records: false' and not 'mode: refresh': a sync replaces no"
                f" rows. Nothing was started for {name_of(tables)}. Add 'mode: refresh', or leave"
                " keep_records out.",
                metadata={keys.CONNECTION_ID: connection_id},
                allow_retries=False,
            )
        return JobRequest(connection_id)
    named = [table.stream for table in tables if table.key in selected]
    streams = None if len(named) == len(tables) else tuple(named)
    return JobRequest(connection_id, kind, streams, config.keep_records)


def of_known_streams(request: JobRequest, tables: Sequence[Table]) -> JobRequest:
    """What removes rows removes them of these tables only, which were confirmed: the connection may
    have newer streams than they know of."""
    if not request.removes_rows or request.streams is not None:
        return request
    return replace(request, streams=tuple(table.stream for table in tables))


def refuse_unconfirmed(
    requests: Sequence[tuple[JobRequest, Sequence[Table]]],
    op_name: str,
    config: Mapping[str, str | bool],
) -> None:
    """Raise dg.Failure for those of the requests that remove rows, each with all tables of its
    connection; `config` is what the op must be given to go ahead."""
    removing = [(request, tables) for request, tables in requests if request.removes_rows]
    if not removing:
        return
    kind = removing[0][0].type
    does = "empties" if kind is JobType.CLEAR else "replaces all rows of"
    named = "; ".join(
        f"{name_of(tables)}: {_streams(request, tables)}" for request, tables in removing
    )
    lines = "\n".join(f"      {key}: {_yaml(value)}" for key, value in config.items())
    raise dg.Failure(
        f"This {kind.value} was not confirmed, so nothing was sent to Airbyte. It {does} tables of"
        f" {named}. To go ahead, run it with this config:\n"
        f"ops:\n  {op_name}:\n    config:\n{lines}",
        metadata={keys.CONNECTION_ID: removing[0][0].connection_id},
        allow_retries=False,
    )


def _streams(request: JobRequest, tables: Sequence[Table]) -> str:
    named = [str(stream) for stream in request.streams or [table.stream for table in tables]]
    shown = ", ".join(sorted(named)[:_MOST_NAMED])
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return f"all of its streams ({shown}{more})" if request.streams is None else f"{shown}{more}"


def _yaml(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value
