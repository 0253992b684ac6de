"""Every five minutes a tick looks at how the connections stand, if checks here say that."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import dagster as dg

from dagster_airbyte_sync.assets.checks.check_settings import (
    CHECKS_OF_CONNECTIONS,
    checks_in,
    of_connections,
)
from dagster_airbyte_sync.assets.checks.verdict import evaluation
from dagster_airbyte_sync.assets.event_log.evaluations import read_evaluations
from dagster_airbyte_sync.assets.events.check_events import said_again
from dagster_airbyte_sync.assets.events.event_size import size_of
from dagster_airbyte_sync.assets.events.ledger import read_ledger
from dagster_airbyte_sync.assets.events.sync_events import Event
from dagster_airbyte_sync.assets.look.look import (
    REPORTED_NOW,
    Look,
    look_metadata,
    must_be_stored,
)
from dagster_airbyte_sync.assets.tables.storable import why_not_storable
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    accepts,
    group_by_connection,
    table_of_spec,
    workspaces_of,
)
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    AirbyteSettingsError,
    Connection,
    Job,
    TimeBudget,
)
from dagster_airbyte_sync.sensors.shard import WHOLE, Shard

# Seconds between two looks.
LOOK_EVERY = 300
# A look may take so many seconds: it is worth no late report.
_LONGEST = 20.0


def is_due(looked_at: int | None, now: int) -> bool:
    """Whether it is time, also if a clock was set back. Both are in epoch seconds."""
    return looked_at is None or not 0 <= now - looked_at < LOOK_EVERY


@dataclass(frozen=True)
class Room:
    """What is left of a tick's limits."""

    events: int
    bytes: int

    def beside(self, events: Sequence[Event]) -> "Room":
        """What is left beside these."""
        return Room(self.events - len(events), self.bytes - size_of(events))


@dataclass(frozen=True)
class Looked:
    """The evaluations to store. `is_whole` is False if some are left to the next tick; `place` is
    where the next look goes on to say again what runs have left (`left_over.py`)."""

    events: tuple[dg.AssetCheckEvaluation, ...] = ()
    is_whole: bool = True
    place: int = 0


