"""What the README's tables of syncs, schedules and runs name is there."""

import inspect
import re
from pathlib import Path

import pytest

import dagster_airbyte_sync
from helpers.checkout import ROOT

README = (ROOT / "README.md").read_text()
TABLE = "\n".join(re.findall(r"^\| You want .*?(?:\n\|.*)+", README, flags=re.M))


EXAMPLES = ["alert_on_failure", "on_demand_assets", "scheduled_syncs", "schedules_from_airbyte"]


@pytest.mark.parametrize("path", EXAMPLES)
def test_it_links_the_example(path: str) -> None:
    link = f"examples/{path}.py"
    assert f"]({link})" in TABLE
    assert Path(ROOT, link).exists()


def arguments(name: str) -> set[str]:
    return set(inspect.signature(getattr(dagster_airbyte_sync, name)).parameters)


def test_its_calls_take_their_arguments() -> None:
    calls = re.findall(r"(\w+)\((\w+)=", TABLE)
    assert {"AirbyteWorkspace", "build_airbyte_sync_schedule"} <= {name for name, _ in calls}
    assert not [call for call in calls if call[1] not in arguments(call[0])]
