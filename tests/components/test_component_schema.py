"""The schema of the component, which editors of YAML show and the reference is made of."""

from typing import Any

import pytest

from dagster_airbyte_sync import AirbyteWorkspaceComponent

MODEL = AirbyteWorkspaceComponent.get_model_cls()
assert MODEL is not None
SCHEMA: dict[str, Any] = MODEL.model_json_schema()
OURS = ("AirbyteFields", "Checks", "OnFailure", "Schedule", "Selector", "Sensor", "WhenAll")
SETTINGS = {
    "attributes": SCHEMA,
    **{name: known for name, known in SCHEMA["$defs"].items() if name.startswith(OURS)},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_each_attribute_says_what_it_is(name: str) -> None:
    attributes = SETTINGS[name]["properties"]
    assert attributes
    assert not [key for key, field in attributes.items() if not field.get("description")]


def test_it_has_what_the_component_has() -> None:
    assert len(SETTINGS) == 1 + len(OURS)
    assert SCHEMA["properties"].keys() == AirbyteWorkspaceComponent.model_fields.keys()
