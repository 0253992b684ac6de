"""The sensor of a trigger over several connections.

It reads Dagster's event log only, so a sync counts whoever reported it. A tick makes no request to
Airbyte, but for the link to a sync when it starts a run.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import dagster as dg

from dagster_airbyte_sync.assets import workspace_resource
from dagster_airbyte_sync.assets.events.ledger import Ledger, read_ledger
from dagster_airbyte_sync.assets.tables.table import Table, workspaces_of
from dagster_airbyte_sync.resources import (
    AirbyteError,
    BaseAirbyteWorkspace,
    OutOfTime,
    Pages,
    TimeBudget,
    as_workspace,
)
from dagster_airbyte_sync.sensors import tick_basics
from dagster_airbyte_sync.sensors.cursor.pending import JobKey
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import Mark
from dagster_airbyte_sync.sensors.run_requests.runnable import Runnable
from dagster_airbyte_sync.sensors.tick_basics import (
    NeededResource,
    refuse_bad_times,
    repository_of,
    tick_seconds,
)
from dagster_airbyte_sync.sensors.when_all.members import (
    Members,
    members_of,
    not_found,
    refuse_same_names,
    refuse_unknown,
    tables_in,
    words_of,
)
from dagster_airbyte_sync.sensors.when_all.progress import (
    Progress,
    first_state,
    moved_rows,
    progress_of,
)
from dagster_airbyte_sync.sensors.when_all.runs import counted_by_runs
from dagster_airbyte_sync.sensors.when_all.start import Starter
from dagster_airbyte_sync.sensors.when_all.state import (
    State,
    UnreadableState,
    adopted,
    read_state,
)
from dagster_airbyte_sync.sensors.when_all.when_all import WhenAll
from dagster_airbyte_sync.sensors.when_all.wording import (
    count_in,
    late_line,
    no_run_line,
    started_line,
    waiting_line,
)

# A link to Airbyte is not worth more of a start's time.
_LINK_SECONDS = 5.0


def build_airbyte_when_all_sensor(
    when_all: WhenAll,
    *,
    workspace: BaseAirbyteWorkspace,
    resource_key: str = "airbyte",
    minimum_interval_seconds: int = 30,
    default_sensor_status: dg.DefaultSensorStatus | None = None,
) -> dg.SensorDefinition:
    """Build a sensor that runs what depends on several connections once all of them have synced.

    A sync counts once it is in Dagster's event log, whoever reported it: a polling sensor, one of
    several shards, or a Dagster run. Failed syncs do not count; syncs without rows do. Each start
    uses the newest sync of each member, and only later syncs count for the next start.

    Syncs reported before the sensor's first tick do not count. The same holds if its cursor is lost
    before the first start; after that, earlier runs record what they counted. A table also does not
    count if it was last materialized without an Airbyte job, by hand or by dagster-airbyte.

    A member that matches nothing in this code location counts as missing, and is named in the log
    and at each tick.

    Args:
        when_all: Which connections, what to run, and what to do if some are late.
        workspace: As in `build_airbyte_polling_sensor`. Airbyte is only asked for the link to a
            sync, when a run is started.
        resource_key: The key of the workspace among the resources. The sensor is named
            `<resource_key>_when_all_<name>`.
        minimum_interval_seconds: The least time between the starts of two ticks.
        default_sensor_status: Default: running.

    Raises:
        AirbyteSettingsError: For arguments that cannot work.
    """
    as_workspace(workspace)
    refuse_bad_times(minimum_interval_seconds)
    names = ", ".join(map(words_of, when_all.members))

    @dg.sensor(
        name=f"{resource_key}_when_all_{when_all.name}",
        description=f"Runs what follows once all of these have synced: {names}.",
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_sensor_status or dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={NeededResource(resource_key)},
        # Not `downstream` itself: Dagster would fail each tick with a name in it that is gone.
        asset_selection=dg.AssetSelection.all(),
    )
    def airbyte_when_all_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return _Tick(when_all, resource_key, context).result()

    return airbyte_when_all_sensor


def when_all_sensors(
    triggers: Sequence[WhenAll],
    tables: Iterable[Table] | None,
    *,
    workspace: BaseAirbyteWorkspace,
    resource_key: str,
    minimum_interval_seconds: int,
    default_sensor_status: dg.DefaultSensorStatus | None,
) -> list[dg.SensorDefinition]:
    """A sensor for each, whose members must be among the tables, where these are known.

    Raises AirbyteSettingsError if they are not, or if two have one name.
    """
    refuse_same_names(triggers)
    for trigger in triggers if tables is not None else ():
        refuse_unknown(trigger, tables or ())
    return [
        build_airbyte_when_all_sensor(
            trigger,
            workspace=workspace,
            resource_key=resource_key,
            minimum_interval_seconds=minimum_interval_seconds,
            default_sensor_status=default_sensor_status,
        )
        for trigger in triggers
    ]


class _Tick:
    """Reads the event log, and starts what is due. Nothing is written here."""

    def __init__(
        self, when_all: WhenAll, resource_key: str, context: dg.SensorEvaluationContext
    ) -> None:
        workspace = workspace_resource(context.resources, resource_key)
        self.when_all, self.context, self.log = when_all, context, context.log
        self.client, self.budget = workspace.get_client(), TimeBudget(tick_seconds())
        self.workspace_id = self.client.settings.scope
        self.repository, self.now = repository_of(context), tick_basics.now_seconds()

    def result(self) -> dg.SensorResult:
        self._warn_of_unknown()
        progress = self._progress(self._state())
        if progress.is_due:
            progress = self._after_own_runs(progress)
        return self._start(progress) if progress.is_due else self._wait(progress)

    @cached_property
    def members(self) -> Members:
        return members_of(self.when_all.members, tables_in(self.repository))

    @cached_property
    def ledger(self) -> Ledger:
        return read_ledger(self.context.instance, self.members.tables)

    @cached_property
    def runnable(self) -> Runnable:
        return Runnable.of(self.repository, self.context.instance, budget=self.budget)

    def _progress(self, state: State) -> Progress:
        return progress_of(self.when_all, state, self.members, self.ledger, self.now)

    def _state(self) -> State:
        """What the cursor says, or the tags of the runs that were started."""
        if self.context.cursor:
            try:
                return read_state(self.context.cursor)
            except UnreadableState as reason:
                self.log.warning("The cursor cannot be used because %s.", reason)
        counted = self._counted_by_runs()
        begin = "where its last run began" if counted else "now: what is reported later counts"
        self.log.info("Without a cursor, this sensor continues from %s.", begin)
        return first_state(self.members, self.ledger, counted)

    def _counted_by_runs(self) -> Mapping[Mark, JobKey]:
        context, executable = self.context, self.runnable.executable
        return counted_by_runs(context.instance, context.sensor_name, self.workspace_id, executable)

    def _after_own_runs(self, progress: Progress) -> Progress:
        """The progress, unless a run has started of which the cursor does not know: the daemon may
        have died before it stored that."""
        ran = self._counted_by_runs()
        if all(ran.get(mark) == job for mark, job in progress.after.counted.items()):
            # This very start: what it lacks is run, and Dagster knows the rest by its run key.
            return progress
        state = adopted(progress.state, ran)
        if state is None:
            return progress
        self.log.info(
            "A run was started that the cursor does not know about: continuing from that."
        )
        return self._progress(state)

    def _wait(self, progress: Progress) -> dg.SensorResult:
        state = progress.state
        if progress.must_say:
            self.log.warning(late_line(self.when_all.name, progress, self.now))
            state = replace(state, is_said=True)
        return self._skipped(waiting_line(progress, self.now), state)

    def _start(self, progress: Progress) -> dg.SensorResult:
        if self.when_all.only_with_rows and not moved_rows(progress, self.ledger):
            return self._without_run(progress, "no rows were moved since the last start")
        starter = Starter(self.when_all, self.runnable, self.workspace_id, self.log)
        try:
            requests, left_out = starter.requests(progress, self.ledger, self._job_page)
        except OutOfTime as reason:
            waits = f"{count_in(progress, self.now)}, but not started yet: {reason}"
            return self._skipped(waits, progress.state)
        if not requests:
            why = "nothing that depends on them can be run"
            return self._without_run(progress, f"{why} ({left_out[0]})" if left_out else why)
        self.log.info(started_line(progress, self.now))
        return dg.SensorResult(run_requests=requests, cursor=progress.after.to_text())

    def _without_run(self, progress: Progress, why: str) -> dg.SensorResult:
        return self._skipped(no_run_line(progress, self.now, why), progress.after)

    def _skipped(self, line: str, state: State) -> dg.SensorResult:
        self.log.info(line)
        return dg.SensorResult(skip_reason=line, cursor=state.to_text())

    def _warn_of_unknown(self) -> None:
        if self.members.unknown:
            text = not_found(self.members.unknown, tables_in(self.repository))
            line = f"when_all {self.when_all.name!r}: {text} Until then these members are missing."
            self.runnable.memory.say_once(self.log, logging.WARNING, line)

    def _job_page(self, connection_id: str, job_id: int) -> str:
        if self._ui_url is None:
            return ""
        return self._pages.job_of(connection_id, job_id)

    @cached_property
    def _pages(self) -> Pages:
        known = workspaces_of(tables_in(self.repository))
        return self.client.pages(TimeBudget(_LINK_SECONDS), known)

    @cached_property
    def _ui_url(self) -> str | None:
        try:
            return self.client.ui_url(TimeBudget(_LINK_SECONDS))
        except AirbyteError as error:
            self.log.warning("The run has no link to Airbyte, which does not answer: %s", error)
            return None
