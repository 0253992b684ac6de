"""Reads what the checks of tables said last: all of them in one query."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import dagster as dg

from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation
from dagster_airbyte_sync.assets.event_log.records import job_named_in
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table


class AssetCheckRecord(Protocol):
    """What Dagster returns of a check's last evaluation; its own type for this is not public."""

    @property
    def event(self) -> dg.EventLogEntry | None: ...
    @property
    def run_id(self) -> str: ...
    @property
    def create_timestamp(self) -> float: ...


# By table, and by the check's name; a table without an entry was not looked up.
Evaluations = Mapping[dg.AssetKey, Mapping[str, LastEvaluation]]


# Of the evaluations of one check so many are read to find the last that is more than planned, and
# of so many connections at once.
_BACK, _MOST_BEHIND = 25, 20


def read_evaluations(
    instance: dg.DagsterInstance, tables: Iterable[Table], names: Collection[str]
) -> Evaluations:
    """The last evaluation of each of those checks that was ever evaluated, of all the tables.

    One query; where runs have planned checks one more for the runs, and one for each check of each
    connection, of 20 at most: of the others is not known what is behind the plan (`is_unread`).
    """
    connections = {table.key: table.connection_id for table in tables}
    checks = [dg.AssetCheckKey(table, name) for table in connections for name in names]
    found: dict[dg.AssetKey, dict[str, LastEvaluation]] = {table: {} for table in connections}
    planned: dict[dg.AssetCheckKey, _Planned] = {}
    for check, record in _latest(instance, checks).items():
        said = _said(record.event, connections[check.asset_key], record.create_timestamp)
        if said is None:
            planned[check] = _Planned(record.run_id, record.create_timestamp)
        else:
            found[check.asset_key][check.name] = said
    live = _live(instance, {each.run_id for each in planned.values()})
    behind: dict[tuple[str, str], LastEvaluation] = {}
    read_of: set[str] = set()
    # A run at work evaluates by itself what it has planned: first of the others.
    for check, plan in sorted(planned.items(), key=lambda each: each[1].run_id in live):
        connection = connections[check.asset_key]
        key = (connection, check.name)
        if key not in behind and (connection in read_of or len(read_of) < _MOST_BEHIND):
            read_of.add(connection)
            behind[key] = last_said(instance, check, connection) or _NOTHING
        before = behind.get(key, _UNREAD)
        found[check.asset_key][check.name] = plan.hiding(before, is_live=plan.run_id in live)
    return found


_NOTHING = LastEvaluation(passed=False)
_UNREAD = LastEvaluation(passed=False, is_unread=True)


@dataclass(frozen=True)
class _Planned:
    """A run has planned to evaluate a check, and has not yet, or never will."""

    run_id: str
    stored_at: float

    def hiding(self, before: LastEvaluation, *, is_live: bool) -> LastEvaluation:
        """As the last evaluation, for which Dagster shows none; `before` is one behind such a plan
        on a table of the same connection."""
        return replace(
            before,
            reason="",
            # Of this table nobody has looked.
            job=None,
            event=None,
            run_id=self.run_id,
            stored_at=self.stored_at,
            is_live=is_live,
        )


def _latest(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey]
) -> Mapping[dg.AssetCheckKey, AssetCheckRecord]:
    # The instance has a method for one check; a tick must not ask for each.
    storage = instance.event_log_storage
    return storage.get_latest_asset_check_execution_by_key(checks) if checks else {}


def _live(instance: dg.DagsterInstance, run_ids: Collection[str]) -> frozenset[str]:
    """Those of the runs that have not ended."""
    if not run_ids:
        return frozenset()
    records = instance.get_run_records(dg.RunsFilter(run_ids=sorted(run_ids)))
    runs = (record.dagster_run for record in records)
    return frozenset(run.run_id for run in runs if not run.is_finished)


def planned_by(
    instance: dg.DagsterInstance, run_id: str, tables: Iterable[Table], names: Collection[str]
) -> list[dg.AssetCheckKey]:
    """Of those checks of the tables, the ones that a run has planned, and that nobody has evaluated
    or planned since, in the order of `names`; one query."""
    keys_of = [table.key for table in tables]
    checks = [dg.AssetCheckKey(key, name) for name in names for key in keys_of]
    latest = _latest(instance, checks)
    own = {check: each.event for check, each in latest.items() if each.run_id == run_id}
    return [check for check in checks if check in own and _evaluation_in(own[check]) is None]


def left_over(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey]
) -> list[dg.AssetCheckKey]:
    """The checks that a run planned last which is over: nobody evaluates them any more.

    One query, and one for the runs where any has planned a check.
    """
    latest = _latest(instance, checks)
    planned = {
        check: each.run_id for check, each in latest.items() if _evaluation_in(each.event) is None
    }
    live = _live(instance, set(planned.values()))
    return [check for check in checks if check in planned and planned[check] not in live]


def last_said(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, connection_id: str
) -> LastEvaluation | None:
    """The last evaluation of a check, behind those that runs have only planned; one query."""
    history = instance.event_log_storage.get_asset_check_execution_history(check, limit=_BACK)
    said = (_said(each.event, connection_id, each.create_timestamp) for each in history)
    return next(filter(None, said), None)


def _said(
    entry: dg.EventLogEntry | None, connection_id: str, stored_at: float
) -> LastEvaluation | None:
    """What an evaluation says; None if a run has only planned it."""
    evaluation = _evaluation_in(entry)
    if entry is None or evaluation is None:
        return None
    return said_in(evaluation, connection_id, run_id=entry.run_id, stored_at=stored_at)


def _evaluation_in(entry: dg.EventLogEntry | None) -> dg.AssetCheckEvaluation | None:
    event = entry.dagster_event if entry is not None else None
    evaluation = event.event_specific_data if event is not None else None
    return evaluation if isinstance(evaluation, dg.AssetCheckEvaluation) else None


def said_in(
    evaluation: dg.AssetCheckEvaluation, connection_id: str, *, run_id: str = "", stored_at: float
) -> LastEvaluation:
    """What an evaluation says; none of ours says nothing that could be compared with."""
    metadata = evaluation.metadata
    return LastEvaluation(
        passed=evaluation.passed,
        reason=keys.text_in(metadata, keys.VERDICT) or "",
        job=job_named_in(metadata, connection_id),
        run_id=run_id,
        stored_at=stored_at,
        failing_since=keys.time_in(metadata, keys.FAILING_SINCE),
        failures=keys.int_in(metadata, keys.FAILURES_IN_A_ROW) or 0,
        counted=job_named_in(metadata, connection_id),
        state=keys.text_in(metadata, keys.VERDICT) or "",
        since=keys.time_in(metadata, keys.SINCE),
        timetable=keys.text_in(metadata, keys.TIMETABLE) or "",
        scheduled_since=keys.time_in(metadata, keys.SCHEDULED_SINCE),
        event=evaluation,
    )
