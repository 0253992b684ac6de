"""Steps of Dagster runs that go on only when a test says so, and may die at any point.

What a step does is the product's own `sync_and_poll`, in a thread of its own that stops before each
request to Airbyte, before each sleep and after each event. Only one thread ever moves, so a history
repeats exactly.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

import dagster as dg

from dagster_airbyte_sync.assets.sync.follow import PollOptions
from dagster_airbyte_sync.assets.sync.reporting import SyncEvent
from dagster_airbyte_sync.assets.sync.step import sync_and_poll
from dagster_airbyte_sync.assets.tables.keys import DATA_VERSION_TAG
from dagster_airbyte_sync.resources import AirbyteClient, AirbyteError, BaseAirbyteWorkspace
from helpers.dagster_private import store_run_event, store_step_event

EventType = dg.DagsterEventType
OnTold = Callable[[dg.AssetMaterialization], None]
OnNoted = Callable[[dg.AssetObservation], None]


class Killed(BaseException):
    """Thrown into a step whose process is gone: nothing is written or asked any more."""


class Terminated(BaseException):
    """Thrown into a step whose run somebody terminates: it may tidy up."""


class Baton:
    """Hands control to a thread and takes it back at the thread's next pause."""

    def __init__(self) -> None:
        self._go = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._thrown: type[BaseException] | None = None

    def pause(self) -> None:
        """In the thread: wait for the next turn. Does not wait once the thread is to end."""
        if self._thrown is None:
            self._back.release()
            self.wait_for_turn()
        elif self._thrown is Killed:
            raise Killed

    def sleep(self, seconds: float, clock: Callable[[], float]) -> None:
        """In the thread: pause until so much time has passed. Who is to end sleeps no more."""
        until = clock() + seconds
        while clock() < until and self._thrown is not Terminated:
            self.pause()

    def wait_for_turn(self) -> None:
        _take(self._go)
        if self._thrown:
            raise self._thrown

    def give_back(self) -> None:
        self._back.release()

    def turn(self, throw: type[BaseException] | None = None) -> None:
        """In the test: let the thread go on to its next pause, or to its end."""
        self._thrown = throw
        self._go.release()
        _take(self._back)


def _take(semaphore: threading.Semaphore) -> None:
    if not semaphore.acquire(timeout=60):
        raise RuntimeError("The other thread does not come back")


class PausingClient:
    """The product's client, with a pause before each question that a step asks Airbyte."""

    # These answer from what is known already.
    _AT_ONCE = frozenset({"settings", "server_time"})

    def __init__(self, client: AirbyteClient, baton: Baton) -> None:
        self._client, self._baton = client, baton

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in self._AT_ONCE:
            return found

        def ask(*arguments: object, **named: object) -> object:
            self._baton.pause()
            return found(*arguments, **named)

        return ask


@dataclass(frozen=True)
class PausingWorkspace:
    """All of a workspace that `sync_and_poll` looks at."""

    client: PausingClient
    workspace_id: str
    partial_success: bool = False
    who_started: bool = False
    failure_log: bool = False

    def get_client(self) -> PausingClient:
        return self.client


@dataclass(frozen=True)
class StepContext:
    """All of a step's context that `sync_and_poll` looks at."""

    assets_def: dg.AssetsDefinition
    run: dg.DagsterRun
    instance: dg.DagsterInstance
    selected_asset_keys: frozenset[dg.AssetKey]
    log: logging.Logger
    baton: Baton
    # The model's assets carry no checks: those that they have are beside them.
    selected_asset_check_keys: frozenset[dg.AssetCheckKey] = frozenset()
    op_config: Mapping[str, object] = field(default_factory=dict)
    has_partition_key: bool = False
    has_partition_key_range: bool = False

    @property
    def op_execution_context(self) -> "StepContext":
        """No step of the model is tried again."""
        return self

    @property
    def op_def(self) -> dg.OpDefinition:
        return self.assets_def.op

    @property
    def job_def(self) -> dg.JobDefinition:
        return dg.JobDefinition(graph_def=dg.GraphDefinition("a_job_without_a_policy"))

    @property
    def retry_number(self) -> int:
        return 0

    def log_event(
        self, event: dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation
    ) -> None:
        self.baton.pause()
        store_step_event(self.instance, self.run, self.assets_def.op.name, event)


