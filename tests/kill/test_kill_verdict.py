"""The judge of the kill test finds each kind of fault."""

from collections.abc import Iterator

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.kill_verdict import Reported, Verdict, compare

RUN = "a-run"


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """Jobs 1 and 2 wrote both tables, 3 failed, 4 cleared them, 5 refreshed orders."""
    with AirbyteSimulator() as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders", "users"])
        airbyte.run_sync(shop)
        airbyte.run_sync(shop)
        airbyte.fail(airbyte.start_sync(shop))
        airbyte.run_clear(shop)
        airbyte.run_refresh(shop, ["orders"])
        yield airbyte


ALL = [Reported("orders", 1, ""), Reported("orders", 2, ""), Reported("orders", 5, "")]
ALL += [Reported("users", 1, ""), Reported("users", 2, "")]


def test_each_table_of_each_sync_and_refresh_once_and_in_order_is_good(
    airbyte: AirbyteSimulator,
) -> None:
    assert compare(airbyte.jobs, ALL) == Verdict()


@pytest.mark.parametrize("missing", range(len(ALL)))
def test_a_missing_event_is_lost(airbyte: AirbyteSimulator, missing: int) -> None:
    reported = ALL[missing]
    verdict = compare(airbyte.jobs, [each for each in ALL if each != reported])

    assert verdict.lost == [(reported.table, reported.job_id)]
    assert not verdict.is_good


def test_an_event_of_the_sensor_and_one_of_a_run_for_the_same_job_are_twice(
    airbyte: AirbyteSimulator,
) -> None:
    verdict = compare(airbyte.jobs, [*ALL, Reported("users", 2, RUN)])

    assert verdict.twice == [("users", 2)]
    assert not verdict.is_good


@pytest.mark.parametrize(
    ("table", "job_id"), [("orders", 3), ("orders", 4), ("users", 5), ("orders", 99)]
)
def test_what_failed_or_cleared_or_was_not_in_the_job_is_untrue(
    airbyte: AirbyteSimulator, table: str, job_id: int
) -> None:
    verdict = compare(airbyte.jobs, [*ALL, Reported(table, job_id, "")])

    assert verdict.untrue == [(table, job_id)]
    assert not verdict.is_good


def test_a_materialization_without_a_job_is_untrue(airbyte: AirbyteSimulator) -> None:
    assert compare(airbyte.jobs, [*ALL, Reported("users", None, "")]).untrue == [("users", None)]


@pytest.mark.parametrize(("first", "second"), [("", ""), (RUN, RUN), ("", RUN)])
def test_a_lower_job_after_a_higher_one_is_out_of_order(
    airbyte: AirbyteSimulator, first: str, second: str
) -> None:
    swapped = [Reported("users", 2, first), Reported("users", 1, second)]
    verdict = compare(airbyte.jobs, [*ALL[:3], *swapped])

    assert verdict.out_of_order == [("users", 1)]
    assert not verdict.is_good


def test_what_the_sensor_reports_after_a_run_has_reported_a_higher_job_is_late_but_good(
    airbyte: AirbyteSimulator,
) -> None:
    late = [Reported("users", 2, RUN), Reported("users", 1, "")]
    verdict = compare(airbyte.jobs, [*ALL[:3], *late])

    assert verdict.late == [("users", 1)]
    assert verdict.is_good
