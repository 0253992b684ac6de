"""Which checks tables have, and from when on they warn. A check's spec carries its own settings, so
that the sensor, runs and people all evaluate it alike."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import AirbyteSettingsError

SYNC_CHECK = keys.CHECK_NAME
ROWS_CHECK = "airbyte_rows"
SCHEMA_CHECK = "airbyte_schema"
CONNECTION_CHECK = "airbyte_connection"
# What says something of a finished job.
CHECKS_OF_SYNCS = (SYNC_CHECK, ROWS_CHECK)
# What says how a connection stands now, whatever its last job did.
CHECKS_OF_CONNECTIONS = (SCHEMA_CHECK, CONNECTION_CHECK)

_ROWS_FACTOR = "dagster-airbyte/rows_factor"
_REJECTED_ROWS = "dagster-airbyte/rejected_rows"
# Whose connection it is: a code location may have several workspaces.
_RESOURCE_KEY = "dagster-airbyte/resource_key"

_DESCRIPTIONS = {
    SYNC_CHECK: "Whether the last Airbyte sync succeeded.",
    ROWS_CHECK: (
        "Whether the last Airbyte sync moved about as many rows as those before it, and the"
        " destination rejected none."
    ),
    SCHEMA_CHECK: (
        "Whether the table still has the stream and the columns that it had when the definitions"
        " were loaded, and whether a schema change waits for approval in Airbyte."
    ),
    CONNECTION_CHECK: (
        "Whether Airbyte syncs the connection: it is neither paused, locked nor deleted, no sync is"
        " late, and none takes far longer than usual."
    ),
}


@dataclass(frozen=True)
class AirbyteChecks:
    """Which checks each table has.

    `airbyte_sync`, whether the last sync succeeded, is always there.

    With `schema` or `connection`, the sensor makes two requests every five minutes. Where Airbyte's
    Configuration API is closed, it makes one for each page of connections and each job status.

    Args:
        rows: Whether tables have `airbyte_rows`. It warns if a sync moved no rows, unless that is
            usual for the stream, if it moved far fewer or more rows than earlier syncs, or if the
            destination rejected rows.
        rows_factor: How many times fewer than the fewest of the last syncs, or more than the most,
            counts as far. More than 1.
        rejected_rows: How many rejected rows of a sync to accept without a warning.
        schema: Whether tables have `airbyte_schema`. It warns if streams or columns were added,
            removed, or changed their type since the definitions were loaded, and fails while a
            breaking schema change waits for approval in Airbyte.
        connection: Whether tables have `airbyte_connection`. It fails if the connection is locked,
            deleted, or waits for approval of a schema change. It warns if the connection is paused,
            if its next sync is late, or if a sync runs or waits far longer than usual.
    """

    rows: bool = True
    rows_factor: float = 3.0
    rejected_rows: int = 0
    schema: bool = False
    connection: bool = False

    def __post_init__(self) -> None:
        if not self.rows_factor > 1:
            raise AirbyteSettingsError(
                f"rows_factor is {self.rows_factor:g}, and must be more than 1: a sync with 3 times"
                " as many rows as any before it is far above them with rows_factor=3."
            )
        if self.rejected_rows < 0:
            raise AirbyteSettingsError(
                f"rejected_rows is {self.rejected_rows}, and cannot be negative: it is the number"
                " of rejected rows to accept without a warning."
            )

    @property
    def names(self) -> tuple[str, ...]:
        wanted = {
            SYNC_CHECK: True,
            ROWS_CHECK: self.rows,
            SCHEMA_CHECK: self.schema,
            CONNECTION_CHECK: self.connection,
        }
        return tuple(name for name, is_wanted in wanted.items() if is_wanted)

    def specs_of(
        self, table: dg.AssetKey, resource_key: str = "airbyte"
    ) -> list[dg.AssetCheckSpec]:
        return [
            dg.AssetCheckSpec(
                name,
                asset=table,
                description=_DESCRIPTIONS[name],
                metadata=self._metadata(name, resource_key),
            )
            for name in self.names
        ]

    @classmethod
    def of(cls, wished: "bool | AirbyteChecks | None") -> "AirbyteChecks | None":
        """Read the `checks` argument of a builder: True is the defaults, False and None nothing."""
        return cls() if wished is True else wished or None

    def _metadata(self, name: str, resource_key: str) -> dict[str, int | float | str]:
        if name in CHECKS_OF_CONNECTIONS:
            return {_RESOURCE_KEY: resource_key}
        if name != ROWS_CHECK:
            return {}
        return {_ROWS_FACTOR: self.rows_factor, _REJECTED_ROWS: self.rejected_rows}


@dataclass(frozen=True)
class TableChecks:
    """The checks that one table has in this code location, and their settings."""

    names: frozenset[str] = frozenset()
    settings: AirbyteChecks = field(default_factory=AirbyteChecks)

    def among(self, names: Iterable[str]) -> "TableChecks":
        """Those of these names."""
        return TableChecks(self.names.intersection(names), self.settings)


NO_CHECKS = TableChecks()


def checks_in(repository: dg.RepositoryDefinition) -> Iterator[dg.AssetCheckSpec]:
    """All checks of a code location: those that assets carry, and those beside them."""
    carried = (assets.check_specs for assets in set(repository.assets_defs_by_key.values()))
    beside = (each.check_specs for each in set(repository.asset_checks_defs_by_key.values()))
    yield from chain.from_iterable(chain(carried, beside))


def of_connections(
    specs: Iterable[dg.AssetCheckSpec], resource_key: str
) -> Mapping[dg.AssetKey, frozenset[str]]:
    """The names of those checks by table that say how connections stand in that workspace."""
    by_table: dict[dg.AssetKey, set[str]] = {}
    for spec in specs:
        is_ours = spec.name in CHECKS_OF_CONNECTIONS
        if is_ours and keys.text_in(spec.metadata or {}, _RESOURCE_KEY) == resource_key:
            by_table.setdefault(spec.asset_key, set()).add(spec.name)
    return {table: frozenset(names) for table, names in by_table.items()}


def checks_by_table(
    specs: Iterable[dg.AssetCheckSpec],
) -> Mapping[dg.AssetKey, TableChecks]:
    """Those of ours among the checks of a code location, by table."""
    by_table: dict[dg.AssetKey, list[dg.AssetCheckSpec]] = {}
    for spec in specs:
        if spec.name in _DESCRIPTIONS:
            by_table.setdefault(spec.asset_key, []).append(spec)
    return {table: _of(own) for table, own in by_table.items()}


def _of(specs: Iterable[dg.AssetCheckSpec]) -> TableChecks:
    by_name = {spec.name: spec for spec in specs}
    rows = by_name.get(ROWS_CHECK)
    metadata = rows.metadata if rows is not None and rows.metadata else {}
    usual = AirbyteChecks()
    settings = AirbyteChecks(
        rows=rows is not None,
        rows_factor=keys.float_in(metadata, _ROWS_FACTOR) or usual.rows_factor,
        rejected_rows=keys.int_in(metadata, _REJECTED_ROWS) or usual.rejected_rows,
        schema=SCHEMA_CHECK in by_name,
        connection=CONNECTION_CHECK in by_name,
    )
    return TableChecks(frozenset(by_name), settings)
