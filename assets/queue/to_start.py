"""What a run that starts syncs was asked for: all connections of its job, or some, by its config;
by a person, or by the queue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

import dagster as dg

from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, SyncClaim
from dagster_airbyte_sync.assets.queue import times
from dagster_airbyte_sync.assets.queue.queue_name import queue_of_start
from dagster_airbyte_sync.assets.queue.said import read_said
from dagster_airbyte_sync.assets.queue.start_runs import is_queue_start, read_starts, waits_in
from dagster_airbyte_sync.assets.queue.times import CLOCKS, created_at
from dagster_airbyte_sync.assets.queue.wait import Wait, waits_again
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

    def refuse_unknown(self, is_gone: Callable[[str], bool]) -> None:
        """Raise dg.Failure for what the queue has asked this job for in vain. What is gone from
        Airbyte waits no more: definitions that were loaded since do not have it either."""
        left = [each for each in self.unknown if not (is_gone(each) and self._let_go(each))]
        if left:
            raise _unknown(left)

    def _let_go(self, connection_id: str) -> bool:
        wait = self._wait_of(connection_id)
        if wait is not None:
            claim = SyncClaim(ClaimStatus.NOT_STARTED, connection_id)
            self.context.log_event(claim.to_observation(wait.table))
            self.context.log.warning(
                "%s waits no more: it is gone from Airbyte, or not active, and from the job", wait
            )
        return wait is not None

    def _wait_of(self, connection_id: str) -> Wait | None:
        run_ids = waits_in(self.context.run.run_config).get(connection_id, ())
        instance, now = self.context.instance, times.now_seconds()
        records = instance.get_run_records(dg.RunsFilter(run_ids=[*run_ids])) if run_ids else ()
        waits = (wait for each in records for wait in read_said(instance, each, now).waits)
        return next((wait for wait in waits if wait.connection_id == connection_id), None)

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
                    context.log.info(
                        "Skipped %s: run %s was requested for it, too", each, other.run_id
                    )
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
