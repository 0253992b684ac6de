"""`snapshot` replaces no file by one that knows less of the same tables, unless it must."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.cli import main
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    PoorerCatalog,
    read_snapshot_file,
    write_snapshot_file,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedStream
from helpers.variables import variables

FILE = Path("airbyte.json")
# The second is of another process, so to speak: it does not know what the first was answered.
MODULE = """
import dagster as dg
from dagster_airbyte_sync import AirbyteWorkspace

names = ("rest_api_base_url", "configuration_api_base_url", "workspace_id", "client_id")
given = {name: dg.EnvVar(f"AIRBYTE_{name.upper()}") for name in (*names, "client_secret")}
first = AirbyteWorkspace(**given, request_retry_delay=0, catalog_ttl=1)
second = AirbyteWorkspace(**given, request_retry_delay=0, catalog_ttl=2)
"""


@pytest.fixture(params=["1.6.0", "2.1.0"])
def version(request: pytest.FixtureRequest) -> str:
    """One without namespaces in its public API, and one with them."""
    return str(request.param)


@pytest.fixture
def airbyte(
    version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(version=version) as airbyte:
        schema = {"properties": {"id": {"type": "integer"}}}
        users = SimulatedStream("users", namespace="audit", json_schema={**schema})
        airbyte.add_connection("shop", [users])
        for name, value in variables(airbyte.workspace_config()).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", list(sys.path))
        Path("closable.py").write_text(MODULE)
        yield airbyte
        sys.modules.pop("closable", None)


def snapshot(name: str, *more: str) -> int:
    return main(["snapshot", "--workspace", f"closable:{name}", "--out", str(FILE), *more])


def close(airbyte: AirbyteSimulator) -> None:
    airbyte.add_fault(Fault.status(403), path="/api/v1/", times=None)


def test_a_richer_file_is_kept_and_what_would_be_lost_is_said(
    airbyte: AirbyteSimulator, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert snapshot("first") == 0
    before = FILE.read_text()
    close(airbyte)
    assert snapshot("second") == 1
    assert FILE.read_text() == before
    said = capsys.readouterr().err
    assert "The snapshot airbyte.json was left as it was" in said
    assert "the columns of 1 tables (shop.audit.users)" in said
    assert ("the namespaces of 1 tables (shop.audit.users)" in said) is (version == "1.6.0")
    assert "--force" in said


def test_destinations_that_may_not_be_read_just_now_are_kept(
    airbyte: AirbyteSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert snapshot("first") == 0
    before = FILE.read_text()
    airbyte.add_fault(Fault.status(403), path="/destinations", times=None)
    assert snapshot("second") == 1
    assert FILE.read_text() == before
    said = capsys.readouterr().err
    assert "lacks the 1 destinations" in said
    assert "did not show all" in said


def test_connections_that_a_list_without_order_did_not_show_are_kept(
    airbyte: AirbyteSimulator,
) -> None:
    catalog = AirbyteClient(AirbyteWorkspace(**airbyte.workspace_config()).settings()).catalog()
    write_snapshot_file(catalog, FILE)
    partial = replace(catalog, connections={}, is_whole=False)
    with pytest.raises(PoorerCatalog, match=r"the 1 connections \(shop\)"):
        write_snapshot_file(partial, FILE)
    write_snapshot_file(replace(partial, is_whole=True), FILE)


def test_force_replaces_it(airbyte: AirbyteSimulator) -> None:
    assert snapshot("first") == 0
    close(airbyte)
    assert snapshot("second", "--force") == 0
    written = read_snapshot_file(FILE)
    assert written.read_from == "public"
    assert not any(s.json_schema for c in written.connections.values() for s in c.all_streams)


def test_a_file_of_an_earlier_version_is_kept_as_well(airbyte: AirbyteSimulator) -> None:
    assert snapshot("first") == 0
    written = json.loads(FILE.read_text())
    del written["read_from"]
    FILE.write_text(json.dumps(written))
    assert read_snapshot_file(FILE).read_from is None
    close(airbyte)
    assert snapshot("second") == 1
    assert json.loads(FILE.read_text()) == written


def test_a_moments_refusal_writes_the_same_file(airbyte: AirbyteSimulator) -> None:
    assert snapshot("first") == 0
    before = json.loads(FILE.read_text())
    airbyte.add_fault(Fault.status(404), path="/api/v1/", times=2)
    assert snapshot("second") == 0
    after = json.loads(FILE.read_text())
    assert {**after, "read_at": None} == {**before, "read_at": None}


def test_a_file_that_knew_no_more_is_replaced(airbyte: AirbyteSimulator) -> None:
    close(airbyte)
    assert snapshot("first") == 0
    airbyte.add_connection("crm", ["contacts"])
    assert snapshot("second") == 0
    assert len(read_snapshot_file(FILE).connections) == 2


def test_tables_that_are_gone_are_not_lost(airbyte: AirbyteSimulator) -> None:
    assert snapshot("first") == 0
    airbyte.update_connection(airbyte.connection("shop"), streams=["orders"])
    close(airbyte)
    assert snapshot("second") == 0
    (shop,) = read_snapshot_file(FILE).connections.values()
    assert [stream.name for stream in shop.all_streams] == ["orders"]


def test_columns_that_airbyte_itself_has_no_more_are_not_lost(airbyte: AirbyteSimulator) -> None:
    assert snapshot("first") == 0
    users = SimulatedStream("users", namespace="audit", json_schema={})
    airbyte.update_connection(airbyte.connection("shop"), streams=[users])
    assert snapshot("second") == 0
    (shop,) = read_snapshot_file(FILE).connections.values()
    assert not shop.all_streams[0].json_schema


def test_the_function_takes_an_argument_for_it(airbyte: AirbyteSimulator) -> None:
    workspace = AirbyteWorkspace(**airbyte.workspace_config(), request_retry_delay=0)
    write_snapshot_file(AirbyteClient(workspace.settings()).catalog(), FILE)
    close(airbyte)
    poor = AirbyteClient(workspace.settings()).catalog()
    with pytest.raises(PoorerCatalog, match="force=True"):
        write_snapshot_file(poor, FILE)
    write_snapshot_file(poor, FILE, force=True)
    assert read_snapshot_file(FILE) == poor
