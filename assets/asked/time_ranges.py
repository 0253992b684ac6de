"""Runs of partitions: Airbyte has no time ranges, so only the newest partition can be synced."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.partitions import current_key
from dagster_airbyte_sync.assets.tables.table import Table, connection_name
from dagster_airbyte_sync.resources import AirbyteClient


def refuse_other_partitions(
    context: dg.AssetExecutionContext, client: AirbyteClient, tables: Iterable[Table]
) -> None:
    """Raise dg.Failure for a run of other partitions than that in which its sync would end.

    Dagster reports what a run syncs for the run's partitions, whatever it was. The newest partition
    may be that of when the run was created: it may have waited.
    """
    if not (context.has_partition_key or context.has_partition_key_range):
        return
    asked = context.partition_key_range
    moments = _moments(context, client.server_time())
    selected = [table for table in tables if table.key in context.selected_asset_keys]
    for partitions in {table.spec.partitions_def for table in selected}:
        for each in _in_time(partitions, asked):
            newest = [current_key(each.partitions, moment) for moment in moments]
            if each.asked.start != each.asked.end or each.asked.start not in newest:
                raise _refusal(each, newest[-1], selected[0])


@dataclass(frozen=True)
class _InTime:
    """What is asked for of partitions in time: the only ones, or a dimension of others."""

    partitions: dg.TimeWindowPartitionsDefinition
    asked: dg.PartitionKeyRange
    dimension: str | None = None


def _in_time(
    partitions: dg.PartitionsDefinition[str] | None, asked: dg.PartitionKeyRange
) -> Iterator[_InTime]:
    if isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        yield _InTime(partitions, asked)
    elif isinstance(partitions, dg.MultiPartitionsDefinition):
        by_name = {each.name: each.partitions_def for each in partitions.partitions_defs}
        starts, ends = asked.start.split("|"), asked.end.split("|")
        # Dagster writes a key in the order of the dimensions' names.
        for name, start, end in zip(sorted(by_name), starts, ends, strict=True):
            own = by_name[name]
            if isinstance(own, dg.TimeWindowPartitionsDefinition):
                yield _InTime(own, dg.PartitionKeyRange(start, end), name)


def _moments(context: dg.AssetExecutionContext, now: datetime) -> Sequence[datetime]:
    """When the run was created, and now, by Airbyte's clock."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    if record is None:
        return [now]
    created = record.create_timestamp
    waited = datetime.now(created.tzinfo) - created
    return [now - max(waited, timedelta(0)), now]


def _refusal(refused: _InTime, newest: str | None, table: Table) -> dg.Failure:
    asked = refused.asked
    of_dimension = f" of the dimension {refused.dimension!r}" if refused.dimension else ""
    is_one = asked.start == asked.end
    what = f"the partition {asked.start}" if is_one else f"{asked.start} to {asked.end}"
    instead = (
        f"Run the partition {newest}{of_dimension} instead, which is the newest. " if newest else ""
    )
    return dg.Failure(
        f"Airbyte has no time ranges: {what}{of_dimension} of connection"
        f" {connection_name(table)!r} cannot be synced by itself. A sync brings what is new now,"
        " and would be reported for the wrong time, so nothing was started."
        f" {instead}To read all rows again, run it with the config 'mode: refresh'; how far back a"
        " source is read is a setting of the source in Airbyte (often its"
        " start date).",
        metadata={keys.CONNECTION_ID: table.connection_id},
        allow_retries=False,
    )
