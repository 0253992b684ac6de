"""What a run that starts syncs was asked for: all connections of its job, or some, by its config;
by a person, or by the queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

import dagster as dg

from dagster_airbyte_sync.assets.queue import times
from dagster_airbyte_sync.assets.queue.queue_name import queue_of_start
from dagster_airbyte_sync.assets.queue.start_runs import is_queue_start, read_starts, waits_in
from dagster_airbyte_sync.assets.queue.times import CLOCKS, created_at
from dagster_airbyte_sync.assets.queue.wait import waits_again
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources.json_values import object_at


@dataclass(frozen=True)
class ToStart:
    """The connections with their tables, and ids of none of the job's connections.

    `is_from_queue`: there is room for them, as the queue's sensor has counted. `unsettled` are
    those that earlier runs may have started at these times (Dagster's clock, epoch seconds): each
    said that it begins, and no more.
    """

    context: dg.OpExecutionContext
    groups: Mapping[str, Sequence[Table]]
    unknown: Sequence[str]
    is_from_queue: bool
    unsettled: Mapping[str, Sequence[float]] = field(default_factory=dict)

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
        return to_start.once_more() if is_from_queue else to_start

    def put_back(self, tables: Sequence[Table], reason: str) -> None:
        """Say that the sync still waits. What the run has said of its start stands: the next one
        looks whether Airbyte has started it nevertheless."""
        last = tables[-1]
        self.context.log_event(waits_again(last.connection_id, last.key, reason))

    def refuse_unknown(self) -> None:
        """Raise dg.Failure for what the queue has asked this job for in vain."""
        if self.unknown:
            raise _unknown(self.unknown)

    def once_more(self) -> "ToStart":
        """Without what another run starts, or has started, that was asked for the same."""
        context, now = self.context, times.now_seconds()
        queue = queue_of_start(context.run)
        starts = read_starts(context.instance, queue, self._asked_since(), (), now)
        mine = next((each for each in starts if each.run_id == context.run.run_id), None)
        if mine is None:
            return self
        # What it has begun itself, before its process was replaced.
        left, unsettled = dict(self.groups), {each: [at] for each, at in mine.starting.items()}
        for other in starts:
            for each in mine.same_as(other) & left.keys() if other is not mine else ():
                if mine.leaves_to(other, each):
                    context.log.info("Skipped %s: run %s was asked for it, too", each, other.run_id)
                    del left[each]
                elif at := other.starting.get(each):
                    unsettled.setdefault(each, []).append(at)
        return replace(self, groups=left, unsettled=unsettled)

    def _asked_since(self) -> datetime:
        """No run was asked for these before the oldest of those that wrote them down, or its own if
        they are gone."""
        asked = {
            run_id for runs in waits_in(self.context.run.run_config).values() for run_id in runs
        }
        filters = dg.RunsFilter(run_ids=[*asked, self.context.run.run_id])
        return min(map(created_at, self.context.instance.get_run_records(filters))) - CLOCKS


def _unknown(ids: Sequence[str]) -> dg.Failure:
    return dg.Failure(
        f"The job does not have {'these connections' if len(ids) > 1 else 'the connection'}:"
        f" {', '.join(ids)}. Its description names those that it has, with their ids.",
        allow_retries=False,
    )
