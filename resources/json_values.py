"""Lenient readers of what Airbyte sends: a wrong or missing value is None, never a crash."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

from pydantic import TypeAdapter

Json = Mapping[str, object]

_LONGEST_WORD = 100
# Years: Python's end at 1 and 9999.
_EARLIEST, _LATEST = 2, 9998
_DATETIME = TypeAdapter(datetime)


def object_at(value: object, *path: str) -> Json:
    """The JSON object found by following `path`, or an empty one."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def objects_at(value: object, *path: str) -> Sequence[Json]:
    """The JSON objects in the list found by following `path`; what is no object is left out."""
    items = object_at(value, *path[:-1]).get(path[-1]) if path else value
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def as_text(value: object) -> str | None:
    """A string that is not blank. Numbers are written out, everything else is None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    # A lone surrogate is legal in JSON but cannot be stored or shown.
    written = str(value).encode("utf-8", "replace").decode("utf-8")
    return written if written.strip() else None


def word_of(value: object) -> str:
    """An unknown word in place of a known one, short enough for a line in a log."""
    return (as_text(value) or "")[:_LONGEST_WORD]


def as_int(value: object) -> int | None:
    """A whole number of any size; a string of digits counts."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else None
    return int(value) if isinstance(value, str) and _is_digits(value) else None


def _is_digits(value: str) -> bool:
    return len(value) <= 19 and re.fullmatch(r"-?[0-9]+", value) is not None


def as_datetime(value: object) -> datetime | None:
    """A time with a zone: ISO-8601 (Java drops `:SS` when it is zero) or epoch seconds.

    None if it is so far away that nothing can be added to it, or taken from it.
    """
    moment = _moment(value)
    return moment if moment is not None and _EARLIEST < moment.year < _LATEST else None


def _moment(value: object) -> datetime | None:
    if isinstance(value, str) and not _is_digits(value):
        return _iso_time(value)
    seconds = as_int(value)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None


def _iso_time(value: str) -> datetime | None:
    try:
        moment = _DATETIME.validate_python(value.strip())
        return moment.astimezone(timezone.utc) if moment.tzinfo else None
    except (OverflowError, ValueError):
        return None
