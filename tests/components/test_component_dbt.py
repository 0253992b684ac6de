"""A component whose tables have the keys of the dbt sources that they are."""

import json
from pathlib import Path

import pytest

from dagster_airbyte_sync import AirbyteSettingsError
from helpers.component_yaml import Load
from helpers.dbt_manifest import Source, manifest_of

ORDERS = Source("revenue", "warehouse", "public", "orders")
CONTACTS = Source("leads", "warehouse", "public", "contacts")


def written(folder: Path, source: Source) -> Path:
    file = folder / f"{source.model}.json"
    file.write_text(json.dumps(manifest_of([source])))
    return file


def test_a_table_has_the_key_of_its_source(load: Load, tmp_path: Path) -> None:
    loaded = load(f"dbt_manifest: {written(tmp_path, ORDERS)}")
    assert loaded.keys == {"revenue_source/orders", "users", "contacts"}


def test_there_may_be_several_manifests(load: Load, tmp_path: Path) -> None:
    files = [str(written(tmp_path, source)) for source in (ORDERS, CONTACTS)]
    assert load(f"dbt_manifest: {json.dumps(files)}").keys == {
        "revenue_source/orders",
        "leads_source/contacts",
        "users",
    }


def test_translation_makes_the_rest(load: Load, tmp_path: Path) -> None:
    loaded = load(
        f"""\
        dbt_manifest: {written(tmp_path, ORDERS)}
        translation: {{key_prefix: raw, group_name: airbyte}}
        """
    )
    assert loaded.keys == {"revenue_source/orders", "raw/users", "raw/contacts"}
    assert loaded.spec("revenue_source/orders").group_name == "airbyte"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("nowhere/manifest.json", "nowhere/manifest.json cannot be read: No such file"),
        ("[]", r"dbt_manifest is \[\]: give the path of a manifest.json"),
        ("'{{ 5 }}'", "dbt_manifest is 5: give the path"),
    ],
)
def test_a_mistake_is_named(load: Load, value: str, problem: str) -> None:
    with pytest.raises(Exception, match=problem):
        load(f"dbt_manifest: {value}")


def test_without_the_file_a_state_can_be_written(load: Load, tmp_path: Path) -> None:
    with pytest.raises(AirbyteSettingsError, match="cannot be read"):
        load(f"dbt_manifest: {tmp_path / 'later.json'}")
    assert (tmp_path / "state").exists()
