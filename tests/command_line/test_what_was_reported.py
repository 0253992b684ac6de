"""What `history` says of each sync: reported, not reported, or unknown."""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.assets import Table
from dagster_airbyte_sync.cli.health.event_log import EventLog
from dagster_airbyte_sync.cli.health.history.rows import Reports, history_rows
from dagster_airbyte_sync.cli.health.past import read_past
from dagster_airbyte_sync.cli.health.reports import Report, TableReports
from dagster_airbyte_sync.cli.health.subject import subject_of
from dagster_airbyte_sync.resources import Job, JobStatus, JobType, StreamId
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.commands import User, user_of
from helpers.deployment import deployed

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
SHOP = Table("shop", StreamId("orders"), dg.AssetSpec("orders"))
MONTH = timedelta(days=30)


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        yield airbyte


@pytest.fixture
def user(
    airbyte: AirbyteSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[User]:
    with user_of(airbyte, tmp_path, monkeypatch) as user:
        yield user


def in_history(user: User, events: EventLog) -> list[str]:
    """Of each sync, oldest first."""
    with subject_of(f"{user.module()}:airbyte", None) as subject:
        past = read_past(subject, events, (), MONTH)
    return [row.reported.value for row in past.rows]


def job(number: int, status: JobStatus, kind: JobType = JobType.SYNC) -> Job:
    """It ended as many minutes after midnight."""
    ended = NOW + timedelta(minutes=number)
    created = ended - timedelta(seconds=10)
    return Job(number, "shop", kind, status, created_at=created, updated_at=ended)


def reported(jobs: Iterable[Job], read: TableReports) -> list[str]:
    rows = history_rows(jobs, {}, {"shop": [SHOP]}, Reports({SHOP.key: read}, checked=None))
    return [row.reported.value for row in rows]


def test_failures_behind_what_is_read_at_most_are_unknown(
    user: User, airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    shop = airbyte.add_connection("shop", ["orders"])
    deployment = deployed(airbyte, instance, checks=True, start_from=MONTH)
    for _ in range(4):
        airbyte.fail(airbyte.start_sync(shop))
        airbyte.advance(60)
    deployment.tick()
    assert in_history(user, EventLog(instance, most_evaluations=2)) == ["unknown"] * 2 + ["yes"] * 2
    # Whether there are more is not known, if there are just so many.
    assert in_history(user, EventLog(instance, most_evaluations=4)) == ["yes"] * 4
    assert in_history(user, EventLog(instance)) == ["yes"] * 4


def test_what_ended_since_the_first_that_was_read_is_not_reported() -> None:
    """Its evaluation would have been stored later."""
    jobs = [job(number, JobStatus.FAILED) for number in range(4)]
    read = TableReports(failures_since=(NOW + timedelta(minutes=1)).timestamp())
    assert reported(jobs, read) == ["unknown", "unknown", "no", "no"]


def test_a_success_is_known_however_many_failures_there_are() -> None:
    read = TableReports(failures_since=(NOW + timedelta(days=1)).timestamp())
    assert reported([job(1, JobStatus.SUCCEEDED)], read) == ["no"]


def test_a_number_that_came_again_after_a_restore_is_another_job() -> None:
    before, after = job(1, JobStatus.SUCCEEDED), job(2, JobStatus.SUCCEEDED)
    again = Job(1, "shop", after.type, after.status, after.created_at, updated_at=after.updated_at)
    read = TableReports((Report(before.ref, {}),))
    assert reported([before, again], read) == ["yes", "no"]


def test_a_sync_of_the_past_that_a_backfill_has_reported_is_reported(
    user: User,
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is an observation, as are clears."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").touch()
    shop = airbyte.add_connection("shop", ["orders"])
    airbyte.run_sync(shop)
    airbyte.advance(timedelta(hours=1))
    deployment = deployed(airbyte, instance)
    deployment.tick()
    airbyte.run_sync(shop)
    airbyte.advance(60)
    deployment.tick()
    assert in_history(user, EventLog(instance)) == ["no", "yes"]
    module = user.module("defs = build_airbyte_definitions(airbyte)")
    assert user.calls("backfill", "--definitions", module, "--since", "30d", "--yes") == 0
    assert in_history(user, EventLog(instance)) == ["yes", "yes"]


def test_thousands_of_syncs_of_one_connection_are_a_matter_of_a_second() -> None:
    """To compare each job with each event would be minutes."""
    statuses = (JobStatus.SUCCEEDED, JobStatus.FAILED)
    jobs = [job(number, statuses[number % 2]) for number in range(10_000)]
    reports = tuple(Report(each.ref, {}) for each in reversed(jobs))
    unnamed = tuple(float(number) for number in range(10_000))
    began = time.process_time()
    assert set(reported(jobs, TableReports(reports, unnamed))) == {"yes"}
    assert set(reported(jobs, TableReports((), unnamed))) == {"no"}
    assert time.process_time() - began < 3
