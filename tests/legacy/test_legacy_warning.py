"""What users of the former loader are warned of, and that they see it."""

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteResource,
    AirbyteWorkspace,
    load_assets_from_airbyte_instance,
)
from dagster_airbyte_sync.legacy.former_names import GUIDE
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.checkout import ROOT
from helpers.simulated import host_and_port

PAGE = "docs/guides/moving-over.md"
PARAMETERS = set(inspect.signature(load_assets_from_airbyte_instance).parameters)

# For each argument a value, and what is said of it.
REPLACED: dict[str, tuple[Any, str]] = {
    "key_prefix": ("raw", "key_prefix -> key"),
    "connection_to_group_fn": (str, "connection_to_group_fn -> group_name"),
    "connection_meta_to_group_fn": (
        lambda meta: "group",
        "connection_meta_to_group_fn -> group_name",
    ),
    "io_manager_key": ("lake", "io_manager_key -> with_io_manager_key(...)"),
    "connection_to_io_manager_key_fn": (
        str,
        "connection_to_io_manager_key_fn -> with_io_manager_key(...)",
    ),
    "connection_filter": (bool, "connection_filter is now connection_selector_fn"),
    "connection_to_asset_key_fn": (
        lambda meta, table: dg.AssetKey(table),
        "connection_to_asset_key_fn -> key",
    ),
    "connection_to_freshness_policy_fn": (
        lambda meta: None,
        "connection_to_freshness_policy_fn -> freshness_policy",
    ),
    "connection_to_auto_materialize_policy_fn": (
        lambda meta: None,
        "connection_to_auto_materialize_policy_fn -> automation_condition",
    ),
}


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(auth="basic") as airbyte:
        airbyte.add_connection("shop", ["orders"])
        yield airbyte


def fields(airbyte: AirbyteSimulator, **more: Any) -> dict[str, Any]:
    credentials = {"username": airbyte.username, "password": airbyte.password}
    return {**host_and_port(airbyte), **credentials, **more}


def warning_of(resource: AirbyteResource, **arguments: Any) -> str:
    """Without groups, whose default is an argument, too."""
    if "connection_meta_to_group_fn" not in arguments:
        arguments = {"connection_to_group_fn": None, **arguments}
    with pytest.warns(FutureWarning, match="from before Airbyte's workspaces") as caught:
        load_assets_from_airbyte_instance(resource, **arguments)
    return str(caught[-1].message)


def test_it_names_the_new_call_the_workspace_and_the_guide(airbyte: AirbyteSimulator) -> None:
    text = warning_of(AirbyteResource(**fields(airbyte)))
    assert "build_airbyte_assets_definitions(workspace=AirbyteWorkspace(...))" in text
    assert f'workspace_id="{airbyte.workspace_id}"' in text
    assert "host, port, use_https -> rest_api_base_url" in text
    assert GUIDE in text
    assert GUIDE.endswith(PAGE.removeprefix("docs").replace(".md", ".html"))


@pytest.mark.parametrize("name", REPLACED)
def test_it_says_what_replaces_an_argument_that_was_given(
    airbyte: AirbyteSimulator, name: str
) -> None:
    value, note = REPLACED[name]
    text = warning_of(AirbyteResource(**fields(airbyte)), **{name: value})
    new = "connection_selector_fn" if name == "connection_filter" else "dagster_airbyte_translator"
    assert note in text
    assert f"(workspace=AirbyteWorkspace(...), {new}=...)" in text
    others = {note for other, (_, note) in REPLACED.items() if other != name}
    assert not [other for other in others if f" {other}" in text]


def test_what_the_new_call_has_by_the_same_name_stays(airbyte: AirbyteSimulator) -> None:
    text = warning_of(AirbyteResource(**fields(airbyte)), checks=True)
    assert "build_airbyte_assets_definitions(workspace=AirbyteWorkspace(...), checks=...)" in text


def test_groups_by_default_are_mentioned(airbyte: AirbyteSimulator) -> None:
    """A translator gives none."""
    with pytest.warns(FutureWarning, match="connection_to_group_fn -> group_name"):
        load_assets_from_airbyte_instance(AirbyteResource(**fields(airbyte)))


def test_it_says_what_replaces_a_field_that_was_given(airbyte: AirbyteSimulator) -> None:
    resource = AirbyteResource(
        **fields(airbyte, cancel_sync_on_run_termination=False),
        request_additional_params={"timeout": 40, "headers": {"X-Door": "open"}},
    )
    text = warning_of(resource)
    assert "cancel_sync_on_run_termination -> cancel_on_termination" in text
    assert "request_additional_params -> request_timeout, request_headers" in text
    text = warning_of(AirbyteResource(**fields(airbyte)))
    assert "cancel_on_termination" not in text
    assert "request_additional_params" not in text


def test_no_secret_is_in_it(airbyte: AirbyteSimulator) -> None:
    params = {
        "headers": {"X-Door": "sesame-open"},
        "proxies": {"ftp": "http://me:hunter22@proxy:3128"},
        "auth": [airbyte.username, airbyte.password],
    }
    text = warning_of(AirbyteResource(**host_and_port(airbyte), request_additional_params=params))
    assert not [secret for secret in ("sesame", "hunter22", airbyte.password) if secret in text]


@pytest.mark.parametrize("wanted", [True, False])
def test_tables_of_normalization_are_no_more(airbyte: AirbyteSimulator, wanted: bool) -> None:
    with pytest.warns(FutureWarning) as caught:
        load_assets_from_airbyte_instance(
            AirbyteResource(**fields(airbyte)), create_assets_for_normalization_tables=wanted
        )
    assert "create_assets_for_normalization_tables no longer has an effect" in str(
        caught[0].message
    )


def test_the_guide_has_all_former_names() -> None:
    rows = (ROOT / PAGE).read_text()
    former = PARAMETERS - {"airbyte"}
    former |= AirbyteResource.model_fields.keys() - AirbyteWorkspace.model_fields.keys()
    assert not [name for name in former if f"`{name}" not in rows]
    assert REPLACED.keys() < former


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )


def test_it_is_seen_in_a_code_location(airbyte: AirbyteSimulator, tmp_path: Path) -> None:
    (tmp_path / "location.py").write_text(
        "from dagster_airbyte_sync import AirbyteResource, load_assets_from_airbyte_instance\n"
        f"load_assets_from_airbyte_instance(AirbyteResource(**{fields(airbyte)!r}))\n"
    )
    shown = python("import location", tmp_path).stderr
    assert shown.count("location.py:2: LegacyWarning") == 1
    assert airbyte.password not in shown.partition("  load_assets")[0]


def test_importing_the_package_changes_no_warning_filter(tmp_path: Path) -> None:
    """What it depends on may do that."""
    code = (
        "import warnings, cachetools, dagster, requests\n"
        "before = list(warnings.filters)\n"
        "import dagster_airbyte_sync\n"
        "assert warnings.filters == before, warnings.filters\n"
    )
    assert python(code, tmp_path).returncode == 0
