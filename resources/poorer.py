"""What a catalog lacks that an older one of the same workspace had. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from dagster_airbyte_sync.resources.catalog import Catalog, Connection, Stream
from dagster_airbyte_sync.resources.errors import AirbyteSettingsError

# So many tables are named; of the others only the number is.
_NAMED = 3


class PoorerCatalog(AirbyteSettingsError):
    """Raised if a catalog would take the place of one that knows more of the same streams."""


@dataclass(frozen=True)
class Lost:
    """Streams that stay, without what was known of them: as `connection.stream`."""

    columns: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.columns or self.namespaces)

    def __str__(self) -> str:
        parts = [
            f"{what} of {len(streams)} tables ({_some_of(streams)})"
            for what, streams in (("columns", self.columns), ("namespaces", self.namespaces))
            if streams
        ]
        return " and the ".join(parts)


def lost_in(new: Catalog, old: Catalog) -> Lost:
    """What the new catalog lacks because the public API had to list its connections.

    Streams that are gone are not lost, and what the Configuration API does not have is not, either.
    """
    if new.read_from != "public" or new.workspace_id != old.workspace_id:
        return Lost()
    columns, namespaces = list[str](), list[str]()
    for before in old.connections.values():
        now = new.connections.get(before.id)
        for stream in before.selected_streams if now is not None else ():
            kept = _the_same(stream, now)
            if kept is not None and stream.json_schema and not kept.json_schema:
                columns.append(f"{before.name}.{stream.id}")
            if kept is not None and stream.namespace and not kept.namespace:
                namespaces.append(f"{before.name}.{stream.id}")
    return Lost(tuple(sorted(columns)), tuple(sorted(namespaces)))


def refuse_poorer(new: Catalog, old: Catalog, where: str, way_out: str) -> None:
    """Raise PoorerCatalog, with how to take the new one nevertheless, if it lacks anything."""
    lost = lost_in(new, old)
    if lost:
        raise PoorerCatalog(
            f"{where} is left as it was: now it would lose the {lost}, because Airbyte's"
            " Configuration API is closed (the log says how) and the public API does not have"
            f" them. Keys, and with them histories, may depend on that. Open it, or {way_out}."
        )


def _the_same(stream: Stream, connection: Connection | None) -> Stream | None:
    """The stream as it is now: by name if its namespace is lost."""
    streams = connection.all_streams if connection is not None else ()
    exact = next((each for each in streams if each.id == stream.id), None)
    plain = (each for each in streams if each.name == stream.name and not each.namespace)
    return exact or next(plain, None)


def _some_of(streams: Iterable[str]) -> str:
    named = list(streams)
    return ", ".join([*named[:_NAMED], *(["..."] if len(named) > _NAMED else [])])
