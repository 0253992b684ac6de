"""Assets that sync: one definition for each connection, run by starting that connection's sync."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import signature
from itertools import chain
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_airbyte_sync.assets.asked.run_config import AirbyteRunConfig
from dagster_airbyte_sync.assets.checks.check_settings import AirbyteChecks
from dagster_airbyte_sync.assets.lineage.source_assets import (
    SourceAssets,
    source_definitions,
    with_sources,
)
from dagster_airbyte_sync.assets.sync.outputs import multi_asset_of
from dagster_airbyte_sync.assets.sync.reporting import SyncEvent
from dagster_airbyte_sync.assets.sync.step import sync_and_poll
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.loading import Pool, load_tables, refuse_two_groups
from dagster_airbyte_sync.assets.tables.names import clean_name, loses_letters
from dagster_airbyte_sync.assets.tables.table import (
    ConnectionSelector,
    Table,
    group_by_connection,
)
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import (
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    as_workspace,
    no_garbage_collected,
)
from dagster_airbyte_sync.resources.schedules.taken_over import TakenOver


def airbyte_assets(
    *,
    connection_id: str,
    workspace: BaseAirbyteWorkspace,
    name: str | None = None,
    group_name: str | None = None,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    freshness_from_airbyte_schedule: bool | TakenOver | str = False,
    retry_policy: dg.RetryPolicy | None = None,
    pool: Pool | None = None,
    backfill_policy: dg.BackfillPolicy | None = None,
    op_tags: Mapping[str, object] | None = None,
    snapshot: Path | None = None,
    checks: bool | AirbyteChecks = False,
    resource_key: str = "airbyte",
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Decorate a function that syncs one connection, usually by calling `sync_and_poll`.

    Use it to do more than sync when the assets are materialized. `retry_policy`, `backfill_policy`
    and `op_tags` are passed to `dg.multi_asset`.

    Args:
        connection_id: The connection's id, the last part of its address in Airbyte's UI.
        workspace: The workspace, an AirbyteWorkspace or another resource of this package.
        name: The op's name.
        group_name: The group of all its assets.
        dagster_airbyte_translator: Makes the asset of each table.
        freshness_from_airbyte_schedule: As in `load_airbyte_asset_specs`.
        pool: The pool of the op, or a function that takes the connection and returns it.
        snapshot: As in `load_airbyte_asset_specs`.
        checks: As in `build_airbyte_assets_definitions`. `sync_and_poll` evaluates them, also if
            the function is run for checks alone.
        resource_key: The key of the workspace among the resources, by which the sensor finds the
            checks that it evaluates.

    Raises:
        AirbyteSettingsError: If the workspace has no such connection, or is one of
            dagster-airbyte's.
    """
    _check_is_ours(workspace)
    tables = load_tables(
        workspace,
        dagster_airbyte_translator,
        lambda connection: connection.id == connection_id,
        freshness_from_airbyte_schedule=freshness_from_airbyte_schedule,
        snapshot=snapshot,
        warns_of_none=False,
        pool=pool,
    )
    refuse_two_groups(tables, group_name)
    if not tables:
        raise AirbyteSettingsError(
            f"The workspace has no connection {connection_id!r} with selected streams. The id is"
            " the last part of the connection's address in Airbyte's UI."
        )
    return multi_asset_of(
        [table.spec for table in tables],
        _check_specs(tables, checks, resource_key),
        name=name,
        group_name=group_name,
        retry_policy=retry_policy,
        pool=tables[0].pool,
        backfill_policy=backfill_policy,
        op_tags=op_tags,
    )


def _check_is_ours(workspace: object) -> None:
    """The decorated function calls the workspace's own sync_and_poll, with assets of ours."""
    if isinstance(workspace, BaseAirbyteWorkspace):
        return
    as_workspace(workspace)
    kind = type(workspace)
    raise AirbyteSettingsError(
        f"workspace is {kind.__module__}.{kind.__name__}, whose sync_and_poll cannot sync assets of"
        " @airbyte_assets: import the workspace from dagster_airbyte_sync, too."
    )


def build_airbyte_assets_definitions(
    *,
    workspace: BaseAirbyteWorkspace,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
    resource_key: str = "airbyte",
    include_inactive: bool = True,
    freshness_from_airbyte_schedule: bool | TakenOver | str = False,
    retry_policy: dg.RetryPolicy | None = None,
    pool: Pool | None = None,
    backfill_policy: dg.BackfillPolicy | None = None,
    op_tags: Mapping[str, object] | None = None,
    snapshot: Path | None = None,
    checks: bool | AirbyteChecks = False,
    source_assets: SourceAssets = False,
) -> Sequence[dg.AssetsDefinition]:
    """Build an asset definition for each selected connection; materializing it starts a sync.

    The workspace must also be among the resources, under `resource_key`. `retry_policy`,
    `backfill_policy` and `op_tags` are passed to `dg.multi_asset` for each definition. A retried
    step starts a new sync.

    Args:
        workspace: The connections are read from it now.
        dagster_airbyte_translator: As in `load_airbyte_asset_specs`.
        connection_selector_fn: As in `load_airbyte_asset_specs`.
        resource_key: The key of the workspace among the resources. For a second workspace in a code
            location, use another key.
        include_inactive: As in `load_airbyte_asset_specs`.
        freshness_from_airbyte_schedule: As in `load_airbyte_asset_specs`.
        pool: The pool of each op, or a function that takes the connection and returns it, for a
            pool for each source, each destination or anything else that connections share:
            `pool=lambda connection: connection.destination_id`.
        snapshot: As in `load_airbyte_asset_specs`.
        checks: Whether each table has the checks that `build_airbyte_definitions` gives it; or an
            AirbyteChecks that says which. The step evaluates them for what it has materialized, and
            when you run them by hand, in its pool. The sensor evaluates them for all other syncs.
        source_assets: As in `load_airbyte_asset_specs`. Each external asset has a definition, which
            is the same object for all calls in a process that make the asset alike.

    Raises:
        AirbyteError: As `load_airbyte_asset_specs` does.
        AirbyteSettingsError: As `load_airbyte_asset_specs` does.
        DuplicateAssetKey: If two streams would have the same key.
    """
    tables = load_tables(
        workspace,
        dagster_airbyte_translator,
        connection_selector_fn,
        include_inactive=include_inactive,
        freshness_from_airbyte_schedule=freshness_from_airbyte_schedule,
        snapshot=snapshot,
        pool=pool,
    )
    tables = with_sources(tables, source_assets)
    made = syncing_assets(
        tables,
        resource_key,
        checks=checks,
        retry_policy=retry_policy,
        backfill_policy=backfill_policy,
        op_tags=op_tags,
    )
    return [*made, *source_definitions(tables)]


