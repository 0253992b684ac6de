"""What a catalog lacks that an older one of the same workspace had. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.records.catalog import Catalog, Connection, Stream

# So many tables are named; of the others only the number is.
_NAMED = 3


class PoorerCatalog(AirbyteSettingsError):
    """Raised if a catalog would take the place of one that knows more of the same streams."""


@dataclass(frozen=True)
class Lost:
    """What stays in Airbyte and cannot be seen any more: columns and namespaces of streams, as
    `connection.stream`, destinations and connections by name."""

    columns: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.columns or self.namespaces or self.destinations or self.connections)

    def __str__(self) -> str:
        parts = {
            "columns of %d tables": self.columns,
            "namespaces of %d tables": self.namespaces,
            "%d destinations": self.destinations,
            "%d connections": self.connections,
        }
        written = (f"{what % len(n)} ({_some_of(n)})" for what, n in parts.items() if n)
        return " and the ".join(written)


def lost_in(new: Catalog, old: Catalog) -> Lost:
    """What the new catalog lacks because Airbyte did not let it be read, or not by that API.

    Streams that are gone are not lost, and what the Configuration API does not have is not, either.
    """
    if new.workspace_id != old.workspace_id:
        return Lost()
    columns, namespaces = _lost_of_streams(new, old) if new.read_from == "public" else ((), ())
    return Lost(columns, namespaces, _lost_destinations(new, old), _lost_connections(new, old))


def _lost_of_streams(new: Catalog, old: Catalog) -> tuple[tuple[str, ...], tuple[str, ...]]:
    columns, namespaces = list[str](), list[str]()
    for before in old.connections.values():
        now = new.connections.get(before.id)
        for stream in before.selected_streams if now is not None else ():
            kept = _the_same(stream, now)
            if kept is not None and stream.json_schema and not kept.json_schema:
                columns.append(f"{before.name}.{stream.id}")
            if kept is not None and stream.namespace and not kept.namespace:
                namespaces.append(f"{before.name}.{stream.id}")
    return tuple(sorted(columns)), tuple(sorted(namespaces))


def _lost_destinations(new: Catalog, old: Catalog) -> tuple[str, ...]:
    used = {each.destination_id for each in new.connections.values()}
    lost = used & (old.destinations.keys() - new.destinations.keys())
    return tuple(sorted(old.destinations[each].name for each in lost))


def _lost_connections(new: Catalog, old: Catalog) -> tuple[str, ...]:
    if new.is_whole:
        return ()
    lost = old.connections.keys() - new.connections.keys()
    return tuple(sorted(old.connections[each].name for each in lost))


def refuse_poorer(new: Catalog, old: Catalog, where: str, way_out: str) -> None:
    """Raise PoorerCatalog, with how to take the new one nevertheless, if it lacks anything."""
    lost = lost_in(new, old)
    if lost:
        raise PoorerCatalog(
            f"{where} is left as it was: now it would lose the {lost}, because {_why(lost)}."
            f" Keys, and with them histories, may depend on that. Mend that, or {way_out}."
        )


def _why(lost: Lost) -> str:
    if lost.columns or lost.namespaces:
        return (
            "Airbyte's Configuration API is closed (the log says how) and the public API does not"
            " have all"
        )
    return "Airbyte did not show all (the log says why)"


def _the_same(stream: Stream, connection: Connection | None) -> Stream | None:
    """The stream as it is now: by name if its namespace is lost."""
    streams = connection.all_streams if connection is not None else ()
    exact = next((each for each in streams if each.id == stream.id), None)
    plain = (each for each in streams if each.name == stream.name and not each.namespace)
    return exact or next(plain, None)


def _some_of(streams: Iterable[str]) -> str:
    named = list(streams)
    return ", ".join([*named[:_NAMED], *(["..."] if len(named) > _NAMED else [])])
