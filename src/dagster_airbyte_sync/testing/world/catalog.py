"""What workspaces have, and how it is found."""

import uuid
from collections.abc import Collection
from dataclasses import replace

from dagster_airbyte_sync.testing.world.connections import (
    USUAL_COLOR,
    SimulatedConnection,
    SimulatedDestination,
    SimulatedSource,
    SimulatedTag,
    SimulatedWorkspace,
)
from dagster_airbyte_sync.testing.world.streams import SimulatedStream


class Tags:
    """All tags. In a workspace no two have one name."""

    def __init__(self) -> None:
        self._by_id: dict[str, SimulatedTag] = {}

    def find(self, tag_id: str) -> SimulatedTag | None:
        return self._by_id.get(tag_id)

    def of(self, workspace_ids: Collection[str]) -> list[SimulatedTag]:
        return [each for each in self._by_id.values() if each.workspace_id in workspace_ids]

    def named(self, name: str, workspace_id: str) -> SimulatedTag | None:
        return next((each for each in self.of([workspace_id]) if each.name == name), None)

    def ensure(self, name: str, workspace_id: str) -> SimulatedTag:
        """The tag of that name, made if there is none. Its id is the same in every test."""
        known = self.named(name, workspace_id)
        if known:
            return known
        tag_id = str(uuid.uuid5(uuid.UUID(workspace_id), f"tag {name}"))
        # Another that was renamed may have that one.
        return self.add(name, workspace_id, tag_id=None if tag_id in self._by_id else tag_id)

    def add(
        self, name: str, workspace_id: str, color: str = USUAL_COLOR, *, tag_id: str | None = None
    ) -> SimulatedTag:
        tag = SimulatedTag(tag_id or str(uuid.uuid4()), workspace_id, name, color)
        self._by_id[tag.tag_id] = tag
        return tag

    def change(self, tag: SimulatedTag, name: str, color: str) -> SimulatedTag:
        changed = replace(tag, name=name, color=color)
        self._by_id[tag.tag_id] = changed
        return changed

    def remove(self, tag: SimulatedTag) -> None:
        self._by_id.pop(tag.tag_id, None)


class Catalog:
    """Workspaces, and their sources, destinations, connections and tags."""

    def __init__(self, workspace_id: str) -> None:
        self.workspace_id = workspace_id
        first = SimulatedWorkspace(workspace_id, "Simulated workspace")
        self.workspaces: dict[str, SimulatedWorkspace] = {workspace_id: first}
        self.connections: dict[str, SimulatedConnection] = {}
        self.destinations: dict[str, SimulatedDestination] = {}
        self.sources: dict[str, SimulatedSource] = {}
        self.tags = Tags()

    def add_workspace(self, name: str, workspace_id: str | None = None) -> SimulatedWorkspace:
        workspace = SimulatedWorkspace(workspace_id or str(uuid.uuid4()), name)
        self.workspaces[workspace.workspace_id] = workspace
        return workspace

    def streams_of(self, source_id: str) -> tuple[SimulatedStream, ...]:
        """What a source is found to have: what a connection has of it, if there is one."""
        reading = (each for each in self.connections.values() if each.source_id == source_id)
        first = next(reading, None)
        return first.streams if first else self.sources[source_id].streams

    def listed_sources(self, workspace_ids: Collection[str]) -> list[SimulatedSource]:
        """Those of these workspaces; one that was made for a connection goes with the last one."""
        read = {each.source_id for each in self.connections.values() if each.status != "deprecated"}
        return [
            each
            for each in self.sources.values()
            if each.workspace_id in workspace_ids
            and (each.source_id in read or not each.is_of_connections)
        ]

    def change_tag(self, tag: SimulatedTag, name: str, color: str) -> SimulatedTag:
        self._rename_tag(tag, (name,))
        return self.tags.change(tag, name, color)

    def delete_tag(self, tag: SimulatedTag) -> None:
        self._rename_tag(tag, ())
        self.tags.remove(tag)

    def _rename_tag(self, tag: SimulatedTag, to: tuple[str, ...]) -> None:
        """Let the connections that have it have that in its place."""
        for connection in self.connections.values():
            if connection.workspace_id == tag.workspace_id and tag.name in connection.tags:
                others = (name for name in connection.tags if name != tag.name)
                connection.tags = (*others, *to)

    def tags_of(self, connection: SimulatedConnection) -> list[SimulatedTag]:
        """The tags of its names; those that there are not are made."""
        return [self.tags.ensure(name, connection.workspace_id) for name in connection.tags]
