"""Who started a sync, and what its log says, as people read it on a table's page."""

import pytest

from dagster_airbyte_sync import SyncSchedule
from dagster_airbyte_sync.assets.events.job_details import started_by
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import JobStarter, StarterKind

PERSON, SCHEDULE = StarterKind.PERSON, JobStarter(StarterKind.SCHEDULE)
HOURLY = SyncSchedule("basic", None, None, 1, "hours")


@pytest.mark.parametrize(
    ("starter", "words"),
    [
        (
            JobStarter(PERSON, "Anna Smith", "anna@example.com"),
            "Anna Smith",
        ),
        (JobStarter(PERSON, "anna@example.com", "anna@example.com"), "anna@example.com"),
        (JobStarter(PERSON, "Airbyte Support"), "Airbyte Support"),
        (JobStarter(PERSON, None, "anna@example.com"), "anna@example.com"),
        (JobStarter(StarterKind.SOMEBODY), "somebody in Airbyte's UI or API"),
        (JobStarter(StarterKind.AIRBYTE), "Airbyte itself"),
        (SCHEDULE, "Airbyte's schedule"),
        (None, None),
    ],
)
def test_who_started_a_sync_is_named(starter: JobStarter | None, words: str | None) -> None:
    assert started_by(starter, HOURLY) == words


def test_a_connection_without_a_schedule_was_not_started_by_it() -> None:
    assert started_by(SCHEDULE, SyncSchedule("manual")) is None


def test_a_log_is_a_code_block_that_its_own_text_cannot_end() -> None:
    text = keys.code_block(["a `b`", "```", "````", "<b>c</b>"]).value or ""
    assert text == "`````text\na `b`\n```\n````\n<b>c</b>\n`````"


@pytest.mark.parametrize("letter", ["x", "ä", "𝄞"])
def test_a_code_block_keeps_whole_last_lines_and_its_bound(letter: str) -> None:
    block = keys.code_block([*[letter * 90] * 200, "last"]).value or ""
    first, *shown, last, end = block.split("\n")
    assert (first, set(shown), last, end) == ("```text", {letter * 90}, "last", "```")
    assert 3_500 < len(block.encode()) < 4_020


def test_a_line_longer_than_a_code_block_is_cut_between_two_letters() -> None:
    block = keys.code_block(["𝄞" * 5_000]).value or ""
    assert set(block.split("\n")[1]) == {"𝄞"}
    assert len(block.encode()) < 4_020
