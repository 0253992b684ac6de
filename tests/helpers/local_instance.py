"""An instance of Dagster with its storage in a folder, without the time that a new one takes.

Making the tables takes Dagster a quarter of a second, which is longer than most tests.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

# Names the folder of an empty storage, for tests that run one by one in processes of their own.
MADE_BEFORE = "EMPTY_STORAGE"


def make_empty_storage(folder: Path) -> Path:
    """A storage with all its tables, in which nothing has happened."""
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        # Events without a run have tables of their own, which come with the first look at them.
        instance.get_records_for_run("")
    return folder


@contextmanager
def local_instance(
    folder: Path, empty_storage: Path, overrides: Mapping[str, object] | None = None
) -> Iterator[dg.DagsterInstance]:
    """`overrides` are settings, as in a `dagster.yaml`."""
    shutil.copytree(empty_storage, folder, dirs_exist_ok=True)
    with dg.DagsterInstance.local_temp(
        str(folder), overrides=dict(overrides) if overrides else None
    ) as instance:
        yield instance