# Of an argument `config` Dagster would make it for each connection anew: a sixth of what loading
# takes.
_RUN_CONFIG = AirbyteRunConfig.to_fields_dict()

SyncFunction = Callable[[BaseAirbyteWorkspace, dg.AssetExecutionContext], Iterable[SyncEvent]]


@no_garbage_collected()
def syncing_assets(
    tables: Iterable[Table],
    resource_key: str,
    *,
    checks: bool | AirbyteChecks = False,
    watched_as: str | None = None,
    sync_fn: SyncFunction = sync_and_poll,
    clean_fn: Callable[[str], str] = clean_name,
    name_prefix: str | None = None,
    **options: Any,
) -> Sequence[dg.AssetsDefinition]:
    """One asset definition for each connection of the tables, in its pool; `options` as of
    `dg.multi_asset`.

    The sensor that evaluates their `checks` has its workspace under `watched_as`, if that is not
    `resource_key`.
    `sync_fn` is called with the workspace under `resource_key` to sync the connection of a run.
    An op's name begins with that key, or with `name_prefix`; `clean_fn` makes the part that stands
    for the connection's name.
    """
    by_connection = group_by_connection(tables)
    names = op_names(by_connection, name_prefix or clean_name(resource_key), clean_fn)
    sync_connection = _sync_connection(resource_key, sync_fn)
    return [
        multi_asset_of(
            [table.spec for table in group],
            _check_specs(group, checks, watched_as or resource_key),
            name=names[connection_id],
            required_resource_keys={resource_key},
            pool=group[0].pool,
            config_schema=_RUN_CONFIG,
            **options,
        )(sync_connection)
        for connection_id, group in by_connection.items()
    ]


def _check_specs(
    tables: Iterable[Table], checks: bool | AirbyteChecks, resource_key: str
) -> list[dg.AssetCheckSpec]:
    wanted = AirbyteChecks.of(checks)
    made_of = (wanted.specs_of(table.key, resource_key) for table in tables if wanted)
    return list(chain.from_iterable(made_of))


def op_names(
    by_connection: Mapping[str, Sequence[Table]],
    prefix: str = "airbyte",
    clean_fn: Callable[[str], str] = clean_name,
) -> dict[str, str]:
    """A name for each connection's op: its own name, and its id where that may be taken.

    Assets of the usual resource key are named as dagster-airbyte names them, unless that may also
    stand for a connection of another builder. In a code location all ops, of whatever key and kind,
    need different names, so those of others have the id.
    """
    connection_names = {each: _connection_name(own[0]) for each, own in by_connection.items()}
    plain = {each: f"{prefix}_{clean_fn(name)}" for each, name in connection_names.items()}
    uses = Counter(plain.values())
    return {
        connection_id: name
        if prefix == "airbyte"
        and uses[name] == 1
        and not loses_letters(connection_names[connection_id])
        else f"{name}_{clean_name(connection_id)}"
        for connection_id, name in plain.items()
    }


def _connection_name(table: Table) -> str:
    return keys.text_in(table.spec.metadata, keys.CONNECTION_NAME) or table.connection_id


def _sync_connection(
    resource_key: str, sync_fn: SyncFunction
) -> Callable[[dg.AssetExecutionContext], Iterator[object]]:
    """The function of all these assets: in the context it finds which connection it is run for."""

    # Dagster looks at these types many times, for each connection: a union would take long.
    def sync_connection(context: dg.AssetExecutionContext) -> Iterator[object]:
        # `sync_and_poll` finds the config in the context, too: whoever overrides a component's
        # `execute` hands over nothing else.
        yield from sync_fn(workspace_resource(context.resources, resource_key), context)

    # It also asks for the signature, sixteen times for each: `inspect` takes what is here.
    vars(sync_connection)["__signature__"] = signature(sync_connection)
    return sync_connection


def workspace_resource(resources: object, resource_key: str) -> BaseAirbyteWorkspace:
    """The workspace under that key; AirbyteSettingsError if something else is there."""
    return as_workspace(getattr(resources, resource_key), f"The resource {resource_key!r}")
