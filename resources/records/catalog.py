"""What Airbyte workspaces contain: connections, their streams, and destinations."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

Api = Literal["configuration", "public"]
"""Airbyte's two APIs. The public one lacks some fields of connections."""


@dataclass(frozen=True, slots=True)
class StreamId:
    """What identifies a stream in a connection: its name and, for most databases, its namespace."""

    name: str
    namespace: str | None = None

    def __str__(self) -> str:
        return f"{self.namespace}.{self.name}" if self.namespace else self.name

    def sort_key(self) -> tuple[str, str]:
        return (self.name, self.namespace or "")


@dataclass(frozen=True, slots=True)
class FieldMapper:
    """What Airbyte does to the rows of a stream on their way: one of its mappings.

    `kind` is Airbyte's word: "hashing", "encryption" and "field-renaming" give the column `field`
    another name, `new_field`; "field-filtering" leaves it out; "row-filtering" has neither. Keys
    and conditions are not kept.
    """

    kind: str
    field: str | None = None
    new_field: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of a connection, which Airbyte writes to one table.

    Attributes:
        name: The stream's name.
        namespace: Its namespace in the source, if it has one.
        selected: Whether the connection syncs it.
        json_schema: Its columns, as Airbyte's JSON schema.
        sync_mode: How it is synced, in Airbyte's words.
        selected_fields: The columns that are synced; None for all.
        mappers: What Airbyte does to these columns while it syncs them, one after the other.
    """

    name: str
    namespace: str | None = None
    selected: bool = True
    json_schema: Mapping[str, object] = field(default_factory=dict)
    sync_mode: str | None = None
    selected_fields: tuple[str, ...] | None = None
    mappers: tuple[FieldMapper, ...] = ()

    @property
    def id(self) -> StreamId:
        return StreamId(self.name, self.namespace)

    @property
    def is_full_refresh(self) -> bool:
        """Whether every sync reads all rows again."""
        return (self.sync_mode or "").startswith("full_refresh")


@dataclass(frozen=True, slots=True)
class SyncSchedule:
    """When Airbyte itself starts a connection's syncs.

    Attributes:
        kind: "manual", "cron" or "basic".
        cron_expression: The Quartz expression of a cron schedule.
        cron_timezone: The time zone of a cron schedule.
        units: How many of `time_unit` lie between the syncs of a basic schedule.
        time_unit: "minutes", "hours", "days", "weeks" or "months".
    """

    kind: str = "manual"
    cron_expression: str | None = None
    cron_timezone: str | None = None
    units: int | None = None
    time_unit: str | None = None


@dataclass(frozen=True)
class WorkspaceName:
    """One workspace, by its id and the name it has in Airbyte's UI."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection: a source, a destination, and the streams that flow between them.

    Names and values are those of Airbyte's `ConnectionRead`.

    Attributes:
        id: The connection's id.
        name: Its name.
        destination_id: The id of its destination.
        source_id: The id of its source.
        status: "active", "inactive" (paused), "deprecated" (deleted), or "locked" by Airbyte for a
            while.
        stream_prefix: The prefix that it puts before the names of its streams.
        namespace_definition: Where the schema of its tables comes from: "source", "destination" or
            "custom_format".
        namespace_format: The custom format.
        schedule: When Airbyte itself starts its syncs.
        tags: The names of its tags.
        created_at: When it was created, on Airbyte's clock. The public API says so since 1.2.
        all_streams: Its streams, including those that it does not sync.
        status_reason: Why it has its status, in Airbyte's words, where Airbyte says so.
        breaking_change: Whether a breaking change of the source's schema waits for approval in
            Airbyte. The public API does not say so.
        workspace_id: The id of its workspace.
        workspace_name: The name of its workspace, only for an instance.
    """

    id: str
    name: str
    destination_id: str
    source_id: str | None = None
    status: str = "active"
    stream_prefix: str | None = None
    namespace_definition: str = "source"
    namespace_format: str | None = None
    schedule: SyncSchedule = field(default_factory=SyncSchedule)
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None
    all_streams: tuple[Stream, ...] = ()
    status_reason: str | None = None
    breaking_change: bool = False
    workspace_id: str | None = None
    workspace_name: str | None = None

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    @property
    def selected_streams(self) -> tuple[Stream, ...]:
        return tuple(stream for stream in self.all_streams if stream.selected)

    @property
    def streams(self) -> Mapping[str, Stream]:
        """All streams by name, or by `namespace.name` if several share a name."""
        names = [stream.name for stream in self.all_streams]
        return {
            stream.name if names.count(stream.name) == 1 else str(stream.id): stream
            for stream in self.all_streams
        }


@dataclass(frozen=True)
class Destination:
    """Where a connection writes to.

    Attributes:
        id: The destination's id.
        name: Its name.
        type: Airbyte's short name of its connector ("postgres"), or "" if it has none.
        database: Its default database.
        schema: Its default schema.
    """

    id: str
    name: str
    type: str
    database: str | None = None
    schema: str | None = None


@dataclass(frozen=True)
class Source:
    """Where a connection reads from. `type` is Airbyte's short name ("postgres"), "" if unknown."""

    id: str
    name: str
    type: str = ""


