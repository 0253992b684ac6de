"""The samples of dagster-airbyte's own pages run here with only the import changed.

They are reworded; what they call and how is as published. Where the real package can run them, too,
both define the same. (On Cloud it cannot: it needs the Configuration API, which is closed there.)
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers import described_definitions
from helpers.cloud import simulated_cloud
from helpers.dagster_airbyte_env import needs_dagster_airbyte, said_there
from helpers.described_definitions import Described, describe_file
from helpers.simulated import host_and_port

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.py"))
CONNECTION = "e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f"
# By how each is let in.
BASIC = [file for file in SAMPLES if file.stem.startswith(("basic", "legacy"))]
NONE = [file for file in SAMPLES if file.stem.startswith("no_auth")]
CLOUD = [file for file in SAMPLES if file.stem.startswith("cloud")]
OAUTH = [file for file in SAMPLES if file.stem.startswith("self_managed")]


def test_every_sample_is_run() -> None:
    assert sorted([*BASIC, *NONE, *CLOUD, *OAUTH]) == SAMPLES
    assert len(SAMPLES) == 20


def fill(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop", ["orders", "users"], connection_id=CONNECTION)
    airbyte.add_connection("crm", ["leads"])


def environ(airbyte: AirbyteSimulator) -> dict[str, str]:
    settings = {f"AIRBYTE_{k.upper()}": str(v) for k, v in airbyte.workspace_config().items()}
    where = {f"AIRBYTE_{k.upper()}": str(v) for k, v in host_and_port(airbyte).items()}
    return {**settings, **where}


@pytest.fixture(params=["oauth", "basic", "none"])
def self_managed(request: pytest.FixtureRequest) -> Iterator[tuple[list[Path], dict[str, str]]]:
    files = {"oauth": OAUTH, "basic": BASIC, "none": NONE}[request.param]
    # 1.6 is the last that lists workspaces as dagster-airbyte's former loader asks it to.
    with AirbyteSimulator(auth=request.param, version="1.6.0") as airbyte:
        fill(airbyte)
        yield files, environ(airbyte)


@needs_dagster_airbyte
def test_a_sample_defines_what_it_defines_there(
    self_managed: tuple[list[Path], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    files, variables = self_managed
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    names = [str(file) for file in files]
    theirs = said_there(described_definitions.__file__, *names, environ=variables)
    for file in files:
        ours = describe_file(file, "dagster_airbyte_sync")
        assert visible(ours) == visible(theirs[str(file)]), file.name
        assert ours["assets"], file.name


def visible(described: Described) -> Described:
    """What a user sees first; the rest is compared for whole projects."""
    fields = ("group", "deps", "owners", "automation")
    kept = {
        key: {field: asset[field] for field in fields} for key, asset in described["assets"].items()
    }
    return {**described, "assets": kept}


@pytest.mark.parametrize("file", CLOUD, ids=lambda file: file.stem)
def test_a_sample_for_cloud_loads(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulated_cloud(tmp_path) as cloud:
        fill(cloud.airbyte)
        for name, value in cloud.airbyte.cloud_workspace_config().items():
            monkeypatch.setenv(f"AIRBYTE_CLOUD_{name.upper()}", str(value))
        monkeypatch.setenv("HTTPS_PROXY", cloud.proxy.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(cloud.ca_file))
        described = describe_file(file, "dagster_airbyte_sync")
    assert any("orders" in key.lower() for key in described["assets"])
