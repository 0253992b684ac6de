"""Definitions load from a snapshot file: without Airbyte, and with the same assets as from it."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    AirbyteWorkspace,
    SyncEvent,
    airbyte_assets,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    build_schedules_from_airbyte,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.resources import write_snapshot_file
from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock, SimulatedStream

READ_AT = "dagster-airbyte/catalog_read_at"
SHOP = "e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f"
VARIABLES = ("rest_api_base_url", "configuration_api_base_url", "workspace_id")


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        columns = {"properties": {"id": {"type": "integer"}}}
        airbyte.add_connection(
            "shop",
            ["users", SimulatedStream("orders", namespace="eu", json_schema=columns)],
            connection_id=SHOP,
            prefix="raw_",
            schedule={"cron": "0 0 12 * * ?"},
        )
        airbyte.add_connection("crm", ["leads"])
        yield airbyte


@pytest.fixture
def workspace(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    return AirbyteWorkspace(**airbyte.workspace_config())


@pytest.fixture
def snapshot(workspace: AirbyteWorkspace, airbyte: AirbyteSimulator, tmp_path: Path) -> Path:
    """The snapshot, of an Airbyte whose requests so far are forgotten."""
    write_snapshot_file(workspace.fetch_catalog(), tmp_path / "airbyte.json")
    airbyte.forget_requests()
    return tmp_path / "airbyte.json"


def decorated(*, workspace: AirbyteWorkspace, snapshot: Path) -> dg.AssetsDefinition:
    @airbyte_assets(connection_id=SHOP, workspace=workspace, snapshot=snapshot)
    def shop() -> Iterator[SyncEvent]:
        yield from ()

    return shop


Builder = Callable[..., object]
BUILDERS: Sequence[Builder] = [
    AirbyteWorkspace.load_asset_specs,
    load_airbyte_asset_specs,
    decorated,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    build_schedules_from_airbyte,
]
every_builder = pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)


def built(build: Builder, workspace: AirbyteWorkspace, snapshot: Path) -> object:
    where = "self" if build is AirbyteWorkspace.load_asset_specs else "workspace"
    return build(**{where: workspace, "snapshot": snapshot})


@every_builder
def test_no_request_is_made(
    build: Builder, workspace: AirbyteWorkspace, snapshot: Path, airbyte: AirbyteSimulator
) -> None:
    assert built(build, workspace, snapshot)

    assert airbyte.requests == []


@every_builder
def test_a_stopped_airbyte_and_an_empty_environment_are_no_matter(
    build: Builder, snapshot: Path, airbyte: AirbyteSimulator
) -> None:
    airbyte.stop()
    fields: dict[str, Any] = {name: dg.EnvVar(f"UNSET_{name}") for name in VARIABLES}

    assert built(build, AirbyteWorkspace(**fields), snapshot)


def test_everything_but_the_time_it_was_read_is_as_from_airbyte(
    workspace: AirbyteWorkspace, snapshot: Path
) -> None:
    from_airbyte = load_airbyte_asset_specs(workspace, freshness_from_airbyte_schedule=True)
    from_file = load_airbyte_asset_specs(
        workspace, freshness_from_airbyte_schedule=True, snapshot=snapshot
    )

    def by_connection(specs: Sequence[dg.AssetSpec]) -> list[dg.AssetSpec]:
        return sorted(specs, key=lambda spec: str(spec.metadata["dagster-airbyte/connection_id"]))

    def without_age(spec: dg.AssetSpec) -> dg.AssetSpec:
        metadata = {key: value for key, value in spec.metadata.items() if key != READ_AT}
        return spec.replace_attributes(metadata=metadata)

    assert len(from_file) == 3
    assert [without_age(spec) for spec in from_file] == by_connection(from_airbyte)


def test_each_asset_says_when_airbyte_was_read(workspace: AirbyteWorkspace, snapshot: Path) -> None:
    read_at = workspace.fetch_catalog().read_at.timestamp()

    specs = load_airbyte_asset_specs(workspace, snapshot=snapshot)

    assert [spec.metadata[READ_AT] for spec in specs] == 3 * [dg.TimestampMetadataValue(read_at)]


def test_without_a_snapshot_no_asset_speaks_of_one(workspace: AirbyteWorkspace) -> None:
    assert not [spec for spec in load_airbyte_asset_specs(workspace) if READ_AT in spec.metadata]


def test_what_airbyte_got_since_is_not_there_until_the_file_is_written_anew(
    workspace: AirbyteWorkspace, snapshot: Path, airbyte: AirbyteSimulator
) -> None:
    airbyte.add_connection("new", ["invoices"])
    before = load_airbyte_asset_specs(workspace, snapshot=snapshot)

    write_snapshot_file(workspace.get_client().catalog(fresh=True), snapshot)
    after = load_airbyte_asset_specs(workspace, snapshot=snapshot)

    assert {spec.key for spec in after} - {spec.key for spec in before} == {dg.AssetKey("invoices")}


def test_one_process_reads_the_file_once(
    workspace: AirbyteWorkspace, snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    really = Path.read_text

    def noted(path: Path, *given: Any, **named: Any) -> str:
        read.append(path)
        return really(path, *given, **named)

    monkeypatch.setattr(Path, "read_text", noted)
    for build in BUILDERS:
        built(build, workspace, snapshot)

    assert read == [snapshot]


def test_assets_from_a_snapshot_can_be_synced(tmp_path: Path) -> None:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", ["orders"], sync_seconds=0.1)
        workspace = AirbyteWorkspace(**airbyte.workspace_config(), poll_interval=0.1)
        write_snapshot_file(workspace.fetch_catalog(), tmp_path / "airbyte.json")

        assets = build_airbyte_assets_definitions(
            workspace=workspace, snapshot=tmp_path / "airbyte.json"
        )
        run = dg.materialize(assets, resources={"airbyte": workspace})

    assert [event.asset_key for event in run.get_asset_materialization_events()] == [
        dg.AssetKey("orders")
    ]


def test_a_missing_file_is_said_with_the_command_that_makes_it(
    workspace: AirbyteWorkspace, tmp_path: Path
) -> None:
    with pytest.raises(AirbyteSettingsError, match=r"none\.json cannot be read.*sync snapshot --"):
        load_airbyte_asset_specs(workspace, snapshot=tmp_path / "none.json")


@pytest.mark.parametrize("content", [b"<html>", b"\xff\xfe"])
def test_a_file_that_is_no_snapshot_is_said_with_its_path(
    workspace: AirbyteWorkspace, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "page.json").write_bytes(content)

    with pytest.raises(AirbyteSettingsError, match=r"page\.json: "):
        load_airbyte_asset_specs(workspace, snapshot=tmp_path / "page.json")


@pytest.mark.parametrize("from_environment", [False, True])
def test_a_snapshot_of_another_workspace_is_refused(
    workspace: AirbyteWorkspace,
    snapshot: Path,
    from_environment: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = json.loads(snapshot.read_text())
    snapshot.write_text(json.dumps({**written, "workspace_id": "another"}))
    if from_environment:
        monkeypatch.setenv("WHICH", workspace.workspace_id)
        workspace = AirbyteWorkspace(
            rest_api_base_url=workspace.rest_api_base_url,
            configuration_api_base_url=workspace.configuration_api_base_url,
            workspace_id=dg.EnvVar("WHICH"),
        )

    with pytest.raises(AirbyteSettingsError, match=r"airbyte\.json: .* of workspace another, and"):
        load_airbyte_asset_specs(workspace, snapshot=snapshot)
