"""Whatever Airbyte answers about a job's details, it is read as far as it makes sense."""

from datetime import datetime, timezone

import hypothesis.strategies as st
import pytest
from hypothesis import given

from dagster_airbyte_sync.resources import JobStarter, StarterKind, StreamId
from dagster_airbyte_sync.resources.api.attempt_logs import read_end
from dagster_airbyte_sync.resources.api.stream_statuses import read_statuses
from dagster_airbyte_sync.resources.api.timeline import read_timeline
from dagster_airbyte_sync.resources.records.stream_outcome import (
    StreamOutcome,
    StreamState,
    StreamStatus,
    outcomes_of,
)

CREATED = datetime(2026, 8, 1, 1, 30, tzinfo=timezone.utc)
ORDERS = StreamId("orders")

KEYS = st.sampled_from(
    (
        *("events", "eventType", "summary", "jobId", "user", "id", "name", "email", "createdAt"),
        *("streamStatuses", "streamName", "attemptNumber", "runState", "transitionedAt"),
        *("logs", "logLines", "message", "stackTrace", "timestamp"),
    )
)
WORDS = st.sampled_from(["SYNC_STARTED", "COMPLETE", "\ud800", "a\nb", " ", "7", "9" * 40])
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=30,
)


@given(ANYTHING)
def test_any_answer_is_read_or_has_nothing_to_read(answer: object) -> None:
    for wrapped in (answer, {"events": answer, "streamStatuses": answer}, {"logs": answer}):
        found, page, end = read_timeline(wrapped), read_statuses(wrapped), read_end(wrapped)
        starters = found.starters.values() if found is not None else ()
        assert all(isinstance(each, JobStarter) for each in starters)
        assert page is None or outcomes_of(page.rows).keys() == {row.stream for row in page.rows}
        assert end is None or all(line == line.splitlines()[0] for line in end if line)


def test_a_name_is_one_short_line_that_can_be_shown() -> None:
    user = {"id": "1", "name": "Anna\n\x1b[31m Smith " + "x" * 500, "isDeleted": False}
    event = {"eventType": "SYNC_STARTED", "summary": {"jobId": 7}, "user": user}
    found = read_timeline({"events": [event]})
    assert found is not None
    name = found.starters[7].name or ""
    assert (found.starters[7].kind, len(name)) == (StarterKind.PERSON, 100)
    assert name.startswith("Anna [31m Smith xxx")


@pytest.mark.parametrize("turned", [False, True])
def test_the_best_state_counts_whatever_the_order_of_rows(turned: bool) -> None:
    rows = [
        StreamStatus(ORDERS, 0, StreamState.COMPLETE, CREATED),
        StreamStatus(ORDERS, 1, StreamState.RUNNING),
        StreamStatus(StreamId("orders", "audit"), 1, StreamState("LATER")),
    ]
    assert outcomes_of(reversed(rows) if turned else rows) == {
        ORDERS: StreamOutcome(True, 0, CREATED),
        StreamId("orders", "audit"): StreamOutcome(False, 1),
    }