@dataclass(frozen=True)
class Watch:
    """What a look is made with, at the connections of a shard; `now` is Dagster's clock, in epoch
    seconds, and `skew` how far Airbyte's is ahead of it."""

    repository: dg.RepositoryDefinition
    resource_key: str
    client: AirbyteClient
    instance: dg.DagsterInstance
    budget: TimeBudget
    selector: ConnectionSelector | None
    log: logging.Logger
    now: int
    skew: timedelta
    shard: Shard = WHOLE

    def look(
        self,
        without: Collection[str],
        ended: Sequence[Job],
        watched_since: datetime,
        events: Sequence[Event],
        room: Room,
    ) -> Looked:
        """The evaluations that say something new; no request if no check is defined.

        Nothing is said of connections `without`. `ended` are jobs that the tick has read and may
        not have reported yet, `events` those that it stores. If Airbyte does not answer there is
        what is `kept`, and the log says so, once until it does.
        """
        checks = checks_here(self.repository, self.resource_key)
        if not checks:
            return Looked()
        every = tables_here(self.repository, checks)
        own = (table for table in every if self.shard.has(table.connection_id))
        tables = [table for table in own if table.connection_id not in without]
        budget = self.budget.half().at_most(_LONGEST)
        workspace = self.client.settings.scope
        try:
            look = Look.read(self.client, budget)
        except AirbyteError as error:
            self._warn(workspace, error)
            return replace(self.kept(events, room), is_whole=True)
        _down.discard(workspace)
        made = _materialized(events)
        places = workspaces_of(tables)
        known = [each for each in tables if self._is_wanted(look, each.connection_id, places)]
        ledger = read_ledger(self.instance, known, self.skew)
        said_before = read_evaluations(self.instance, known, CHECKS_OF_CONNECTIONS)
        pages = self.client.pages(budget, workspaces_of(known))

        def new() -> Iterator[dg.AssetCheckEvaluation]:
            for connection_id, group in group_by_connection(known).items():
                answers = look.answers(
                    group,
                    ledger,
                    said_before,
                    last_sync_end=_last_end(ended, connection_id),
                    watched_since=watched_since,
                )
                for table in group:
                    reported = REPORTED_NOW if table.key in made else ledger.last.get(table.key)
                    for name in sorted(checks[table.key]):
                        said = answers[dg.AssetCheckKey(table.key, name)]
                        last = said_before[table.key].get(name)
                        if last is not None and last.is_unread:
                            # It would forget since when it is so. The next look knows of others.
                            continue
                        if must_be_stored(said, last, reported, self.now):
                            metadata = look_metadata(table, said, last, pages, look.now)
                            yield evaluation(table.key, name, said.verdict, metadata)

        return fitting(new(), room)

    def kept(self, events: Sequence[Event], room: Room) -> Looked:
        """What runs have evaluated of the tables that these events materialize, once more outside
        of runs: Dagster would not show it any more. No request, one query."""
        made = _materialized(events)
        checks = checks_here(self.repository, self.resource_key) if made else {}
        tables = tables_here(self.repository, made & checks.keys())
        said = read_evaluations(self.instance, tables, CHECKS_OF_CONNECTIONS)
        of_runs = (
            said_again(last.event)
            for table in tables
            for _, last in sorted(said[table.key].items())
            if last.run_id and last.reason and last.event is not None
        )
        return replace(fitting(of_runs, room), is_whole=False)

    def _is_wanted(self, look: Look, connection_id: str, places: Mapping[str, str]) -> bool:
        """Whether the look shows how the connection stands, and the user has selected it."""
        connection = look.connection(connection_id)
        if connection is None:
            return look.is_known(connection_id, places.get(connection_id))
        return self._accepts(connection)

    def _accepts(self, connection: Connection) -> bool:
        try:
            return accepts(self.selector, connection)
        except AirbyteSettingsError as error:
            self.log.warning("The state of a connection is not reported: %s", error)
            return False

    def _warn(self, workspace: str, error: AirbyteError) -> None:
        if workspace not in _down:
            _down.add(workspace)
            self.log.warning(
                "The state of the connections is unknown now and is looked up again every five"
                " minutes; syncs are reported all the same. %s",
                error,
            )


# The workspaces that did not answer the last look of this process.
_down: set[str] = set()


def _materialized(events: Sequence[Event]) -> set[dg.AssetKey]:
    return {each.asset_key for each in events if isinstance(each, dg.AssetMaterialization)}


def _last_end(ended: Sequence[Job], connection_id: str) -> datetime | None:
    ends = (
        job.ended_at for job in ended if job.connection_id == connection_id and job.wrote_tables
    )
    return max(filter(None, ends), default=None)


def fitting(events: Iterator[dg.AssetCheckEvaluation], room: Room) -> Looked:
    """As many of these as there is room for."""
    few: list[dg.AssetCheckEvaluation] = []
    left = room.bytes
    for event in events:
        left -= size_of([event])
        if len(few) >= room.events or left < 0:
            return Looked(tuple(few), is_whole=False)
        few.append(event)
    return Looked(tuple(few))


def checks_here(
    repository: dg.RepositoryDefinition, resource_key: str
) -> Mapping[dg.AssetKey, frozenset[str]]:
    """The checks of connections that this code location has for the workspace, by table."""
    return of_connections(checks_in(repository), resource_key)


def tables_here(
    repository: dg.RepositoryDefinition, checks: Collection[dg.AssetKey]
) -> list[Table]:
    """The tables with these keys, in an order that is the same in each process."""
    assets = repository.assets_defs_by_key
    specs = (assets[key].get_asset_spec(key) for key in sorted(checks) if key in assets)
    tables = (table for spec in specs if (table := table_of_spec(spec)))
    return [table for table in tables if not why_not_storable(table.key)]
