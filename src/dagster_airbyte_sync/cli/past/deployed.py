"""The sensor that a command is about, or those that share its connections, among a user's
definitions, with the workspace and Dagster's instance."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import click
import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.cli.check.loading import loaded_definitions, workspaces_in
from dagster_airbyte_sync.cli.finding import checked
from dagster_airbyte_sync.cli.mistakes import Mistake, unreadable
from dagster_airbyte_sync.cli.options import Decorated, definitions_option
from dagster_airbyte_sync.cli.past.stored_sensor import StoredSensor
from dagster_airbyte_sync.resources import AirbyteClient, BaseAirbyteWorkspace
from dagster_airbyte_sync.sensors import WHOLE, Backfill, OneAtATime, Polling, polling_of


@dataclass(frozen=True)
class Deployed:
    """A polling sensor, as the user's definitions and Dagster's instance have it."""

    module: str
    repository: dg.RepositoryDefinition
    polling: Polling
    workspace: BaseAirbyteWorkspace
    client: AirbyteClient
    instance: dg.DagsterInstance
    stored: StoredSensor

    @property
    def workspace_id(self) -> str:
        return self.client.settings.scope

    @property
    def sensor(self) -> str:
        return self.stored.name

    def backfill(self) -> Backfill:
        """Of the sensor's own connections."""
        return Backfill(self.polling, self.repository, self.client, self.instance, self.workspace)

    def one_at_a_time(self) -> OneAtATime:
        place = f"{platform.node()} (process {os.getpid()})"
        return OneAtATime(self.instance, self.workspace_id, place)

    def name_of(self, connection_id: str) -> str:
        """The connection's name, as its assets have it; Airbyte is not asked."""
        return self._names.get(connection_id, connection_id)

    @cached_property
    def _names(self) -> Mapping[str, str]:
        names: dict[str, str] = {}
        for key, assets in self.repository.assets_defs_by_key.items():
            metadata = assets.get_asset_spec(key).metadata
            connection_id = keys.text_in(metadata, keys.CONNECTION_ID)
            name = keys.text_in(metadata, keys.CONNECTION_NAME)
            if connection_id and name:
                names.setdefault(connection_id, name)
        return names


def together(every: Sequence[Deployed]) -> Deployed:
    """The first of those that share the connections, for all of these."""
    first, *others = every
    return replace(first, polling=replace(first.polling, shard=WHOLE)) if others else first


def sensor_options(command: Decorated) -> Decorated:
    """`--definitions`, `--sensor` and `--location`: what `deployed` needs."""
    definitions = definitions_option(required=True)
    sensor = click.option(
        "--sensor",
        metavar="NAME",
        help="Which sensor, if there are several. Default: all, if they share the connections.",
    )
    location = click.option(
        "--location",
        metavar="NAME",
        help="The sensor's code location, if several have a sensor of that name.",
    )
    return definitions(sensor(location(command)))


@contextmanager
def deployed(
    definitions: str, sensor: str | None, location: str | None
) -> Iterator[Sequence[Deployed]]:
    """What the options name: one sensor, or all that share the connections.

    Raises Mistake if there is none, or no instance of Dagster.
    """
    if not os.environ.get("DAGSTER_HOME"):
        raise Mistake(
            "DAGSTER_HOME is not set: set it to the folder that your Dagster uses, because its"
            " event log has what was reported."
        )
    made = loaded_definitions(definitions)
    repository = made.get_repository_def()
    chosen = _chosen(repository, sensor)
    name, polling = next(iter(chosen.items()))
    workspace = _workspace(made, name, polling)
    module = definitions.partition(":")[0]
    with _instance() as instance, workspace.resolved() as ready:
        client = ready.get_client()

        def of(name: str, polling: Polling) -> Deployed:
            is_on = _is_on_by_default(repository, name)
            stored = StoredSensor(instance, name, is_on, location, module)
            return Deployed(module, repository, polling, ready, client, instance, stored)

        yield [of(name, polling) for name, polling in chosen.items()]


def _instance() -> dg.DagsterInstance:
    """That of DAGSTER_HOME. Raises Mistake or DagsterError if its storage cannot be read."""
    try:
        instance = dg.DagsterInstance.get()
        # Each may be in a database of its own.
        instance.all_instigator_state()
        instance.get_runs(limit=1)
        instance.get_asset_keys(limit=1)
    except dg.DagsterError:
        raise
    except Exception as error:
        # Whatever its storage, and the library of that, raise.
        raise Mistake(unreadable(error)) from None
    return instance


def _chosen(repository: dg.RepositoryDefinition, wanted: str | None) -> Mapping[str, Polling]:
    """The sensor of that name, or all that share the connections; in the order of their names."""
    found = {
        each.name: polling
        for each in sorted(repository.sensor_defs, key=lambda each: each.name)
        if (polling := polling_of(each)) is not None
    }
    if wanted in found:
        return {wanted: found[wanted]}
    if not found:
        raise Mistake(
            "These definitions have no sensor that reports Airbyte's syncs: add"
            " build_airbyte_polling_sensor, or use build_airbyte_definitions."
        )
    sharing = {name: each for name, each in found.items() if wanted in (None, each.base_name)}
    if len({each.base_name for each in sharing.values()}) == 1:
        return sharing
    names = ", ".join(found)
    if wanted:
        raise Mistake(f"There is no sensor {wanted!r}: give --sensor, one of {names}.")
    raise Mistake(
        f"There are {len(found)} sensors that report syncs: give --sensor, one of {names}."
    )


def _workspace(made: dg.Definitions, sensor: str, polling: Polling) -> BaseAirbyteWorkspace:
    found = workspaces_in(made).get(polling.resource_key)
    if found is None:
        raise Mistake(
            f"The sensor {sensor} needs an Airbyte workspace under {polling.resource_key!r}, which"
            " is not among the resources."
        )
    return checked(found)


def _is_on_by_default(repository: dg.RepositoryDefinition, name: str) -> bool:
    status = repository.get_sensor_def(name).default_status
    return status is dg.DefaultSensorStatus.RUNNING
