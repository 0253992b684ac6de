"""Where definitions get their catalog from: Airbyte, or a snapshot file in its place."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

import dagster as dg

from dagster_airbyte_sync.resources.errors import (
    AirbyteError,
    AirbyteSettingsError,
    AirbyteUnavailable,
    NotLoaded,
)
from dagster_airbyte_sync.resources.garbage import no_garbage_collected
from dagster_airbyte_sync.resources.http.settings import checked_ids
from dagster_airbyte_sync.resources.records.catalog import Catalog
from dagster_airbyte_sync.resources.records.catalog_loss import refuse_poorer
from dagster_airbyte_sync.resources.records.catalog_snapshot import (
    WRITE_IT_ANEW,
    check_is_of,
    read_snapshot,
    snapshot_of,
)
from dagster_airbyte_sync.resources.variables import as_read
from dagster_airbyte_sync.resources.workspace import (
    AllWorkspaces,
    BaseAirbyteWorkspace,
    as_workspace,
)

_WITH_A_SNAPSHOT = (
    "With snapshot=Path(FILE) they load without Airbyte, from a file that `dagster-airbyte-sync"
    " snapshot --workspace MODULE:NAME --out FILE` has written."
)

_prefers_airbyte: ContextVar[bool] = ContextVar("prefers_airbyte", default=False)


def load_catalog(workspace: BaseAirbyteWorkspace, snapshot: Path | None = None) -> Catalog:
    """The workspace's catalog: from the snapshot file if one is given, otherwise from Airbyte.

    With a file no request is made, and no EnvVar needs to be set. Raises AirbyteSettingsError if
    the file is missing, no snapshot, or one of another workspace; AirbyteError if Airbyte cannot
    be asked.
    """
    workspace = as_workspace(workspace)
    if snapshot is None or _prefers_airbyte.get():
        try:
            with workspace.resolved() as ready:
                return ready.fetch_catalog()
        except (AirbyteError, dg.DagsterError) as error:
            if snapshot is not None:
                with suppress(AirbyteSettingsError):
                    return _from_file(workspace, snapshot)
            if isinstance(error, AirbyteError):
                # What came before it, one request after the other, explains nothing.
                raise error from None
            raise
    return _from_file(workspace, snapshot)


def catalog_for_definitions(
    workspace: BaseAirbyteWorkspace, snapshot: Path | None = None
) -> Catalog:
    """`load_catalog`, with an error that names the snapshot as the way out if Airbyte is down."""
    try:
        return load_catalog(workspace, snapshot)
    except AirbyteUnavailable as down:
        raise NotLoaded.because_of(down, _WITH_A_SNAPSHOT) from None


@contextmanager
def without_snapshots() -> Iterator[None]:
    """Let `load_catalog` ask Airbyte even if it has a file, which then is only the last resort.

    For code whose import must not fail because the file is missing, or too old for it.
    """
    before = _prefers_airbyte.set(True)
    try:
        yield
    finally:
        _prefers_airbyte.reset(before)


def read_snapshot_file(path: Path, workspace_id: str | None = None) -> Catalog:
    """The catalog in the file; each file is read once by a process, and again if it changes."""
    try:
        stat = path.stat()
        catalog = _read(path.resolve(), stat.st_mtime_ns, stat.st_size)
        check_is_of(catalog, workspace_id)
    except OSError as error:
        raise AirbyteSettingsError(
            f"The snapshot {path} cannot be read: {error.strerror}. {WRITE_IT_ANEW}"
        ) from None
    except UnicodeDecodeError:
        raise AirbyteSettingsError(f"{path}: This is not a snapshot. {WRITE_IT_ANEW}") from None
    except AirbyteSettingsError as reason:
        raise AirbyteSettingsError(f"{path}: {reason}") from None
    return catalog


def write_snapshot_file(
    catalog: Catalog,
    path: Path,
    *,
    force: bool = False,
    to_force: str = "write it with force=True",
) -> None:
    """Write the catalog to the file, which at any moment is the old one or the new one, whole.

    Raises PoorerCatalog, unless `force` is given, if the file there knows columns or namespaces
    that the catalog lacks because Airbyte's Configuration API was closed; `to_force` is the end of
    that error: what to do.
    """
    if not force:
        _refuse_poorer(catalog, path, to_force)
    target = path.resolve()
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        unfinished.write_text(snapshot_of(catalog), encoding="utf-8")
        unfinished.replace(target)
    except OSError as error:
        raise AirbyteSettingsError(
            f"The snapshot {path} cannot be written: {error.strerror}."
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)


def _refuse_poorer(catalog: Catalog, path: Path, to_force: str) -> None:
    try:
        old = read_snapshot_file(path)
    except AirbyteSettingsError:
        # A file that cannot be used is no loss.
        return
    refuse_poorer(catalog, old, f"The snapshot {path}", to_force)


# A process makes many definitions from one file. A new time or size means a new file.
@lru_cache(32)
def _read(path: Path, mtime_ns: int, size: int) -> Catalog:
    with no_garbage_collected():
        return read_snapshot(path.read_text(encoding="utf-8"))


def _from_file(workspace: BaseAirbyteWorkspace, path: Path) -> Catalog:
    if not isinstance(workspace, AllWorkspaces):
        return read_snapshot_file(path, _known_id(workspace))
    catalog = read_snapshot_file(path)
    if not catalog.workspaces:
        raise AirbyteSettingsError(
            f"{path}: This snapshot is of {catalog.where} alone. {WRITE_IT_ANEW}"
        )
    wanted = as_read(workspace.workspace_ids)
    return catalog.among(checked_ids(wanted)) if isinstance(wanted, list) else catalog


def _known_id(workspace: BaseAirbyteWorkspace) -> str | None:
    """The workspace's id, if it is known already: definitions may load where it is not.

    It may also be empty: some resources find the server's only workspace themselves.
    """
    value = workspace.named_workspace
    return (value.get_value() if isinstance(value, dg.EnvVar) else value) or None
