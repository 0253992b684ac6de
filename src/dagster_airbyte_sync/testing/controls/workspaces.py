"""Workspaces under a test's control."""

from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.world.connections import SimulatedWorkspace
from dagster_airbyte_sync.testing.world.world import World


class WorkspaceControls:
    """What a test can do to workspaces. There is one from the beginning."""

    _world: World
    _admin: bool

    @property
    def workspaces(self) -> list[SimulatedWorkspace]:
        """All of them, deleted ones too; the first was there from the beginning."""
        with self._world.lock:
            return list(self._world.workspaces.values())

    def add_workspace(self, name: str, *, workspace_id: str | None = None) -> SimulatedWorkspace:
        """A workspace of any name: Airbyte does not want them to differ."""
        with self._world.lock:
            return self._world.add_workspace(name, workspace_id)

    def rename_workspace(self, workspace: SimulatedWorkspace, name: str) -> None:
        with self._world.lock:
            workspace.name = name

    def delete_workspace(self, workspace: SimulatedWorkspace) -> None:
        """As Airbyte does: delete its connections, and list it no more. Its jobs stay."""
        with self._world.lock:
            self._world.progress()
            self._world.delete_workspace(workspace)

    def hide_workspace(self, workspace: SimulatedWorkspace, *, listed: bool = False) -> None:
        """Take the user's role in it away; `listed` leaves one that only shows that it is there.

        For a simulator with `admin=False`: an instance admin may read all.
        """
        if self._admin:
            raise SimulatorError("An instance admin may read all workspaces: take admin=False.")
        with self._world.lock:
            workspace.is_hidden, workspace.is_still_listed = True, listed

    def show_workspace(self, workspace: SimulatedWorkspace) -> None:
        """Give the role back."""
        with self._world.lock:
            workspace.is_hidden = False
