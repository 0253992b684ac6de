"""Workspaces under a test's control."""

from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.world.connections import SimulatedWorkspace
from dagster_airbyte_sync.testing.world.world import World


class WorkspaceControls:
    """What a test can do to workspaces. There is one from the start."""

    _world: World
    _admin: bool

    @property
    def workspaces(self) -> list[SimulatedWorkspace]:
        """All workspaces, including deleted ones, the first one first."""
        with self._world.lock:
            return list(self._world.workspaces.values())

    def add_workspace(self, name: str, *, workspace_id: str | None = None) -> SimulatedWorkspace:
        """Add a workspace. As in Airbyte, its name need not be unique."""
        with self._world.lock:
            return self._world.add_workspace(name, workspace_id)

    def rename_workspace(self, workspace: SimulatedWorkspace, name: str) -> None:
        with self._world.lock:
            workspace.name = name

    def delete_workspace(self, workspace: SimulatedWorkspace) -> None:
        """Delete a workspace as Airbyte does: its connections are deleted, its jobs stay."""
        with self._world.lock:
            self._world.progress()
            self._world.delete_workspace(workspace)

    def hide_workspace(self, workspace: SimulatedWorkspace, *, listed: bool = False) -> None:
        """Take away the user's role in a workspace; with `listed`, they still see that it exists.

        Needs a simulator with `admin=False`, because an instance admin can read all workspaces.
        """
        if self._admin:
            raise SimulatorError("An instance admin may read all workspaces: take admin=False.")
        with self._world.lock:
            workspace.is_hidden, workspace.is_still_listed = True, listed

    def show_workspace(self, workspace: SimulatedWorkspace) -> None:
        """Give the role back."""
        with self._world.lock:
            workspace.is_hidden = False
