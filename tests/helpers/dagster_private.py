"""The real sensor daemon of Dagster, in this process. The one place that may use what is private
in Dagster; the product never does."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration

LOGGER = logging.getLogger("daemon")


class Died(BaseException):
    """Thrown where a test kills the daemon; nothing in Dagster catches it."""


class SensorDaemon:
    """Dagster's own sensor loop over one code location, an iteration at a time."""

    def __init__(self, context: WorkspaceProcessContext, instance: dg.DagsterInstance) -> None:
        self._context = context
        self._instance = instance

    def iterate(self) -> InstigatorTick:
        """One pass over all sensors; the newest tick of the only sensor here."""
        list(execute_sensor_iteration(self._context, LOGGER, None, None) or ())
        return self.ticks()[0]

    def ticks(self) -> list[InstigatorTick]:
        """All ticks, newest first."""
        location = self._context.create_request_context().code_locations[0]
        repository = next(iter(location.get_repositories().values()))
        sensor = repository.get_sensors()[0]
        return list(
            self._instance.get_ticks(
                sensor.get_remote_origin_id(), sensor.get_remote_origin().get_selector().get_id()
            )
        )

    def die_after(self, events: int) -> None:
        """Iterate, and die when that many events are stored (their tick's cursor is not)."""
        store = type(self._instance).report_runless_asset_event
        left = events

        def dying(instance: dg.DagsterInstance, event: object) -> None:
            nonlocal left
            if left == 0:
                raise Died
            left -= 1
            store(instance, event)  # type: ignore[arg-type]

        self._with_patch("report_runless_asset_event", dying)

    def die_before_cursor(self) -> None:
        """Iterate, and die when all events are stored but the tick is not."""

        def dying(*_: object, **__: object) -> None:
            raise Died

        self._with_patch("update_tick", dying)

    def _with_patch(self, name: str, replacement: object) -> None:
        original = getattr(dg.DagsterInstance, name)
        setattr(dg.DagsterInstance, name, replacement)
        try:
            self.iterate()
        except Died:
            pass
        else:
            raise AssertionError("The tick ended before the daemon could be killed.")
        finally:
            setattr(dg.DagsterInstance, name, original)


@contextmanager
def sensor_daemon(
    instance: dg.DagsterInstance, python_file: Path, environ: dict[str, str]
) -> Iterator[SensorDaemon]:
    """The daemon over the `defs` in a file, which may read `environ`."""
    before = dict(os.environ)
    os.environ.update(environ)
    origin = InProcessCodeLocationOrigin(
        loadable_target_origin=LoadableTargetOrigin(python_file=str(python_file), attribute="defs"),
        location_name="test",
    )
    try:
        with WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin)) as context:
            yield SensorDaemon(context, instance)
    finally:
        os.environ.clear()
        os.environ.update(before)


__all__ = ["Died", "SensorDaemon", "TickStatus", "sensor_daemon"]
