"""What is said of checks that a run has planned and does not evaluate: again what was known before.

The checks of a run that fails, or clears, come after the step that syncs, and are never evaluated
then: Dagster would show that they could not be executed, and not how the tables are. That step says
it itself; of a run that was killed, or cancelled before it began, the sensor does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import dagster as dg

from dagster_airbyte_sync.assets.checks.check_settings import (
    CHECKS_OF_CONNECTIONS,
    CHECKS_OF_SYNCS,
    CONNECTION_CHECK,
    ROWS_CHECK,
    SYNC_CHECK,
    TableChecks,
)
from dagster_airbyte_sync.assets.checks.last_evaluation import LastEvaluation
from dagster_airbyte_sync.assets.checks.verdict import (
    NO_ROWS_YET,
    NO_SYNC_YET,
    Verdict,
    evaluation,
)
from dagster_airbyte_sync.assets.event_log.evaluations import (
    last_said,
    left_over,
    planned_by,
    read_evaluations,
)
from dagster_airbyte_sync.assets.events.check_events import (
    evaluation_metadata,
    evaluations_of,
    said_again,
)
from dagster_airbyte_sync.assets.events.finished_sync import (
    MOST_LOGS,
    FinishedSync,
    in_reporting_order,
    tables_of_job,
)
from dagster_airbyte_sync.assets.events.ledger import read_ledger
from dagster_airbyte_sync.assets.events.owed import Checked, Share
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table

_ALL = (*CHECKS_OF_SYNCS, *CHECKS_OF_CONNECTIONS)
# It has no settings.
_SYNC_ALONE = TableChecks(frozenset({SYNC_CHECK}))

Check = dg.AssetCheckKey


@dataclass(frozen=True)
class OwnJob:
    """The run's own job, after which no check is evaluated: one that failed, or a clear. And the
    checks of its tables whose settings are known.

    Unless it `is_known` which tables are complete, what it means for them is left to the sensor.
    """

    sync: FinishedSync
    checked: Checked
    is_known: bool = True

    def said(
        self, instance: dg.DagsterInstance, tables: Sequence[Table], checks: Sequence[Check]
    ) -> Mapping[Check, dg.AssetCheckEvaluation | None]:
        """What these checks of syncs say of it, word for word as the sensor would; None of what is
        left to it. Two queries.

        Of a table that is not complete there are no rows to count: what was said of them stands.
        """
        took_part = tables_of_job(self.sync.job, tables)
        places = {table.key: place for place, table in enumerate(in_reporting_order(took_part))}
        own = [table for table in took_part if any(table.key == each.asset_key for each in checks)]
        ledger = read_ledger(instance, own)
        ledger = replace(ledger, evaluations=read_evaluations(instance, own, CHECKS_OF_SYNCS))
        found: dict[Check, dg.AssetCheckEvaluation | None] = {}
        for table in own:
            is_complete = self.sync.job.made_fresh(table.stream)
            about = self.sync if places[table.key] < MOST_LOGS else self.sync.without_log
            known = self.checked.get(table.key, _SYNC_ALONE)
            names = CHECKS_OF_SYNCS if is_complete else (SYNC_CHECK,)
            share = Share(table, False, known.among(names))
            if ledger.is_late(table.key, self.sync.job.ref):
                continue
            found.update({dg.AssetCheckKey(table.key, name): None for name in names})
            if not self.is_known:
                continue
            for event in evaluations_of(about, share, ledger, now=0):
                found[event.asset_check_key] = event
        return found


def said_before(
    instance: dg.DagsterInstance,
    run_id: str,
    tables: Sequence[Table],
    own: OwnJob | None = None,
) -> Iterator[dg.AssetCheckEvaluation]:
    """For each check of the tables that the run has planned and not evaluated, what it said last,
    or of its `own` job, what it says of that. First whether the syncs succeeded.

    Some queries, and one for each check as it is asked for; of how a connection stands one for all
    of its tables.
    """
    connections = {table.key: table.connection_id for table in tables}
    checks = planned_by(instance, run_id, tables, _ALL)
    new = own.said(instance, tables, checks) if own and checks else {}
    stands: dict[str, LastEvaluation | None] = {}
    for check in checks:
        connection_id = connections[check.asset_key]
        if check in new:
            said = new[check]
            yield from [said] if said else []
        elif check.name == CONNECTION_CHECK:
            if connection_id not in stands:
                stands[connection_id] = last_said(instance, check, connection_id)
            last = stands[connection_id]
            yield from [said_again(last.event, check.asset_key)] if last and last.event else []
        else:
            yield from _again(instance, check, connection_id, own.sync if own else None)


def said_before_runs_that_are_over(
    instance: dg.DagsterInstance, checks: Mapping[dg.AssetCheckKey, str]
) -> Iterator[dg.AssetCheckEvaluation]:
    """For each of those checks of syncs that a run has planned and left, what it said last.

    `checks` have their connections. Two queries, and one for each check as it is asked for.
    """
    for check in left_over(instance, list(checks)):
        yield from _again(instance, check, checks[check])


def _again(
    instance: dg.DagsterInstance,
    check: dg.AssetCheckKey,
    connection_id: str,
    failed: FinishedSync | None = None,
) -> Iterator[dg.AssetCheckEvaluation]:
    last = last_said(instance, check, connection_id)
    if check.name == ROWS_CHECK and not (last and last.counted):
        yield _nothing_seen(check, NO_ROWS_YET, failed)
    elif last is not None and last.event is not None:
        yield said_again(last.event)
    elif check.name == SYNC_CHECK:
        yield _nothing_seen(check, NO_SYNC_YET, failed)


def _nothing_seen(
    check: dg.AssetCheckKey, verdict: Verdict, failed: FinishedSync | None
) -> dg.AssetCheckEvaluation:
    known: dict[str, keys.Entry] = {keys.VERDICT: verdict.reason}
    about = evaluation_metadata(failed, verdict, None) if failed else known
    return evaluation(check.asset_key, check.name, verdict, about)
