"""One deployment and one browser for a file of tests: together they take most of a minute.

No longer: Playwright runs an event loop in this thread, beside which Dagster can start no other.
"""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.dagster_dev import DagsterDev, dagster_dev
from helpers.seen_history import ClockBehind, SeenHistory
from helpers.variables import variables
from helpers.waiting import wait_until

if TYPE_CHECKING:
    from helpers.browser import Browser

LOCATION = Path(__file__).with_name("browser_location.py")
SETTINGS = "telemetry: {enabled: false}\nnux: {enabled: false}\n"


@pytest.fixture(scope="module")
def chromium() -> str:
    """Where the browser is."""
    if find_spec("playwright") is None:
        pytest.skip("playwright is not installed: pip install 'dagster-airbyte-sync[browser]'")
    from helpers.browser import chromium

    found = chromium()
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    return found


@pytest.fixture(scope="module")
def instance(
    chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dg.DagsterInstance]:
    """That of a real `dagster dev`. It is made before, so that only one process sets it up."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "dagster.yaml").write_text(SETTINGS)
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        yield instance


@pytest.fixture(scope="module")
def dev(instance: dg.DagsterInstance) -> Iterator[DagsterDev]:
    """Its daemon has reported the last there is."""
    folder = Path(instance.root_directory)
    with AirbyteSimulator(clock=ClockBehind()) as airbyte:
        history = SeenHistory(airbyte)
        history.happen(instance)
        history.end()
        environ = {
            **os.environ,
            **variables(airbyte.workspace_config()),
            "DAGSTER_HOME": str(folder),
        }
        with dagster_dev(folder, environ, "-f", str(LOCATION)) as dev:
            wait_until(
                lambda: reported_last(instance), "the last event", evidence=dev.log.read_text
            )
            yield dev


def reported_last(instance: dg.DagsterInstance) -> bool:
    """A clear, which is an observation: whatever ended before is stored before it."""
    found = instance.fetch_observations(dg.AssetKey("tickets"), limit=1)
    return bool(found.records)


@pytest.fixture(scope="module")
def browser(
    dev: DagsterDev, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[Browser]":
    """At its pages. `PICTURES` names the folder for those that are kept."""
    from helpers.browser import browser_at

    pictures = Path(os.environ.get("PICTURES") or tmp_path_factory.mktemp("pictures"))
    pictures.mkdir(parents=True, exist_ok=True)
    with browser_at(f"http://127.0.0.1:{dev.port}", pictures, chromium) as browser:
        yield browser
