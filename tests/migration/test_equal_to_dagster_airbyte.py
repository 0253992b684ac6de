"""Moving from dagster-airbyte is a change of import: assets keep their keys, and so their history.

Both packages read the same simulated workspace. Whatever differs is listed here, with its reason.
"""

import copy

import pytest

import dagster_airbyte_sync
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from dagster_airbyte_sync.testing.wire.payload import JsonObject
from helpers.dagster_airbyte_env import described_by_dagster_airbyte, needs_dagster_airbyte
from helpers.described_assets import Described, describe_workspace

pytestmark = needs_dagster_airbyte

MIXED_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "total": {"type": ["null", "number"]},
        "id": {"type": "integer"},
        "customer": {"type": "object", "properties": {"name": {"type": "string"}}},
        "anything": {},
        "reference": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    },
}
LIST_SCHEMA: JsonObject = {"type": "array", "items": {"properties": {"sku": {"type": "string"}}}}

# dagster-airbyte writes `database.schema.stream`, whatever Airbyte does with prefix and namespace.
TABLE_NAMES = {
    "crm_leads": "dw.public.crm_leads",  # the prefix is part of the table's name
    "crm_contacts": "dw.sales.crm_contacts",  # and the stream's namespace is its schema
    "audit": "dw.security.audit",
    "users": "dw.tenant_eu.users",  # the connection's own format makes the schema
    "visits": "acme.raw.visits",  # BigQuery calls database and schema project and dataset
    "things": "x.things",  # without a schema, the part that is known
}
# dagster-airbyte does not know which connections are paused.
PAUSED = {"old"}
NAMESPACES = {"audit": "security", "crm_contacts": "sales", "users": "eu", "people": "eu"}


# What each spec here has besides.
ADDED = {
    "dagster-airbyte/connection_created_at",
    "dagster-airbyte/connection_url",
    "dagster-airbyte/schedule",
    "dagster-airbyte/source_name",
    "dagster-airbyte/source_type",
}


def fill(airbyte: AirbyteSimulator) -> None:
    """Connections of all kinds that dagster-airbyte can load."""
    warehouse = airbyte.add_destination(configuration={"database": "dw", "schema": "public"})
    lake = airbyte.add_destination(
        "lake", type="bigquery", configuration={"project_id": "acme", "dataset_id": "raw"}
    )
    files = airbyte.add_destination("files", type="s3", configuration={"s3_bucket_name": "b"})
    custom = airbyte.add_destination("custom", type="", configuration={"database": "x"})
    airbyte.add_connection(
        "Shop → Orders & more!",
        [
            SimulatedStream("orders", json_schema=MIXED_SCHEMA),
            SimulatedStream("order-lines", json_schema={}),
            SimulatedStream("listed", json_schema=LIST_SCHEMA),
            SimulatedStream("audit", namespace="security"),
            SimulatedStream("internal", selected=False),
        ],
        destination=warehouse,
    )
    contacts = SimulatedStream("contacts", namespace="sales")
    airbyte.add_connection("crm", ["leads", contacts], destination=warehouse, prefix="crm_")
    airbyte.add_connection(
        "tenant",
        [SimulatedStream("users", namespace="eu")],
        destination=warehouse,
        namespace_definition="custom_format",
        namespace_format="tenant_${SOURCE_NAMESPACE}",
    )
    airbyte.add_connection(
        "as the destination says",
        [SimulatedStream("people", namespace="eu")],
        destination=warehouse,
        namespace_definition="destination",
    )
    airbyte.add_connection("class", ["visits"], destination=lake)
    airbyte.add_connection("paused", ["old"], destination=files, status="inactive")
    airbyte.add_connection("own connector", ["things"], destination=custom)
    airbyte.add_connection("nothing", [SimulatedStream("off", selected=False)])
    airbyte.delete_connection(airbyte.add_connection("gone", ["bye"]))


