"""What the user of the simulated Airbyte may read and do."""

from collections.abc import Collection, Iterable

from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.world.connections import SimulatedConnection, SimulatedWorkspace
from dagster_airbyte_sync.testing.world.jobs import SimulatedJob
from dagster_airbyte_sync.testing.world.world import World


class Permissions:
    """An instance admin may read all; others need a role in each workspace of a request.

    If one of them is missing the request is forbidden as a whole (`RoleResolver`). A workspace that
    was deleted is listed no more, but its jobs still are.
    """

    def __init__(self, world: World, *, admin: bool) -> None:
        self._world = world
        self._admin = admin

    def may_read(self, workspace_id: str) -> bool:
        known = self._world.workspaces.get(workspace_id)
        return self._admin if known is None else not known.is_hidden

    def listed(self) -> list[SimulatedWorkspace]:
        """What the list of workspaces has."""
        every = self._world.workspaces.values()
        return [each for each in every if each.is_listed]

    def among(self, asked: Collection[str]) -> frozenset[str]:
        """The workspaces of a request; none named means all that may be read.

        Raises Refusal if one of them may not be.
        """
        if not all(map(self.may_read, asked)):
            raise problems.forbidden()
        known = (each for each in self._world.workspaces if self.may_read(each))
        return frozenset(each for each in known if not asked or each in asked)

    def connections(self, asked: Collection[str]) -> list[SimulatedConnection]:
        """Those of these workspaces, deleted ones too."""
        return [each for each in self._world.connections.values() if each.workspace_id in asked]

    def jobs(self, asked: Collection[str]) -> Iterable[SimulatedJob]:
        own = {each.connection_id for each in self.connections(asked)}
        return [job for job in self._world.jobs.values() if job.connection_id in own]

    def check(self, connection_id: str) -> None:
        """Raise Refusal if the connection is in a workspace that may not be read."""
        connection = self._world.connections.get(connection_id)
        if connection is not None and not self.may_read(connection.workspace_id):
            raise problems.forbidden()


class LookupBase:
    """What finding records in either API has in common: which of them, and what is for editors."""

    def __init__(self, world: World, *, admin: bool, editor: bool) -> None:
        self._world = world
        self._admin = admin
        self._editor = editor
        self.permissions = Permissions(world, admin=admin)

    def must_edit(self) -> None:
        """Raise Refusal for somebody who may only read and sync."""
        if not self._editor:
            raise problems.forbidden()

    def must_read(self, workspace_id: str) -> None:
        """Raise Refusal if the workspace may not be read."""
        if not self.permissions.may_read(workspace_id):
            raise problems.forbidden()
