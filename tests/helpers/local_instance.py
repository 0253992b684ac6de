"""An instance of Dagster with its storage in a folder, without the time that a new one takes.

Making the tables takes Dagster a quarter of a second, which is longer than most tests.
"""

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg

# Names the folder of an empty storage, for tests that run one by one in processes of their own.
MADE_BEFORE = "EMPTY_STORAGE"
# To keep what a step prints, Dagster starts four processes for each.
_QUIET: Mapping[str, object] = {
    "compute_logs": {
        "module": "dagster.core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    },
    "telemetry": {"enabled": False},
}


def make_empty_storage(folder: Path) -> Path:
    """A storage with all its tables, in which nothing has happened."""
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        # Events without a run have tables of their own, which come with the first look at them.
        instance.get_records_for_run("")
    for database in folder.rglob("*.db"):
        # All into this one file, also where a connection is still open.
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


@contextmanager
def local_instance(
    folder: Path, empty_storage: Path, overrides: Mapping[str, object] | None = None
) -> Iterator[dg.DagsterInstance]:
    """`overrides` are settings, as in a `dagster.yaml`."""
    ignore = shutil.ignore_patterns("*-wal", "*-shm")
    shutil.copytree(empty_storage, folder, dirs_exist_ok=True, ignore=ignore)
    settings = {**_QUIET, **(overrides or {})}
    with dg.DagsterInstance.local_temp(str(folder), overrides=settings) as instance:
        yield instance
