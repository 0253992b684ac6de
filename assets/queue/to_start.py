"""What a run that starts syncs was asked for: all connections of its job, or some, by its config;
by a person, or by the queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import dagster as dg

from dagster_airbyte_sync.assets.queue import reading
from dagster_airbyte_sync.assets.queue.reading import (
    CLOCKS,
    created_at,
    is_queue_start,
    read_starts,
)
from dagster_airbyte_sync.assets.queue.standing import QueueStart, StartState
from dagster_airbyte_sync.assets.queue.wait import waits_again
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources.json_values import object_at


@dataclass(frozen=True)
class ToStart:
    """The connections with their tables, and ids of none of the job's connections.

    `is_from_queue`: there is room for them, as the queue's sensor has counted.
    """

    context: dg.OpExecutionContext
    groups: Mapping[str, Sequence[Table]]
    unknown: Sequence[str]
    is_from_queue: bool

    SCHEMA: ClassVar[Mapping[str, dg.Field]] = {
        "connections": dg.Field(
            [str],
            is_required=False,
            description="Ids of the connections to sync. Default: all of the job.",
        ),
        "waits": dg.Field(
            dg.Map(str, [str]),  # type: ignore[no-untyped-call]
            is_required=False,
            description="For the queue's own use: the runs that wrote down what it starts here.",
        ),
    }

    @classmethod
    def of(cls, context: dg.OpExecutionContext, groups: Mapping[str, Sequence[Table]]) -> "ToStart":
        """Raises dg.Failure, before anything is started, if a person names unknown connections."""
        config = object_at(context.op_config)
        named = config.get("connections")
        wanted = [str(each) for each in named] if isinstance(named, list) else list(groups)
        unknown = [each for each in wanted if each not in groups]
        is_from_queue = is_queue_start(context.run)
        if unknown and not is_from_queue:
            raise _unknown(unknown)
        chosen = {each: groups[each] for each in dict.fromkeys(wanted) if each in groups}
        to_start = cls(context, chosen, unknown, is_from_queue)
        return to_start._once() if is_from_queue else to_start

    def put_back(self, tables: Sequence[Table]) -> bool:
        """Say that nothing was sent, so that the sync still waits; False if it never did."""
        last = tables[-1]
        if self.is_from_queue:
            self.context.log_event(waits_again(last.connection_id, last.key))
        return self.is_from_queue

    def refuse_unknown(self) -> None:
        """Raise dg.Failure for what the queue has asked this job for in vain."""
        if self.unknown:
            raise _unknown(self.unknown)

    def _once(self) -> "ToStart":
        """Without what an earlier run starts, or has started, that was asked for the same."""
        context = self.context
        (record,) = context.instance.get_run_records(dg.RunsFilter(run_ids=[context.run.run_id]))
        starts = read_starts(
            context.instance, created_at(record) - CLOCKS, (), reading.now_seconds()
        )
        mine = next((each for each in starts if each.run_id == context.run.run_id), None)
        left = dict(self.groups)
        for other in starts if mine else ():
            for each in _also_started(other, mine) if mine and other.order < mine.order else ():
                if left.pop(each, None):
                    context.log.info("Skipped %s: run %s was asked for it, too", each, other.run_id)
        return ToStart(context, left, self.unknown, True)


def _also_started(other: QueueStart, mine: QueueStart) -> set[str]:
    same = {
        each
        for each, runs in mine.waits.items()
        if not set(runs).isdisjoint(other.waits.get(each, ()))
    }
    return same if other.state is not StartState.LOST else same & other.said.keys()


def _unknown(ids: Sequence[str]) -> dg.Failure:
    return dg.Failure(
        f"The job does not have {'these connections' if len(ids) > 1 else 'the connection'}:"
        f" {', '.join(ids)}. Its description names those that it has, with their ids.",
        allow_retries=False,
    )
