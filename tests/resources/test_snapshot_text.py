"""A catalog as text: nothing is lost, and no other text is taken for it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    Connection,
    Destination,
    Stream,
    SyncSchedule,
)
from dagster_airbyte_sync.resources import Catalog
from dagster_airbyte_sync.resources.records.catalog_snapshot import read_snapshot, snapshot_of

WORKSPACE = "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"
READ_AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
maybe = st.none() | texts
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # A time in a schema's default is a text, and stays one.
    | texts
    | st.just("2026-01-01T00:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
streams = st.builds(
    Stream, texts, maybe, st.booleans(), st.dictionaries(texts, json_values, max_size=3), maybe
)
schedules = st.builds(SyncSchedule, texts, maybe, maybe, st.none() | st.integers(), maybe)
connections = st.builds(
    Connection,
    id=texts,
    name=texts,
    destination_id=texts,
    source_id=maybe,
    status=texts,
    stream_prefix=maybe,
    namespace_definition=texts,
    namespace_format=maybe,
    schedule=schedules,
    tags=st.lists(texts, max_size=2).map(tuple),
    all_streams=st.lists(streams, max_size=3).map(tuple),
)
destinations = st.builds(Destination, texts, texts, texts, maybe, maybe)


def catalog_of(
    connections: list[Connection] | None = None, destinations: list[Destination] | None = None
) -> Catalog:
    return Catalog(
        workspace_id=WORKSPACE,
        connections={each.id: each for each in connections or []},
        destinations={each.id: each for each in destinations or []},
        read_at=READ_AT,
    )


def shop(id: str = "c1") -> Connection:
    return Connection(id=id, name="shop", destination_id="d", all_streams=(Stream("orders"),))


@given(st.lists(connections, max_size=3), st.lists(destinations, max_size=2))
@settings(max_examples=60, deadline=None)
def test_any_catalog_comes_back_equal(
    connections: list[Connection], destinations: list[Destination]
) -> None:
    catalog = catalog_of(connections, destinations)

    assert read_snapshot(snapshot_of(catalog)) == catalog


def test_the_time_it_was_read_at_keeps_its_zone() -> None:
    read_at = READ_AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    catalog = Catalog(WORKSPACE, {}, {}, read_at)

    assert read_snapshot(snapshot_of(catalog)).read_at.isoformat() == read_at.isoformat()


def test_the_order_in_which_airbyte_lists_connections_changes_no_text() -> None:
    one, two = shop("c1"), shop("c2")

    assert snapshot_of(catalog_of([one, two])) == snapshot_of(catalog_of([two, one]))


def test_it_is_read_for_its_own_workspace_in_any_spelling_of_a_copied_id() -> None:
    catalog = catalog_of([shop()])

    assert read_snapshot(snapshot_of(catalog), f" {WORKSPACE}\n") == catalog


def test_the_snapshot_of_another_workspace_is_refused_and_both_are_named() -> None:
    with pytest.raises(AirbyteSettingsError, match=rf"{WORKSPACE}, and not of another.*again"):
        read_snapshot(snapshot_of(catalog_of()), "another")


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_refused_and_both_are_named(version: object) -> None:
    text = changed(lambda written: written.update(dagster_airbyte_sync_snapshot=version))

    with pytest.raises(AirbyteSettingsError, match=rf"version {version!r}.* version 1\. Write it"):
        read_snapshot(text)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"connections": []}', "<html>"])
def test_what_is_no_snapshot_is_said_to_be_none(text: str) -> None:
    with pytest.raises(
        AirbyteSettingsError, match=r"not a snapshot.*Write it again: dagster-airbyte-"
    ):
        read_snapshot(text)


@pytest.mark.parametrize(
    ("where", "damage"),
    [
        ("read_at", lambda written: written.pop("read_at")),
        ("workspace_id", lambda written: written.update(workspace_id=None)),
        ("connections", lambda written: written.update(connections="none")),
        ("connections.0.id", lambda written: written["connections"][0].pop("id")),
        ("connections.0", lambda written: written.update(connections=[7])),
        (
            "connections.c1.all_streams.0.name",
            lambda written: written["connections"][0]["all_streams"][0].update(name=7),
        ),
    ],
)
def test_damage_is_said_with_its_place(where: str, damage: Callable[..., object]) -> None:
    with pytest.raises(AirbyteSettingsError, match=rf"damaged at {where}: .*Write it again"):
        read_snapshot(changed(damage))


def changed(change: Callable[..., object]) -> str:
    written = json.loads(snapshot_of(catalog_of([shop()])))
    change(written)
    return json.dumps(written)
