"""The sensor that starts a job for each sync that went wrong, or stays away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import dagster as dg

from dagster_airbyte_sync.assets.tables.table import ConnectionSelector
from dagster_airbyte_sync.resources import (
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    as_workspace,
)
from dagster_airbyte_sync.sensors.failures.failure_tick import Watching
from dagster_airbyte_sync.sensors.failures.late import LateAfter
from dagster_airbyte_sync.sensors.failures.problem import ProblemKind
from dagster_airbyte_sync.sensors.failures.starting import Start, Started
from dagster_airbyte_sync.sensors.polling_sensor import DEFAULT_LOOK_BACK, NamedJob
from dagster_airbyte_sync.sensors.tick_basics import NeededResource, refuse_bad_times

# LATE is said by late_after.
_KINDS = tuple(kind.value for kind in ProblemKind if kind is not ProblemKind.LATE)
_DEFAULT_KINDS = ("failed", "cancelled")


@dataclass(frozen=True)
class OnFailure:
    """What to start when a sync fails, for `build_airbyte_definitions(on_failure=...)`.

    The fields are arguments of `build_airbyte_failure_sensor`. Its `resource_key`,
    `connection_selector_fn` and `default_sensor_status` are those passed to
    `build_airbyte_definitions`; `minimum_interval_seconds` and `start_from` have their defaults.

    Args:
        start: The job to start, its name, or a function of a SyncProblem.
        jobs: The jobs that requests of that function may name.
        kinds: Which problems to start it for.
        late_after: Also start it for connections that are late.
        name: The sensor's name.

    Raises:
        AirbyteSettingsError: If `start` cannot be started.
    """

    start: Start
    jobs: Sequence[NamedJob] = ()
    kinds: Sequence[str] = _DEFAULT_KINDS
    late_after: timedelta | bool | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        Started.of(self.start, self.jobs)


def build_airbyte_failure_sensor(
    *,
    workspace: BaseAirbyteWorkspace,
    start: Start,
    resource_key: str = "airbyte",
    connection_selector_fn: ConnectionSelector | None = None,
    jobs: Sequence[NamedJob] = (),
    kinds: Sequence[str] = _DEFAULT_KINDS,
    late_after: timedelta | bool | None = None,
    name: str | None = None,
    minimum_interval_seconds: int = 60,
    default_sensor_status: dg.DefaultSensorStatus | None = None,
    start_from: datetime | timedelta | None = None,
) -> dg.SensorDefinition:
    """Build a sensor that starts a job for each failed, cancelled, empty or late sync.

    Use it for alerts. The problem is in the tags of the job's run: read it with
    `SyncProblem.from_run_tags(context.run.tags)`. The job is started once for each problem, whoever
    started the sync. If a tick finds several problems of one connection and kind, the newest stands
    for all of them; in a backlog, one for every ten minutes. This is a second sensor beside the one
    that reports syncs, because a sensor in Dagster starts either assets or jobs.

    Args:
        workspace: The workspace to read. Each tick uses the resource under `resource_key`.
        start: A job, the name of a job in the code location, or a function that takes a SyncProblem
            and returns a RunRequest, or None for no run. If the function raises, the error is
            logged and the function called again: at each tick for an hour, or for a late connection
            each time it is looked at. A request that Dagster would refuse is logged, and only that
            run is lost. A request without a `run_key` gets one that lets it run once only; if you
            set `run_key`, make it unique yourself.
        resource_key: The key of the workspace among the resources of your definitions.
        connection_selector_fn: Selects the connections to watch. Default: all of the workspace.
        jobs: The jobs that requests of the function may name. If one of them needs resources,
            Dagster rebuilds the sensor and warns that its `owners` parameter is new in Dagster.
        kinds: Any of "failed", "cancelled" and "empty" (a sync that succeeded without moving a
            row).
        late_after: Also start the job for late connections. A connection is late if this code
            location has no report of a sync for this long, and Airbyte says that none succeeded
            within that time and none is running (a sync that runs too long is for the check
            `airbyte_connection`). The job is started once, until a sync is reported again. True
            takes the time windows of the tables' own freshness policies
            (`freshness_from_airbyte_schedule=True` sets them). A connection that was never reported
            counts from its creation. Paused and deleted connections are not late. Connections are
            looked at every five minutes, from ten minutes after the sensor was turned on.
        name: The sensor's name. Default: `<resource_key>_failure_sensor`. Under another name, the
            sensor does not know what it started before.
        minimum_interval_seconds: The least time between the starts of two ticks.
        default_sensor_status: Default: running.
        start_from: On the first tick, look at syncs that ended at or after this: a time with a time
            zone, or a timedelta back from now on Airbyte's clock. Default: ten minutes.

    Raises:
        AirbyteSettingsError: For arguments that cannot work.
    """
    as_workspace(workspace)
    refuse_bad_times(minimum_interval_seconds, start_from)
    watching = Watching(
        resource_key=resource_key,
        started=Started.of(start, jobs),
        selector=connection_selector_fn,
        kinds=_kinds(kinds, is_empty_fine=bool(late_after)),
        late_after=_late_after(late_after),
        start_from=start_from if start_from is not None else DEFAULT_LOOK_BACK,
        interval=minimum_interval_seconds,
    )
    of_location = watching.started.name_in_location

    @dg.sensor(
        name=name or f"{resource_key}_failure_sensor",
        description="Starts a job for each Airbyte sync that goes wrong or is late.",
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_sensor_status or dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={NeededResource(resource_key)},
        job_name=of_location,
        jobs=None if of_location else cast(list[dg.JobDefinition], list(watching.started.jobs)),
    )
    def airbyte_failure_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return watching.tick(context)

    return airbyte_failure_sensor


def _kinds(kinds: Sequence[str], *, is_empty_fine: bool) -> frozenset[ProblemKind]:
    wanted = [kinds] if isinstance(kinds, str) else list(kinds)
    if ProblemKind.LATE in wanted:
        raise AirbyteSettingsError(
            'kinds has "late", which needs late_after: give late_after=timedelta(hours=26), or'
            " late_after=True for the tables' freshness policies."
        )
    unknown = [kind for kind in wanted if kind not in _KINDS]
    if unknown:
        raise AirbyteSettingsError(f"kinds has {unknown[0]!r}: give some of {', '.join(_KINDS)}.")
    if not wanted and not is_empty_fine:
        raise AirbyteSettingsError("kinds is empty, so the sensor would do nothing: name some.")
    return frozenset(map(ProblemKind, wanted))


def _late_after(late_after: timedelta | bool | None) -> LateAfter:
    if late_after is None or isinstance(late_after, bool):
        return late_after or False
    if not isinstance(late_after, timedelta) or late_after <= timedelta(0):
        raise AirbyteSettingsError(
            f"late_after is {late_after!r}: give a time such as timedelta(hours=26), or True."
        )
    return late_after
