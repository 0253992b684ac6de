"""`--since` and `--until` are the same in every command: from the one on, and before the other."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click
import dagster as dg
import pytest

from dagster_airbyte_sync.cli.times import span_of, when
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.commands import user_of

Capture = pytest.CaptureFixture[str]

NOW = datetime(2026, 1, 8, tzinfo=timezone.utc)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def test_a_time_is_from_since_on_and_before_until() -> None:
    span = span_of(3 * HOUR, HOUR, NOW)
    assert span.has(NOW - 3 * HOUR)
    assert span.has(NOW - HOUR - SECOND)
    assert not span.has(NOW - HOUR)
    assert not span.has(NOW - 3 * HOUR - SECOND)
    assert not span.has(None)


def test_without_until_what_ended_this_second_is_there() -> None:
    span = span_of(HOUR, None, NOW)
    assert span.has(NOW)
    assert span.seen_until == NOW


@pytest.mark.parametrize("text", ["now", "0d"])
def test_until_now_is_as_without(text: str) -> None:
    assert span_of(HOUR, when(text), NOW) == span_of(HOUR, None, NOW)


def test_what_is_still_to_come_is_not_seen() -> None:
    assert span_of(HOUR, NOW + HOUR, NOW).seen_until == NOW


@pytest.mark.parametrize("until", [3 * HOUR, 4 * HOUR, NOW - 3 * HOUR])
def test_a_time_without_any_moment_is_refused(until: datetime | timedelta) -> None:
    with pytest.raises(click.UsageError, match="must be earlier than --until"):
        span_of(3 * HOUR, until, NOW)


def test_a_time_that_is_still_to_come_is_refused() -> None:
    with pytest.raises(
        click.UsageError, match=r"by Airbyte's clock it is only 2026-01-08 00:00 UTC"
    ):
        span_of(NOW + HOUR, None, NOW)


def hourly_syncs(airbyte: AirbyteSimulator, count: int) -> list[datetime]:
    """When they ended."""
    shop = airbyte.add_connection("shop", ["orders"])
    ends = []
    for _ in range(count):
        airbyte.advance(HOUR)
        ends.append(airbyte.run_sync(shop).updated_at)
    airbyte.advance(HOUR)
    return ends


def test_all_commands_have_the_same_syncs_of_a_time(
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").touch()
    with AirbyteSimulator() as airbyte, user_of(airbyte, tmp_path, monkeypatch) as user:
        ends = hourly_syncs(airbyte, 4)
        module = user.module("defs = build_airbyte_definitions(airbyte)")
        times = ("--since", ends[0].isoformat(), "--until", ends[2].isoformat())
        for command, *more in (("history",), ("report",), ("backfill", "--dry-run")):
            arguments = (command, "--definitions", module, *times, *more, "--json")
            assert user.calls(*arguments) == 0
            found = json.loads(capsys.readouterr().out)
            counted = found["totals"] if "totals" in found else found["connections"][0]
            assert (command, counted["syncs"]) == (command, 2)
