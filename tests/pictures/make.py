"""Makes the pictures of the documentation from Dagster's real UI: `make pictures`."""

import os
import sys
import tempfile
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.browser import Browser, browser_at, chromium
from helpers.checkout import ROOT
from helpers.dagster_dev import dagster_dev
from helpers.variables import variables
from pictures.past_week import REASON, PastWeek

PICTURED = Path(__file__).with_name("pictured.py")
SETTINGS = "telemetry: {enabled: false}\nnux: {enabled: false}\n"
FOLDER = ROOT / "docs" / "images"
# Milliseconds: graphs and plots move for a while.
SETTLED = 3_000


def main() -> None:
    executable = chromium()
    if executable is None:
        sys.exit("There is no Chromium or Chrome on this machine.")
    with (
        tempfile.TemporaryDirectory() as name,
        AirbyteSimulator(clock=PastWeek.clock()) as airbyte,
    ):
        home = Path(name)
        (home / "dagster.yaml").write_text(SETTINGS)
        os.environ.update(variables(airbyte.workspace_config()))
        week = PastWeek(airbyte)
        with dg.DagsterInstance.from_config(name) as instance:
            week.happen(instance, _definitions())
        environ = {**os.environ, "DAGSTER_HOME": name}
        for take, more in ((_take, {}), (_take_sources, {"SOURCES": "1"})):
            with (
                dagster_dev(home, {**environ, **more}, "-f", str(PICTURED)) as dev,
                browser_at(f"http://127.0.0.1:{dev.port}", FOLDER, executable) as browser,
            ):
                take(browser)


def _definitions() -> dg.Definitions:
    from pictures.pictured import defs

    return defs


def _take(browser: Browser) -> None:
    page = browser.page
    _take_graph(browser, "graph", height=800)
    page.set_viewport_size({"width": 1400, "height": 640})
    browser.open("ad_spend", "checks&checkDetail=airbyte_sync")
    browser.sees(REASON)
    browser.keep("check")
    page.set_viewport_size({"width": 1400, "height": 1150})
    browser.open("orders", "overview")
    browser.click("Plots")
    browser.plotted()
    page.wait_for_timeout(SETTLED)
    browser.keep("table")


def _take_sources(browser: Browser) -> None:
    _take_graph(browser, "lineage", height=700)


def _take_graph(browser: Browser, name: str, height: int) -> None:
    page = browser.page
    page.set_viewport_size({"width": 1400, "height": height})
    page.goto(f"{browser.address}/asset-groups?expanded=global%40global%3Ashop")
    browser.click("Hide navigation")
    # Only then is the graph made to fit.
    page.reload()
    browser.sees("marketing_return")
    page.wait_for_timeout(SETTLED)
    browser.keep(name)


if __name__ == "__main__":
    main()
