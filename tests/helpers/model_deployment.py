"""The Dagster of the model: its event log, a code location, and ticks as the daemon makes them."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import dagster as dg
import pytest
from typing_extensions import Self

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    build_airbyte_definitions,
    build_airbyte_polling_sensor,
)
from dagster_airbyte_sync.assets.event_log.evaluations import read_evaluations
from dagster_airbyte_sync.assets.tables.keys import (
    DATA_VERSION_TAG,
    JOB_CREATED_AT,
    JOB_ID,
    VERDICT,
    int_in,
    text_in,
    time_in,
)
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import AirbyteError, Connection, StreamId
from dagster_airbyte_sync.resources.client import shared_clients as clients
from dagster_airbyte_sync.sensors.decision import Limits
from helpers.dagster_private import asset_records_not_written
from helpers.model_airbyte import Kind, ModelAirbyte
from helpers.model_clock import dagster_goes_by
from helpers.model_jobs import Identity
from helpers.model_score import SCORE
from helpers.model_secrets import Secrets, printed
from helpers.model_truth import RUN

SENSORS = ("airbyte_sync_sensor", "second_sensor")

# Where a tick can be interrupted by what a run does at the same time.
BETWEEN = ("get_run_records", "get_asset_records", "the events are stored")

Event = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation


class ResolvedWorkspace(AirbyteWorkspace):
    """Has no EnvVars, and so spares the instance that Dagster makes in order to read them."""

    @contextmanager
    def resolved(self) -> Iterator[Self]:
        yield self


@cache
def _shared_instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def _instance() -> dg.DagsterInstance:
    """An empty instance. To wipe one takes a hundredth of the time to make one."""
    instance = _shared_instance()
    instance.wipe()
    return instance


@dataclass(frozen=True)
class Evaluated:
    events: list[Event]
    cursor: str | None


class Deployment(ModelAirbyte):
    """Dagster beside that Airbyte: its event log, the code location and the daemon's ticks."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.instance = _instance()
        self.last_problem = ""
        self.stack.enter_context(dagster_goes_by(self.clock))
        self.most_events = kind.events
        self._limit_events()
        self._printed = self.stack.enter_context(printed("", "dagster", "dagster.model"))
        self._secrets = Secrets(self.airbyte)
        self.workspace = ResolvedWorkspace(
            **self.airbyte.workspace_config(),
            request_max_retries=1,
            request_retry_delay=0.001,
            request_timeout=0.5,
            max_items_per_page=kind.page,
        )
        # Connections for which the user's selector raises in a tick.
        self.broken: set[str] = set()
        self._is_ticking = False
        self.cursors: dict[str, str | None] = dict.fromkeys(SENSORS)
        # The last cursor of each sensor that it wrote itself: any other is none.
        self._own_cursors: dict[str, str | None] = dict.fromkeys(SENSORS)
        self._said_again: set[tuple[dg.AssetCheckKey, Identity | None]] = set()
        self.is_loaded = False

    def _limit_events(self) -> None:
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())

        def limits(hold: float, grace: float) -> Limits:
            return Limits(hold, grace, events=self.most_events)

        patch.setattr("dagster_airbyte_sync.sensors.tick.Limits", limits)

    def close(self) -> None:
        clients._clients.clear()
        self.stack.close()

    # -- the code location ----------------------------------------------------------------------

    def restart_code_server(self) -> None:
        """A new process loads the definitions, and remembers nothing. May fail if Airbyte does."""
        self._look_whether_streams_are_known()
        clients._clients.clear()
        with self.only_airbyte_errors():
            self.load()

    def load(self) -> None:
        built = build_airbyte_definitions(
            self.workspace,
            checks=self.kind.checks,
            sensor_name=SENSORS[0],
            start_from=self.kind.look_back,
            connection_selector_fn=self._is_selected,
        )
        second = build_airbyte_polling_sensor(
            workspace=self.workspace,
            name=SENSORS[1],
            start_from=self.kind.look_back,
            connection_selector_fn=self._is_selected,
        )
        defs = dg.Definitions.merge(built, dg.Definitions(sensors=[second]))
        self.repository = defs.get_repository_def()
        self.is_loaded = True
        self.truth.now_defined(key.to_user_string() for key in self.repository.assets_defs_by_key)

    def _is_selected(self, connection: Connection) -> bool:
        if self._is_ticking and connection.id in self.broken:
            raise ValueError("a bug of the user's")
        return True

    def _look_whether_streams_are_known(self) -> None:
        """They are not while the client asks the public API."""
        closed = (client._fallback.is_closed for client in clients._clients.values())
        questions = ("history", "connections", "job")
        if any(is_closed(each) for is_closed in closed for each in questions):
            self.truth.streams_are_known = False

    def catalog_grows_old(self) -> None:
        with self.only_airbyte_errors():
            self.workspace.get_client().catalog(fresh=True)

    # -- the sensors ----------------------------------------------------------------------------

    def tick(
        self,
        sensor: str,
        *,
        stored: int | None = None,
        noted: bool = True,
        meanwhile: Mapping[str, Callable[[], None]] | None = None,
    ) -> Evaluated | None:
        """A tick in the order of the daemon's effects. None if it failed.

        With `stored` the daemon dies when so many events are stored, before the cursor; unless
        `noted`, before the last of them is noted as the last of its table. `meanwhile` says what
        happens at one of the points BETWEEN.
        """
        interrupt = dict(meanwhile or {})
        moment = self.truth.look()
        result = self.evaluate(sensor, interrupt)
        if result is None:
            return None
        if not self._has_own_cursor(sensor):
            self.truth.sensor_begins(sensor, self.kind.look_back)
        interrupt.pop(BETWEEN[-1], lambda: None)()
        events = result.events[:stored]
        for place, event in enumerate(events):
            is_noted = noted or stored is None or place + 1 < len(events)
            self._store(sensor, event, moment, is_noted=is_noted)
        if stored is None:
            self.cursors[sensor] = self._own_cursors[sensor] = result.cursor
        else:
            SCORE.crashes += 1
        return result

    def _has_own_cursor(self, sensor: str) -> bool:
        return self.cursors[sensor] is not None and (
            self.cursors[sensor] == self._own_cursors[sensor]
        )

    def _store(self, sensor: str, event: Event, moment: int, *, is_noted: bool) -> None:
        is_again = isinstance(event, dg.AssetCheckEvaluation) and self._is_said_again(event)
        if is_noted:
            self.instance.report_runless_asset_event(event)
        else:
            with asset_records_not_written(self.instance):
                self.instance.report_runless_asset_event(event)
        if isinstance(event, dg.AssetMaterialization):
            self.note(event, by=sensor, at=moment, is_noted=is_noted)
        else:
            if is_again:
                return
            which = identity_in(event)
            kind = "observation" if isinstance(event, dg.AssetObservation) else event.check_name
            assert which is not None, f"{event} names no job"
            self.truth.note_once(kind, event.asset_key.to_user_string(), which)

    def _is_said_again(self, event: dg.AssetCheckEvaluation) -> bool:
        """Whether it is what was said before, behind the plan of a run that is over.

        Where two sensors do so at once, the second does not see that the first has.
        """
        check, job = event.asset_check_key, identity_in(event)
        if job is None and text_in(event.metadata, VERDICT) in ("no_sync_yet", "no_rows_yet"):
            return True
        if job not in self.truth.noted.get((check.name, event.asset_key.to_user_string()), ()):
            return False
        table = Table("", StreamId(""), dg.AssetSpec(event.asset_key))
        last = read_evaluations(self.instance, [table], [check.name])[event.asset_key].get(
            check.name
        )
        if last is not None and last.run_id and not last.reason:
            self._said_again.add((check, job))
        return (check, job) in self._said_again

    def evaluate(
        self, sensor: str, interrupt: dict[str, Callable[[], None]] | None = None
    ) -> Evaluated | None:
        """Run the sensor's function, and keep nothing of it."""
        SCORE.ticks += 1
        if not self.is_loaded:
            return None
        with self._interrupted(interrupt or {}), self.only_airbyte_errors():
            with dg.build_sensor_context(
                instance=self.instance,
                cursor=self.cursors[sensor],
                repository_def=self.repository,
                sensor_name=sensor,
                # Dagster would make a new workspace for each tick, which takes as long as the tick.
                resources={"airbyte": dg.ResourceDefinition.hardcoded_resource(self.workspace)},
            ) as context:
                context.log.addHandler(self._printed)
                with self._ticking():
                    result = self.repository.get_sensor_def(sensor).evaluate_tick(context)
            evaluated = Evaluated(list(result.asset_events), result.cursor)
            self._check(evaluated)
            return evaluated
        return None

    @contextmanager
    def _ticking(self) -> Iterator[None]:
        self._is_ticking = True
        try:
            yield
        finally:
            self._is_ticking = False
            self._look_whether_streams_are_known()

    def _check(self, evaluated: Evaluated) -> None:
        cursor = evaluated.cursor or ""
        assert len(cursor.encode()) < 8_000, f"a cursor of {len(cursor)} characters"
        self._secrets.check_are_not_in("the cursor", cursor)
        for event in evaluated.events:
            self._secrets.check_are_not_in("an event", dg.serialize_value(event))

    def check_nothing_secret_was_printed(self) -> None:
        self._secrets.check_are_not_in("the log", self._printed.take())

    @contextmanager
    def only_airbyte_errors(self) -> Iterator[None]:
        """What Airbyte does wrong may fail a tick or a load, by an error that says so."""
        try:
            yield
        except Exception as error:
            shown = "".join(traceback.format_exception(error))
            self._secrets.check_are_not_in("an exception", shown + repr(error))
            if not any(isinstance(each, AirbyteError) for each in _causes(error)):
                raise
            self.last_problem = shown

    @contextmanager
    def _interrupted(self, interrupt: dict[str, Callable[[], None]]) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in BETWEEN[:-1]:
                if name in interrupt:
                    self._interrupt(patch, name, interrupt.pop(name))
            yield

    def _interrupt(
        self, patch: pytest.MonkeyPatch, name: str, happening: Callable[[], None]
    ) -> None:
        """Let something happen just before the sensor reads this, the first time."""
        read = getattr(self.instance, name)
        left = [happening]

        def interrupted(*args: object, **kwargs: object) -> object:
            patch.undo()
            left.pop()()
            return read(*args, **kwargs)

        patch.setattr(self.instance, name, interrupted)

    def note(
        self,
        event: dg.AssetMaterialization,
        *,
        by: str = RUN,
        at: int | None = None,
        is_noted: bool = True,
    ) -> None:
        """The event was stored: judge it."""
        self._look_whether_streams_are_known()
        self.truth.note(
            event.asset_key.to_user_string(),
            identity_in(event),
            by=by,
            data_version=(event.tags or {}).get(DATA_VERSION_TAG),
            at=at,
            is_noted=is_noted,
        )


def identity_in(event: Event) -> Identity | None:
    """The job that an event names."""
    job_id, created = int_in(event.metadata, JOB_ID), time_in(event.metadata, JOB_CREATED_AT)
    return None if job_id is None or created is None else (job_id, int(created.timestamp()))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
