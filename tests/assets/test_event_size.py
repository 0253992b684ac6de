"""The size of an event that is not written yet: at least what Dagster writes, for a fraction of the
time."""

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_airbyte_sync.assets.events.event_size import size_of
from dagster_airbyte_sync.assets.events.sync_events import Event

KEY = dg.AssetKey(["shop", "orders"])

texts = st.text(max_size=300)
columns = st.builds(
    dg.TableColumn,
    name=st.text(max_size=30),
    type=st.sampled_from(["string", "object", "größe"]),
    description=st.none() | texts,
    tags=st.none() | st.just({"dagster/kind": "é"}),
    constraints=st.none(),
)
schemas = st.lists(columns, max_size=40).map(lambda found: dg.TableSchema(columns=found))
deps = st.builds(
    dg.TableColumnDep, asset_key=st.just(dg.AssetKey(["é", "b"])), column_name=st.text(max_size=30)
)
lineages = st.dictionaries(
    st.text(max_size=30), st.lists(deps, max_size=3, unique_by=lambda dep: dep.column_name)
).map(dg.TableColumnLineage)
values = (
    texts
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False)
    | st.booleans()
    | texts.map(dg.MetadataValue.md)
    | texts.map(dg.MetadataValue.url)
    | st.floats(0, 4e9).map(dg.MetadataValue.timestamp)
    | st.dictionaries(texts, texts, max_size=5).map(dg.MetadataValue.json)
    | schemas.map(dg.MetadataValue.table_schema)
    | lineages.map(dg.MetadataValue.column_lineage)
)
metadata = st.dictionaries(st.text(min_size=1, max_size=40), values, max_size=20)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        dg.AssetMaterialization,
        asset_key=st.just(KEY),
        description=st.none() | texts,
        metadata=metadata,
        partition=st.none() | st.just("2026-07-01-00:00"),
        tags=st.none() | st.just({"dagster/data_version": "job-7"}),
    ),
    st.builds(
        dg.AssetObservation,
        asset_key=st.just(KEY),
        description=st.none() | texts,
        metadata=metadata,
        tags=st.none(),
    ),
    st.builds(
        dg.AssetCheckEvaluation,
        asset_key=st.just(KEY),
        check_name=st.just("airbyte_sync"),
        passed=st.booleans(),
        description=st.none() | texts,
        metadata=metadata,
        target_materialization_data=st.none(),
    ),
)


@given(event=events)
def test_it_is_at_least_what_dagster_writes_and_not_much_more(event: Event) -> None:
    written = len(dg.serialize_value(event))

    assert written <= size_of([event]) <= 2.5 * written + 500


@pytest.mark.parametrize("count", [0, 1, 3])
def test_events_add_up(count: int) -> None:
    event = dg.AssetMaterialization(KEY, metadata={"rows": 5})

    assert size_of([event] * count) == count * size_of([event])
