"""What Dagster works out anew for each instance, resource, run and query, only once: most of what
a short test takes is that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module

import dagster as dg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, QueuePool, event
from sqlalchemy.engine.interfaces import DBAPIConnection

# Each opens a file of SQLite with an engine of its own for every query, which has then to be
# compiled anew.
_OPEN_FILES = (
    "dagster._core.storage.event_log.sqlite.sqlite_event_log",
    "dagster._core.storage.runs.sqlite.sqlite_run_storage",
    "dagster._core.storage.schedules.sqlite.sqlite_schedule_storage",
)
_ENGINES = 8
_CONFIG = "dagster._config.pythonic_config.config"
_RESOURCES = "dagster._config.pythonic_config.resource"


@contextmanager
def quick_dagster() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", _migrations_read_once())
        for name in _OPEN_FILES:
            module = import_module(name)
            patch.setattr(module, "create_engine", _one_engine_for_a_file(module.create_engine))
        # For each run Dagster configures logging anew, and two that do in one process may lock each
        # other out for ever.
        patch.setattr(dg.DagsterInstance, "get_yaml_python_handlers", lambda instance: [])
        config, resources = import_module(_CONFIG), import_module(_RESOURCES)
        patch.setattr(config, "model_fields", cache(config.model_fields))
        name = "infer_schema_from_config_class"
        patch.setattr(resources, name, _one_schema_for_a_class(getattr(resources, name)))
        yield


def _migrations_read_once() -> Callable[[Config], ScriptDirectory]:
    read = ScriptDirectory.from_config
    known: dict[str, ScriptDirectory] = {}

    def from_config(config: Config) -> ScriptDirectory:
        folder = config.get_main_option("script_location") or ""
        if folder not in known:
            known[folder] = read(config)
        return known[folder]

    return from_config


def _one_engine_for_a_file(create: Callable[..., Engine]) -> Callable[..., Engine]:
    """And with a connection that stays open: to open it again, SQLite reads the whole schema."""
    known: dict[tuple[str, str], Engine] = {}

    def create_engine(url: str, **options: object) -> Engine:
        key = (url, repr(options))
        if key not in known:
            # Few tests use more files at a time.
            if len(known) == _ENGINES:
                known.pop(next(iter(known))).pool.dispose()
            engine = create(url, **{**options, "poolclass": QueuePool})
            # Dagster does so after each query.
            engine.dispose = _nothing  # type: ignore[method-assign]
            # No test is about a machine that loses its power.
            event.listen(engine, "connect", _write_without_waiting)
            known[key] = engine
        return known[key]

    return create_engine


def _nothing(close: bool = True) -> None: ...


def _write_without_waiting(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


def _one_schema_for_a_class(infer: Callable[..., object]) -> Callable[..., object]:
    known: dict[object, object] = {}

    def infer_schema(
        model_cls: type[object],
        description: str | None = None,
        fields_to_omit: set[str] | None = None,
        **more: object,
    ) -> object:
        if more:
            return infer(model_cls, description, fields_to_omit, **more)
        key = (model_cls, description, frozenset(fields_to_omit or ()))
        if key not in known:
            known[key] = infer(model_cls, description, fields_to_omit)
        return known[key]

    return infer_schema
