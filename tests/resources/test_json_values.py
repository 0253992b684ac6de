"""Lenient readers: whatever Airbyte sends, the answer is a value or None, never a crash."""

from datetime import datetime, timedelta, timezone
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_airbyte_sync.resources.api import configuration_api, public_api
from dagster_airbyte_sync.resources.json_values import (
    as_datetime,
    as_int,
    as_text,
    object_at,
    objects_at,
)

UTC = timezone.utc
Json: TypeAlias = st.SearchStrategy[object]

JSON: Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
# An object with Airbyte's own keys, whose values may be anything.
KEYS = ["connectionId", "destinationId", "jobId", "id", "configId", "name", "status", "jobType",
        "configType", "schedule", "scheduleType", "scheduleData", "cron", "cronExpression",
        "basicSchedule", "basicTiming", "units", "timeUnit", "tags", "syncCatalog", "streams",
        "stream", "config", "configurations", "configuration", "jsonSchema", "selected", "job",
        "attempts", "attempt", "createdAt", "updatedAt", "startTime", "lastUpdatedAt",
        "aggregatedStats", "streamAggregatedStats", "streamName", "streamNamespace",
        "recordsCommitted", "enabledStreams", "failureSummary", "failures", "rowsSynced",
        "data", "jobs", "connections", "namespaceDefinition"]  # fmt: skip
AIRBYTE: Json = st.recursive(
    JSON,
    lambda inner: (
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=8) | st.lists(inner, max_size=3)
    ),
    max_leaves=25,
)


# Objects and lists


def test_an_object_is_found_by_its_path() -> None:
    assert object_at({"a": {"b": {"c": 1}}}, "a", "b") == {"c": 1}
    assert object_at({"a": 1}) == {"a": 1}


@pytest.mark.parametrize("value", [None, 1, "text", [], {"a": None}, {"a": []}, {"a": {"b": 1}}])
def test_an_object_that_is_not_there_is_empty(value: object) -> None:
    assert object_at(value, "a", "b") == {}


def test_of_a_list_only_the_objects_are_read() -> None:
    assert objects_at({"rows": [{"a": 1}, None, 3, "x", [], {}]}, "rows") == [{"a": 1}, {}]
    assert objects_at([{"a": 1}]) == [{"a": 1}]


@pytest.mark.parametrize("value", [None, {}, {"rows": None}, {"rows": {"a": 1}}, "rows", [1]])
def test_a_list_that_is_not_there_is_empty(value: object) -> None:
    assert objects_at(value, "rows") == []


@given(JSON, st.lists(st.text(), max_size=3))
def test_following_a_path_never_fails(value: object, path: list[str]) -> None:
    assert isinstance(object_at(value, *path), dict)
    assert all(isinstance(found, dict) for found in objects_at(value, *path))


# Texts and numbers


@pytest.mark.parametrize(
    ("value", "meaning"),
    [("orders", "orders"), (" a ", " a "), ("", None), ("  ", None), (None, None), (True, None),
     (7, "7"), (0, "0"), (1.5, "1.5"), ([], None), ({}, None), ("a\ud800", "a?")],
)  # fmt: skip
def test_a_text_is_what_is_not_blank(value: object, meaning: str | None) -> None:
    assert as_text(value) == meaning


@given(JSON | st.text(st.characters()))
def test_a_text_can_always_be_stored(value: object) -> None:
    found = as_text(value)
    assert found is None or found.encode("utf-8").strip()


@pytest.mark.parametrize(
    ("value", "meaning"),
    [(7, 7), (0, 0), (2**31 + 5, 2**31 + 5), (2**63, 2**63), ("12", 12), ("-3", -3), (4.0, 4),
     (4.5, None), (float("nan"), None), (float("inf"), None), (True, None), (None, None),
     ("", None), ("1.0", None), ("1e3", None), ("٣", None), (" 1", None), ("9" * 5000, None)],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_an_integer_is_a_whole_number_of_any_size(value: object, meaning: int | None) -> None:
    assert as_int(value) == meaning


@given(JSON)
def test_an_integer_is_never_a_boolean(value: object) -> None:
    assert type(as_int(value)) in (int, type(None))


# Times


@pytest.mark.parametrize(
    "written",
    ["2026-08-01T01:30Z", "2026-08-01T01:30:00Z", "2026-08-01T01:30:00z", "2026-08-01T01:30:00.0Z",
     "2026-08-01T01:30:00.000000000Z", "2026-08-01T01:30:00+00:00", "2026-08-01T03:30+02:00",
     " 2026-08-01T01:30Z ", 1785547800, "1785547800", 1785547800.0],
)  # fmt: skip
def test_one_moment_may_be_written_in_many_ways(written: object) -> None:
    assert as_datetime(written) == datetime(2026, 8, 1, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("fraction", ["1", "12", "123", "1234567", "123456789"])
def test_a_fraction_may_have_any_number_of_digits(fraction: str) -> None:
    expected = int(fraction[:6].ljust(6, "0"))
    found = as_datetime(f"2026-08-01T01:30:07.{fraction}Z")
    assert found == datetime(2026, 8, 1, 1, 30, 7, expected, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [None, "", " ", "yesterday", "2026-08-01", "2026-08-01T01:30", "2026-13-01T00:00Z", True, [],
     "9999-12-31T23:59:59-01:00", "0001-01-01T00:00+01:00", 10**30, -(10**30), float("nan"), "Z",
     1785547800000, "9999-12-31T23:59:59Z", 253402300799, "0001-01-01T00:00Z"],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_what_is_no_moment_is_none(written: object) -> None:
    assert as_datetime(written) is None


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])))
def test_any_moment_is_read_as_it_was_written(moment: datetime) -> None:
    assert as_datetime(moment.isoformat()) in (moment, None)
    if 2 < moment.year < 9998:
        assert as_datetime(moment.isoformat()) == moment


@given(JSON | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?"))
def test_no_moment_is_ever_without_a_zone(value: object) -> None:
    found = as_datetime(value)
    assert found is None or found.utcoffset() == timedelta(0)


# Whole records


@given(AIRBYTE)
def test_no_answer_ever_breaks_a_reader(answer: object) -> None:
    for read in (
        configuration_api.read_connections,
        configuration_api.read_jobs,
        configuration_api.read_job,
        public_api.read_connections,
        public_api.read_destinations,
        public_api.read_jobs,
        public_api.read_job,
    ):
        read(answer)


@given(st.dictionaries(st.sampled_from(KEYS), AIRBYTE))
def test_no_record_ever_breaks_a_reader(record: dict[str, object]) -> None:
    named = {**record, "connectionId": "c1", "destinationId": "d1", "id": 1, "configId": "c1"}
    for connection in (
        configuration_api.read_connection(named),
        public_api.read_connection(named),
    ):
        assert connection is not None
        assert connection.id == "c1"
    assert public_api.read_destination(named) is not None
    job = configuration_api.read_job({"job": named, "attempts": record.get("attempts")})
    assert job is not None
    for moment in (job.created_at, job.started_at, job.updated_at):
        assert moment is None or moment.tzinfo is not None
