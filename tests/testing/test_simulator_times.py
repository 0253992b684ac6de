"""Times as Java writes and reads them."""

from datetime import datetime, timedelta, timezone

import pytest

from dagster_airbyte_sync.testing.wire.times import java_duration, java_time, read_time

UTC = timezone.utc


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 8, 1, 1, 30, tzinfo=UTC), "2026-08-01T01:30Z"),
        (datetime(2026, 8, 1, 1, 30, 5, 999_999, tzinfo=UTC), "2026-08-01T01:30:05Z"),
        (datetime(2026, 8, 1, tzinfo=timezone(timedelta(hours=2))), "2026-07-31T22:00Z"),
    ],
)
def test_java_time(moment: datetime, text: str) -> None:
    assert java_time(moment) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "PT0S"),
        (7, "PT7S"),
        (60, "PT1M"),
        (29172, "PT8H6M12S"),
        (129600, "PT36H"),
        (-3590, "PT-59M-50S"),
    ],
)
def test_java_duration(seconds: int, text: str) -> None:
    assert java_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-08-01T00:00Z", datetime(2026, 8, 1, tzinfo=UTC)),
        ("2026-08-01T02:00:00.5+02:00", datetime(2026, 8, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-08-01T00:00:00.123456789Z", datetime(2026, 8, 1, 0, 0, 0, 123_456, tzinfo=UTC)),
        ("Sat, 01 Aug 2026 00:00:00 GMT", datetime(2026, 8, 1, tzinfo=UTC)),
    ],
)
def test_read_time(text: str, moment: datetime) -> None:
    assert read_time(text) == moment


@pytest.mark.parametrize(
    "text", ["2026-08-01", "2026-08-01T00:00:00", "1687450500000", "2026-13-01T00:00Z", ""]
)
def test_times_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_time(text)
