"""The pytest fixture `airbyte_simulator`, which pytest finds by itself.

pytest imports this file in every environment that has the package, so it stands beside the import
package, whose `__init__` imports Dagster, and needs nothing but pytest until the fixture is used.
"""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dagster_airbyte_sync.testing import AirbyteSimulator

_NEEDED = ("flask", "werkzeug")


@pytest.fixture
def airbyte_simulator_options() -> Mapping[str, object]:
    """Keyword arguments for the simulator of `airbyte_simulator`: override or parametrize it."""
    return {}


@pytest.fixture
def airbyte_simulator(
    airbyte_simulator_options: Mapping[str, object],
) -> "Iterator[AirbyteSimulator]":
    """A simulated Airbyte that runs for one test, over real HTTP on this machine."""
    if not all(map(find_spec, _NEEDED)):
        pytest.fail(
            "airbyte_simulator needs Flask: pip install 'dagster-airbyte-sync[testing]'",
            pytrace=False,
        )
    from dagster_airbyte_sync.testing import AirbyteSimulator

    with AirbyteSimulator(**airbyte_simulator_options) as airbyte:  # type: ignore[arg-type]
        yield airbyte
