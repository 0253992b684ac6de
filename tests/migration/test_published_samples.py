"""The samples of dagster-airbyte's own pages run here with only the import changed.

They are reworded; what they call and how is as published. Where the real package can run them, too,
both define the same. (On Cloud it cannot: it needs the Configuration API, which is closed there.)
"""

from collections.abc import Iterator, Set
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers import described_definitions
from helpers.cloud import simulated_cloud
from helpers.dagster_airbyte_env import needs_dagster_airbyte, said_there
from helpers.described_definitions import Described, describe_file
from helpers.simulated import host_and_port

FOLDER = Path(__file__).parent / "samples"
COMPONENTS = sorted(FOLDER.glob("*.yaml"))
# The class of a component is beside it.
MODULES = sorted(
    file for file in FOLDER.glob("*.py") if file.with_suffix(".yaml") not in COMPONENTS
)
SAMPLES = [*MODULES, *COMPONENTS]
CONNECTION = "e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f"
# By how each is let in.
BASIC = [file for file in SAMPLES if file.stem.startswith(("basic", "legacy"))]
NONE = [file for file in SAMPLES if file.stem.startswith("no_auth")]
CLOUD = [file for file in SAMPLES if file.stem.startswith("cloud")]
OAUTH = [file for file in SAMPLES if file.stem.startswith("self_managed")]


def test_every_sample_is_run() -> None:
    assert sorted([*BASIC, *NONE, *CLOUD, *OAUTH]) == sorted(SAMPLES)
    assert (len(MODULES), len(COMPONENTS)) == (20, 10)


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
        more = COMPONENT_HAS_MORE if file in COMPONENTS else set()
        assert visible(ours, more) == visible(theirs[str(file)], more), file.name
        assert ours["assets"], file.name


# As docs/guides/moving-over.md lists it.
COMPONENT_HAS_MORE = {"checks", "sensors", "resources"}


def visible(described: Described, without: Set[str]) -> Described:
    """What a user sees first; the rest is compared for whole projects."""
    fields = ("group", "description", "deps", "owners", "automation")
    kept = {
        key: {
            **{field: asset[field] for field in fields},
            "own": own(asset["metadata"]),
            "description": its_own(asset["description"]),
        }
        for key, asset in described["assets"].items()
    }
    return {name: of for name, of in described.items() if name not in without} | {"assets": kept}


def its_own(description: str | None) -> str | None:
    """What the sample itself says; dagster-airbyte says nothing by itself."""
    return None if (description or "").startswith("Synced by Airbyte") else description


def own(metadata: Described) -> Described:
    """What the sample itself adds."""
    return {name: value for name, value in metadata.items() if not name.startswith("dagster")}


def test_what_a_component_does_besides_its_syncs_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    with AirbyteSimulator(clock=RealClock()) as airbyte, dg.DagsterInstance.ephemeral() as instance:
        airbyte.add_connection("shop", ["orders"], sync_seconds=0.1)
        for name, value in environ(airbyte).items():
            monkeypatch.setenv(name, value)
        file = FOLDER / "self_managed_component_execute.yaml"
        defs = described_definitions.load_file(file, "dagster_airbyte_sync")
        job = defs.resolve_implicit_global_asset_job_def()
        run = job.execute_in_process(instance=instance)
        reported = {event.asset_key for event in run.get_asset_materialization_events()}
        said = [entry.user_message for entry in instance.all_logs(run.run_id)]
    assert reported == {dg.AssetKey("orders")}
    assert {"Before the sync", "After the sync"} <= set(said)


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
