"""Dagster's own pages of tables whose last sync was good, empty or failed, or that were cleared."""

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from dagster_airbyte_sync.assets.tables.keys import JOB_ID
from helpers.seen_history import REASON

if TYPE_CHECKING:
    from helpers.browser import Browser

SYNC, ROWS = "airbyte_sync", "airbyte_rows"

pytestmark = pytest.mark.xdist_group("browser")


def test_a_good_table_shows_where_it_comes_from_and_plots_rows_bytes_and_duration(
    browser: "Browser",
) -> None:
    browser.open("orders", "overview")
    browser.sees("Synced by Airbyte from Web shop source to Warehouse, connection")
    browser.sees_link("/connections/")
    browser.click("Plots")
    assert browser.plotted() == ["bytes_synced", "records_synced", "sync_duration_seconds"]
    browser.keep("good-plots")


def test_a_sync_is_a_sentence_with_a_link_to_its_job(browser: "Browser") -> None:
    browser.open("orders", "events")
    browser.sees("Airbyte synced 1,204 rows (120.4 kB) in 2 min 3 s")
    browser.sees_link("/timeline?jobId=")
    browser.keep("good-events")


def test_a_failed_table_says_why_and_since_when_with_a_link(browser: "Browser") -> None:
    assert browser.open_check("invoices", SYNC) == {SYNC: "Failed", ROWS: "Succeeded"}
    browser.sees(f"The sync failed: {REASON}")
    browser.sees("failing_since")
    browser.sees_link("/timeline?jobId=")
    browser.keep("failed-check")
    browser.open("invoices", "overview")
    browser.sees("Latest check results")
    browser.keep("failed-overview")


def test_an_empty_table_says_that_rows_were_to_be_expected(browser: "Browser") -> None:
    assert browser.open_check("contacts", ROWS) == {SYNC: "Succeeded", ROWS: "Failed"}
    browser.sees("Airbyte reports success but no rows")
    browser.sees_link("/timeline?jobId=")
    browser.keep("empty-check")


def test_a_cleared_table_says_so_in_its_check_and_in_its_events(browser: "Browser") -> None:
    assert browser.open_check("tickets", SYNC) == {SYNC: "Failed", ROWS: "Succeeded"}
    browser.sees("The table was cleared: it is empty until the next sync")
    browser.keep("cleared-check")
    browser.open("tickets", "events")
    browser.sees("Airbyte cleared the table in 0 s: it is empty until the next sync")
    browser.keep("cleared-events")


def test_a_run_shows_which_sync_it_started_in_a_sentence(browser: "Browser") -> None:
    browser.open("stock", "events")
    browser.sees("dagster-airbyte/started_by_run")
    browser.go_back_an_event()
    browser.sees("This run has started Airbyte job ")
    browser.keep("run-events")


# A check whose evaluation was left out must not read "Not evaluated".


def test_after_syncs_that_were_each_the_same_every_check_reads_as_evaluated(
    browser: "Browser", instance: dg.DagsterInstance
) -> None:
    assert browser.open_check("orders", SYNC) == {SYNC: "Succeeded", ROWS: "Succeeded"}
    browser.sees("The sync succeeded")
    newest = instance.get_latest_materialization_event(dg.AssetKey("orders"))
    assert newest is not None
    assert newest.asset_materialization is not None
    job = newest.asset_materialization.metadata[JOB_ID].value
    # What the page shows is of an earlier one: for the last there is no evaluation.
    browser.sees_no_link(f"/timeline?jobId={job}&openLogs=true")
    browser.keep("good-check")


def test_a_table_whose_only_sync_failed_says_that_there_are_no_rows_yet(
    browser: "Browser",
) -> None:
    assert browser.open_check("ads", ROWS) == {SYNC: "Failed", ROWS: "Failed"}
    browser.sees("This check has not seen a sync succeed yet, so there are no rows to count")
    browser.sees_link("/timeline?jobId=")
    browser.keep("no-rows-yet-check")


@pytest.mark.parametrize("table", ["stock", "returns"])
def test_after_a_run_and_after_a_sync_that_follows_a_run_too(
    browser: "Browser", table: str
) -> None:
    assert browser.open_check(table, SYNC) == {SYNC: "Succeeded", ROWS: "Succeeded"}
