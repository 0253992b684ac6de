"""JSON that is read row by row is read as `json.loads` would, in less memory."""

import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from dagster_airbyte_sync.resources.api import configuration_api
from dagster_airbyte_sync.resources.api.configuration_api import ConfigurationApi
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.json_rows import parse_by_rows

VALUES: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["rows", "a", ""]), inner, max_size=3)
    ),
    max_leaves=8,
)


def as_it_is(row: object) -> object:
    return row


def parsed(text: str) -> object:
    return parse_by_rows(text, "rows", as_it_is)


@given(VALUES, st.sampled_from([None, 1]), st.sampled_from([(",", ":"), (" ,\t", "\r\n: ")]))
@example({"rows": [{"rows": [1]}, []], "a": []}, None, (", ", ": "))
@example({"rows": []}, 1, (",", ":"))
def test_it_is_what_json_says(
    value: object, indent: int | None, separators: tuple[str, str]
) -> None:
    text = f" {json.dumps(value, indent=indent, separators=separators)}\n"
    assert parsed(text) == value


@given(VALUES, st.data())
def test_what_is_spoilt_is_refused_where_json_refuses_it(
    value: object, data: st.DataObject
) -> None:
    text = json.dumps({"rows": value, "b": 1})
    begin = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(begin, min(begin + 3, len(text))))
    instead = data.draw(st.sampled_from(["", ",", "]", "}", "[", "1", ":"]))
    spoilt = text[:begin] + instead + text[end:]
    assert result_of(parsed, spoilt) == result_of(json.loads, spoilt)


def result_of(parse: Callable[[str], object], text: str) -> object:
    """What it makes of the text, written out; "no JSON" if it refuses it."""
    with suppress(ValueError):
        return repr(parse(text))
    return "no JSON"


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", '{"rows"', '{"rows":', '{"rows": [', '{"rows": [1', '{"rows": [1,', "{1: 2}",
     '{"rows": [1,]}', '{"rows": [1 2]}', '{"rows" [1]}', '{"rows": [1],}', '{"rows": [1] "a": 2}',
     '{"rows": [1]', '{"rows": [1]}}', '{"rows": [1]} {}', '{"rows": [1]],', "<html>"],
)  # fmt: skip
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        parsed(text)


def test_each_row_of_the_list_is_read_and_nothing_else() -> None:
    text = '{"a": [1], "rows": [{"rows": [2]}, null, 3], "b": {"rows": [4]}}'
    found = parse_by_rows(text, "rows", repr)
    assert found == {"a": [1], "rows": ["{'rows': [2]}", "None", "3"], "b": {"rows": [4]}}


def test_a_catalog_is_never_in_memory_as_json(settings: Callable[..., AirbyteSettings]) -> None:
    text = json.dumps({"connections": [connection(number) for number in range(200)]})
    parse = ConfigurationApi(settings()).connections("w").parse

    as_json = peak(lambda: json.loads(text))
    as_records = peak(lambda: parse(text))

    page = configuration_api.read_connections(parse(text))
    assert page is not None
    assert len(page.rows) == 200
    assert as_records < as_json / 3


def connection(number: int) -> object:
    """One with ten streams of ten columns."""
    columns = {f"column_{place}": {"type": ["null", "string"]} for place in range(10)}
    streams = [
        {"stream": {"name": f"s{place}", "jsonSchema": {"properties": columns}}}
        for place in range(10)
    ]
    return {"connectionId": f"c{number}", "syncCatalog": {"streams": streams}}


def peak(work: Callable[[], object]) -> int:
    """The most memory that it takes, in bytes, with what it answers."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
