"""For the whole suite: order, skips, an instance of Dagster, and what tests have measured.

What is quick runs first. A test may skip where something it needs is not on the machine, and says
what; CI has it all and sets NO_SKIPS=1, which makes a skip a failure. What a test records as
"measured" is printed in the end, also of tests that passed in another process.
"""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import dagster as dg
import pytest

from helpers.local_instance import (
    MADE_BEFORE,
    local_instance,
    make_empty_storage,
)
from helpers.quick_dagster import quick_dagster

# What a shell starts in the background ignores SIGINT, and so would all that the tests start; some
# tests are about runs that are interrupted.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# These start processes or build packages; in this order at the end.
SLOW = (
    "model",
    "mutations",
    "repository",
    "migration",
    "automation",
    "dbt",
    "daemon",
    "dg_project",
    "on_demand",
    "browser",
    "demo",
    "production",
    "soak",
    "kill",
)


@pytest.fixture(scope="session", autouse=True)
def _quick_dagster() -> Iterator[None]:
    with quick_dagster():
        yield


@pytest.fixture(autouse=True)
def _same_variables() -> Iterator[None]:
    """What a command takes from a `.env` must not reach the next test."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AIRBYTE_")}
    yield
    for name in [name for name in os.environ if name.startswith("AIRBYTE_")]:
        if name not in before:
            del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def empty_storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made_before = os.environ.get(MADE_BEFORE)
    return Path(made_before or make_empty_storage(tmp_path_factory.mktemp("storage")))


@pytest.fixture
def instance(empty_storage: Path, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """With a storage of its own, in `tmp_path`."""
    with local_instance(tmp_path, empty_storage) as instance:
        yield instance


def pytest_report_header() -> str:
    seeds = {"MODEL_SEED": "0", "FUZZ_SEED": "0", "KILL_SEED": "1"}
    return ", ".join(f"{name}={os.environ.get(name, usual)}" for name, usual in seeds.items())


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = (r for outcome in ("passed", "failed") for r in terminalreporter.getreports(outcome))
    lines = [
        str(text)
        for report in reports
        for name, text in report.user_properties
        if name == "measured" and report.when == "call"
    ]
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.line(line)
