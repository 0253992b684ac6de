"""The former loader: the same keys, groups and policies as dagster-airbyte's own."""

import json
from collections.abc import Iterator

import pytest

import dagster_airbyte_sync
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from helpers import described_legacy
from helpers.dagster_airbyte_env import needs_dagster_airbyte, said_there
from helpers.described_legacy import VARIANTS, Described, describe
from helpers.simulated import host_and_port

pytestmark = needs_dagster_airbyte


@pytest.fixture(scope="module")
def airbyte() -> Iterator[AirbyteSimulator]:
    """1.6, the last that still lists workspaces as dagster-airbyte's loader asks it to."""
    with AirbyteSimulator(version="1.6.0", auth="basic") as airbyte:
        hidden = SimulatedStream("hidden", selected=False)
        airbyte.add_connection("Shop/Orders & More", ["orders", "order_lines", hidden], prefix="s_")
        airbyte.add_connection("crm", ["leads"])
        airbyte.add_connection("paused", ["old"], status="inactive")
        yield airbyte


@pytest.fixture(scope="module")
def settings(airbyte: AirbyteSimulator) -> dict[str, object]:
    credentials = {"username": airbyte.username, "password": airbyte.password}
    return {**host_and_port(airbyte), **credentials}


@pytest.fixture(scope="module")
def theirs(settings: dict[str, object]) -> Described:
    return said_there(described_legacy.__file__, "dagster_airbyte", json.dumps(settings))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_assets_come_of_the_same_call(
    variant: str, settings: dict[str, object], theirs: Described
) -> None:
    assert theirs[variant]
    assert describe(dagster_airbyte_sync, settings, variant) == theirs[variant]


def test_each_argument_makes_a_difference(theirs: Described) -> None:
    """So that the comparison compares something."""
    usual = theirs["as it is"]
    assert not [name for name in VARIANTS if name != "as it is" and theirs[name] == usual]