class Work(Protocol):
    """What a step does, event by event."""

    def __call__(
        self,
        workspace: BaseAirbyteWorkspace,
        context: dg.AssetExecutionContext,
        options: PollOptions,
    ) -> Iterator[SyncEvent]: ...


@dataclass(frozen=True)
class StepWork:
    """The work of all steps of a run, and who hears of each materialization it stores.

    Unless it `pauses`, all are stored in one turn.
    """

    client: AirbyteClient
    options: PollOptions
    on_reported: OnTold
    work: Work = sync_and_poll
    pauses: bool = True
    config: Mapping[str, object] = field(default_factory=dict)
    on_noted: OnNoted = lambda event: None


class SteppedStep:
    """One step of a run: the sync of one connection."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        run: dg.DagsterRun,
        definition: dg.AssetsDefinition,
        work: StepWork,
    ) -> None:
        self._baton = baton = Baton()
        self.key = definition.op.name
        keys, log = frozenset(definition.keys), logging.getLogger("dagster.model")
        self._context = StepContext(
            definition, run, instance, keys, log, baton, op_config=work.config
        )
        workspace_id = work.client.settings.scope
        self._workspace = PausingWorkspace(PausingClient(work.client, baton), workspace_id)
        clock = work.options.clock
        self._options = work.options
        if self._options.sleep is time.sleep:
            # To sleep is to wait for others, on whose time it depends.
            self._options = replace(work.options, sleep=lambda seconds: baton.sleep(seconds, clock))
        self._work = work
        self.has_begun = self.has_ended = self.has_failed = False
        self.defect: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def turn(self, throw: type[BaseException] | None = None) -> None:
        if not self.has_ended:
            self._baton.turn(throw)
            if self.has_ended:
                self._thread.join()
        if self.defect and throw is not Killed:
            raise self.defect

    def _run(self) -> None:
        try:
            self._baton.wait_for_turn()
            self.has_begun = True
            self._write(EventType.STEP_START)
            self._sync()
        except (Killed, Terminated):
            pass
        except BaseException as defect:
            self.defect = defect
        finally:
            self.has_ended = True
            self._baton.give_back()

    def _sync(self) -> None:
        context = cast(dg.AssetExecutionContext, self._context)
        workspace = cast(BaseAirbyteWorkspace, self._workspace)
        try:
            self._baton.pause()
            for event in self._work.work(workspace, context, self._options):
                self._report(event)
                if self._work.pauses:
                    self._baton.pause()
        except (AirbyteError, dg.Failure, Terminated):
            self.has_failed = True
            self._write(EventType.STEP_FAILURE)
        else:
            self._write(EventType.STEP_SUCCESS)

    def _report(self, event: SyncEvent) -> None:
        if isinstance(event, dg.Output):
            return
        assert not isinstance(event, dg.AssetCheckResult)
        context, name = self._context, self._context.assets_def.op.name
        if isinstance(event, dg.AssetObservation):
            store_step_event(context.instance, context.run, name, event)
            return self._work.on_noted(event)
        stored = _stored(event)
        store_step_event(context.instance, context.run, name, stored)
        self._work.on_reported(stored)

    def _write(self, kind: EventType) -> None:
        context = self._context
        store_run_event(context.instance, context.run, kind, context.assets_def.op.name)


def _stored(
    event: dg.MaterializeResult[object] | dg.AssetMaterialization,
) -> dg.AssetMaterialization:
    if isinstance(event, dg.AssetMaterialization):
        return event
    assert event.asset_key is not None
    assert event.data_version is not None
    return dg.AssetMaterialization(
        asset_key=event.asset_key,
        metadata=event.metadata,
        tags={**(event.tags or {}), DATA_VERSION_TAG: event.data_version.value},
    )
