"""For the whole suite: what is quick runs first, and with NO_SKIPS=1 a skipped test is a failure.

A test may skip where something it needs is not on the machine, and says what. CI has it all, so
there a skip would hide that something is not tested.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

# These start processes or build packages; in this order at the end.
SLOW = ("mutations", "repository", "migration", "daemon", "demo")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_slowness)


def _slowness(item: pytest.Item) -> int:
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    return SLOW.index(folder) if folder in SLOW else -1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    is_xfail = hasattr(report, "wasxfail")
    if report.skipped and not is_xfail and os.environ.get("NO_SKIPS") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"NO_SKIPS=1, but: {reason}"