def expected_from(spec: Described) -> Described:
    """A spec of dagster-airbyte with what is different on purpose."""
    expected = copy.deepcopy(spec)
    key = ".".join(spec["path"])
    metadata = expected["metadata"]
    # What is empty is left out: no prefix, and the type of a connector that Airbyte cannot name.
    for empty in ("dagster-airbyte/stream_prefix", "dagster/storage_kind"):
        if metadata[empty] == "":
            del metadata[empty]
    # The stream is said, so that nobody has to take it out of the table's name.
    prefix = metadata.get("dagster-airbyte/stream_prefix", "")
    metadata["dagster-airbyte/known_streams"] = "KnownStreams"
    metadata["dagster-airbyte/stream_name"] = key.removeprefix(prefix)
    if key in NAMESPACES:
        metadata["dagster-airbyte/stream_namespace"] = NAMESPACES[key]
    if key in PAUSED:
        expected["tags"]["dagster-airbyte/connection_status"] = "inactive"
    if key in TABLE_NAMES:
        metadata["dagster/table_name"] = TABLE_NAMES[key]
    return expected


def expected_from_all(specs: Described) -> Described:
    return {key: expected_from(spec) for key, spec in specs.items()}


@pytest.fixture(scope="module")
def both() -> tuple[Described, Described]:
    """What dagster-airbyte makes of the workspace, and what this package makes of it."""
    with AirbyteSimulator() as airbyte:
        fill(airbyte)
        settings = airbyte.workspace_config()
        ours = describe_workspace(dagster_airbyte_sync, settings)
        for specs in (ours["specs"], *(made["specs"] for made in ours["definitions"].values())):
            for spec in specs.values():
                assert spec["description"].startswith("Synced by Airbyte from ")
                spec["description"] = None
                for key in ADDED:
                    assert spec["metadata"].pop(key)
        return described_by_dagster_airbyte(settings), ours


def test_the_same_assets_are_loaded(both: tuple[Described, Described]) -> None:
    theirs, ours = both
    assert len(theirs["specs"]) == 11
    assert set(ours["specs"]) == set(theirs["specs"])


def test_specs_are_equal_but_for_what_is_listed(both: tuple[Described, Described]) -> None:
    theirs, ours = both
    assert ours["specs"] == expected_from_all(theirs["specs"])


def test_each_listed_table_name_is_really_different(both: tuple[Described, Described]) -> None:
    """So that the list grows no older than dagster-airbyte."""
    theirs, _ = both
    names = {key: theirs["specs"][key]["metadata"].get("dagster/table_name") for key in TABLE_NAMES}
    assert not [key for key, name in names.items() if name == TABLE_NAMES[key]]


def test_ops_have_the_same_names_and_assets(both: tuple[Described, Described]) -> None:
    theirs, ours = both
    assert {name: set(made["specs"]) for name, made in ours["definitions"].items()} == {
        name: set(made["specs"]) for name, made in theirs["definitions"].items()
    }


def test_definitions_are_equal_but_for_what_is_listed(both: tuple[Described, Described]) -> None:
    theirs, ours = both
    expected = {
        name: {**made, "specs": expected_from_all(made["specs"])}
        for name, made in theirs["definitions"].items()
    }
    assert ours["definitions"] == expected


def test_a_stream_that_dagster_airbyte_loses_is_an_error_here() -> None:
    """Of two streams with one name it silently keeps the last, which hides a table."""
    with AirbyteSimulator() as airbyte:
        twins = [SimulatedStream("users", namespace="eu"), SimulatedStream("users", namespace="us")]
        airbyte.add_connection("twins", twins)
        settings = airbyte.workspace_config()
        assert list(described_by_dagster_airbyte(settings)["specs"]) == ["users"]
        with pytest.raises(dagster_airbyte_sync.DuplicateAssetKey, match=r"eu\.users.*us\.users"):
            describe_workspace(dagster_airbyte_sync, settings)
