"""A stream that is named without its namespace is that of the table with its name, if it is one."""

import logging
from collections.abc import Mapping

import dagster as dg
import pytest

from dagster_airbyte_sync.assets import FinishedSync, Table
from dagster_airbyte_sync.assets.events.finished_sync import tables_of_job
from dagster_airbyte_sync.assets.events.ledger import Ledger
from dagster_airbyte_sync.assets.events.owed import Share
from dagster_airbyte_sync.assets.events.sync_events import events_of
from dagster_airbyte_sync.assets.tables.matching import match, with_streams_of_tables
from dagster_airbyte_sync.assets.tables.table import as_synced_by, warn_of_unclear
from dagster_airbyte_sync.resources import (
    Connection,
    Job,
    JobStatus,
    JobType,
    Stream,
    StreamId,
    StreamStats,
)

PLAIN, PUBLIC, AUDIT = StreamId("users"), StreamId("users", "public"), StreamId("users", "audit")
ORDERS = StreamId("orders", "public")


def tables(*streams: StreamId) -> list[Table]:
    return [Table("c", s, dg.AssetSpec([s.namespace or "none", s.name])) for s in streams]


def job(enabled: set[StreamId] | None, stats: Mapping[StreamId, int] | None = None) -> Job:
    return Job(
        id=7,
        connection_id="c",
        type=JobType.SYNC,
        status=JobStatus.SUCCEEDED,
        streams=None if stats is None else {s: StreamStats(rows) for s, rows in stats.items()},
        enabled_streams=None if enabled is None else frozenset(enabled),
    )


def connection(*streams: StreamId, mode: str = "incremental") -> Connection:
    found = tuple(Stream(each.name, each.namespace, sync_mode=mode) for each in streams)
    return Connection(id="c", name="shop", destination_id="d", all_streams=found)


@pytest.mark.parametrize(
    ("own", "named", "pairs"),
    [
        ([PUBLIC], [PUBLIC], {PUBLIC: PUBLIC}),
        ([PUBLIC], [PLAIN], {PUBLIC: PLAIN}),
        ([PLAIN], [PUBLIC], {PLAIN: PUBLIC}),
        ([PUBLIC, ORDERS], [PLAIN, ORDERS], {PUBLIC: PLAIN, ORDERS: ORDERS}),
        ([PUBLIC], [AUDIT], {}),
        ([PUBLIC], [], {}),
        ([], [PLAIN], {}),
        # Two are listed and two are there: which is which need not be known.
        ([PUBLIC, AUDIT], [PLAIN, PLAIN], {PUBLIC: PLAIN, AUDIT: PLAIN}),
        ([PUBLIC, AUDIT], [PLAIN], {}),
        ([PUBLIC], [PLAIN, PLAIN], {}),
        ([PLAIN], [PUBLIC, AUDIT], {}),
        ([PLAIN, PUBLIC], [PUBLIC], {PUBLIC: PUBLIC}),
        ([PLAIN, PUBLIC], [PUBLIC, PLAIN], {PUBLIC: PUBLIC, PLAIN: PLAIN}),
    ],
)
def test_which_stream_is_which(
    own: list[StreamId], named: list[StreamId], pairs: dict[StreamId, StreamId]
) -> None:
    assert match(own, named).pairs == pairs


@pytest.mark.parametrize(
    ("own", "named", "unclear", "strange"),
    [
        ([PUBLIC, AUDIT], [PLAIN], {PLAIN}, set()),
        ([PLAIN], [PUBLIC, AUDIT], {PUBLIC, AUDIT}, set()),
        ([PUBLIC], [AUDIT], set(), {AUDIT}),
        ([ORDERS], [PLAIN], set(), {PLAIN}),
        ([PLAIN], [PLAIN, PUBLIC], set(), {PUBLIC}),
        ([PUBLIC], [PLAIN], set(), set()),
    ],
)
def test_what_is_unclear_is_not_what_has_no_table(
    own: list[StreamId], named: list[StreamId], unclear: set[StreamId], strange: set[StreamId]
) -> None:
    found = match(own, named)
    assert (set(found.unclear), set(found.strange)) == (unclear, strange)


@pytest.mark.parametrize(("own", "named"), [(PUBLIC, PLAIN), (PLAIN, PUBLIC)])
def test_a_job_is_reported_of_the_only_table_with_the_name_with_its_rows(
    own: StreamId, named: StreamId
) -> None:
    all_tables = tables(own, ORDERS)
    found = with_streams_of_tables([own, ORDERS], job({named}, {named: 3}))
    (table,) = tables_of_job(found, all_tables)
    (event,) = events_of(FinishedSync(found, "http://x"), Share(table, marks=True), Ledger(), now=0)
    assert table.stream == own
    assert isinstance(event, dg.AssetMaterialization)
    assert event.metadata["dagster-airbyte/records_synced"].value == 3
    assert tables_of_job(job({named}), all_tables) == [table]


def test_of_two_tables_with_the_name_none_is_guessed_and_both_are_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    both = tables(PUBLIC, AUDIT)
    assert tables_of_job(job({PLAIN}), both) == []
    warn_of_unclear(both, match([PUBLIC, AUDIT], [PLAIN]).unclear, logging.getLogger("test"))
    assert "audit/users, public/users" in caplog.text


@pytest.mark.parametrize(("own", "named"), [(PUBLIC, PLAIN), (PLAIN, PUBLIC), (PUBLIC, PUBLIC)])
def test_a_connection_syncs_the_only_table_with_the_name(own: StreamId, named: StreamId) -> None:
    (found,) = as_synced_by(connection(named, mode="full_refresh"), tables(own))
    assert (found.is_selected, found.is_alone, found.is_full_refresh) == (True, True, True)


def test_a_connection_that_lists_as_many_as_there_are_tables_syncs_them_all() -> None:
    found = as_synced_by(connection(PLAIN, PLAIN), tables(PUBLIC, AUDIT))
    assert [(each.is_selected, each.is_alone) for each in found] == [(True, False)] * 2


def test_a_connection_that_lists_fewer_syncs_nobody_knows_which() -> None:
    found = as_synced_by(connection(PLAIN), tables(PUBLIC, AUDIT))
    assert [each.is_selected for each in found] == [False, False]


def test_thousands_of_streams_are_matched_without_comparing_each_with_each() -> None:
    compared = 0

    class Counted(StreamId):
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return super().__eq__(other)

        __hash__ = StreamId.__hash__

    streams = [Counted(f"table_{number}", "public") for number in range(2000)]

    matched = match(streams, list(reversed(streams)))

    assert len(matched.pairs) == 2000
    assert compared < 20_000
