"""What a catalog lacks that an older one of the same workspace had. Pure."""

from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.records.catalog import Catalog, Connection, Stream

# How many names a message has at most.
_NAMED = 3


class PoorerCatalog(AirbyteSettingsError):
    """Raised if a catalog would take the place of one that knows more of the same streams."""


def refuse_poorer(new: Catalog, old: Catalog, where: str, way_out: str) -> None:
    """Raise PoorerCatalog, with how to take the new one nevertheless, if it lacks anything.

    That is what is still in Airbyte but was not listed now, or not by the API that was asked.
    Streams that are gone are not lost, nor is what the Configuration API does not have.
    """
    if new.workspace_id != old.workspace_id:
        return
    of_streams = _lost_of_streams(new, old) if new.read_from == "public" else {}
    lost = {
        **of_streams,
        "%d destinations": _lost_destinations(new, old),
        "%d connections": _lost_connections(new, old),
    }
    named = [f"{what % len(names)} ({_some_of(names)})" for what, names in lost.items() if names]
    if named:
        why = (
            "Airbyte's Configuration API is closed (the log says how) and the public API does not"
            " have all"
            if any(of_streams.values())
            else "Airbyte did not show all (the log says why)"
        )
        raise PoorerCatalog(
            f"{where} was left as it was: the new catalog lacks the {' and the '.join(named)},"
            f" because {why}. Asset keys, and so their histories, may depend on these. Fix the"
            f" cause, or {way_out}."
        )


def _lost_of_streams(new: Catalog, old: Catalog) -> dict[str, list[str]]:
    """Columns and namespaces, by `connection.stream`."""
    columns, namespaces = list[str](), list[str]()
    for before in old.connections.values():
        now = new.connections.get(before.id)
        for stream in before.selected_streams:
            kept = _the_same(stream, now) if now else None
            if kept and stream.json_schema and not kept.json_schema:
                columns.append(f"{before.name}.{stream.id}")
            if kept and stream.namespace and not kept.namespace:
                namespaces.append(f"{before.name}.{stream.id}")
    return {"columns of %d tables": columns, "namespaces of %d tables": namespaces}


def _lost_destinations(new: Catalog, old: Catalog) -> list[str]:
    used = {each.destination_id for each in new.connections.values()}
    lost = used & (old.destinations.keys() - new.destinations.keys())
    return [old.destinations[each].name for each in lost]


def _lost_connections(new: Catalog, old: Catalog) -> list[str]:
    lost = () if new.is_whole else old.connections.keys() - new.connections.keys()
    return [old.connections[each].name for each in lost]


def _the_same(stream: Stream, connection: Connection) -> Stream | None:
    """The stream as it is now: by name if its namespace is lost."""
    streams = connection.all_streams
    exact = next((each for each in streams if each.id == stream.id), None)
    plain = (each for each in streams if each.name == stream.name and not each.namespace)
    return exact or next(plain, None)


def _some_of(names: list[str]) -> str:
    return ", ".join([*sorted(names)[:_NAMED], *(["..."] if len(names) > _NAMED else [])])