@dataclass(frozen=True)
class Catalog:
    """All connections and destinations of one workspace, or of several, read at `read_at`
    (Dagster's clock).

    `workspaces` are the names of those of an instance by their ids, and `workspace_id` is then
    empty. Of a single workspace nobody asks for the name.

    `read_from` is the API that listed the connections: the public one does not have the columns of
    streams, and before Airbyte 1.7 no namespaces. None if that is not known. `is_whole` is False if
    the list may lack connections that Airbyte has.

    What only people need, and sensors do without: the names and types of sources by their ids, as
    far as they are known, and where Airbyte's UI is (`ui_url`, None if nobody has asked).
    """

    workspace_id: str
    connections: Mapping[str, Connection]
    destinations: Mapping[str, Destination]
    read_at: datetime
    read_from: Api | None = None
    is_whole: bool = True
    sources: Mapping[str, str] = field(default_factory=dict)
    ui_url: str | None = None
    workspaces: Mapping[str, str] = field(default_factory=dict)
    source_types: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Whose it is, in words."""
        if not self.workspaces:
            return f"the Airbyte workspace {self.workspace_id}"
        names = ", ".join(repr(name) for name in sorted(self.workspaces.values()))
        return f"the Airbyte workspaces {names}"

    def among(self, workspace_ids: Collection[str]) -> "Catalog":
        """Of an instance, what it has in these workspaces."""
        names = {each: name for each, name in self.workspaces.items() if each in workspace_ids}
        kept = {k: each for k, each in self.connections.items() if each.workspace_id in names}
        return replace(self, connections=kept, workspaces=names)

    def destination_of(self, connection: Connection) -> Destination:
        """The destination, or one without a type if Airbyte did not list it."""
        unknown = Destination(id=connection.destination_id, name="", type="")
        return self.destinations.get(connection.destination_id, unknown)

    def source_of(self, connection: Connection) -> Source:
        """The source, as far as it is known."""
        source_id = connection.source_id or ""
        return Source(
            source_id, self.sources.get(source_id, ""), self.source_types.get(source_id, "")
        )

    def page_of(self, connection: Connection) -> str | None:
        """The connection's page in Airbyte's UI, if it is known where that is."""
        workspace_id = connection.workspace_id or self.workspace_id
        return self.ui_url and connection_url(self.ui_url, workspace_id, connection.id)

    def page_of_source(self, connection: Connection) -> str | None:
        """The page of what it reads from, if it is known where that is."""
        workspace_id = connection.workspace_id or self.workspace_id
        if not self.ui_url or not connection.source_id:
            return None
        return f"{self.ui_url}/workspaces/{workspace_id}/source/{connection.source_id}"


def connection_url(ui_url: str, workspace_id: str, connection_id: str) -> str:
    """The connection's page in Airbyte's UI (airbyte-platform, `ConnectionsRoutes.tsx`)."""
    return f"{ui_url}/workspaces/{workspace_id}/connections/{connection_id}"
