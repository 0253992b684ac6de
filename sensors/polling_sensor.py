"""The sensor that reports Airbyte's syncs to Dagster, whoever started them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, cast
from weakref import WeakValueDictionary

import dagster as dg

from dagster_airbyte_sync.assets.tables.table import ConnectionSelector
from dagster_airbyte_sync.assets.tables.translator import DagsterAirbyteTranslator
from dagster_airbyte_sync.resources import (
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    as_workspace,
)
from dagster_airbyte_sync.sensors.run_requests.of_each_sync import RunRequestFn
from dagster_airbyte_sync.sensors.runs_that_follow import FollowOptions
from dagster_airbyte_sync.sensors.shard import WHOLE, Shard
from dagster_airbyte_sync.sensors.tick import Polling
from dagster_airbyte_sync.sensors.tick_basics import (
    NeededResource,
    refuse_bad_share,
    refuse_bad_times,
)

DEFAULT_LOOK_BACK = timedelta(minutes=10)

# By the name of the sensor: Dagster's definition of a sensor does not lead back to what it does.
_built: WeakValueDictionary[str, Polling] = WeakValueDictionary()


class NamedJob(Protocol):
    """A job: `@dg.job`, or what `dg.define_asset_job` returns, which has no public type."""

    @property
    def name(self) -> str: ...


def build_airbyte_polling_sensor(
    *,
    workspace: BaseAirbyteWorkspace,
    resource_key: str = "airbyte",
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
    name: str | None = None,
    minimum_interval_seconds: int = 30,
    default_sensor_status: dg.DefaultSensorStatus | None = None,
    start_from: datetime | timedelta | None = None,
    downstream: dg.AssetSelection | None = None,
    per_sync: bool = False,
    only_with_rows: bool = False,
    partition_offset: int = 0,
    run_request_fn: RunRequestFn | None = None,
    jobs: Sequence[NamedJob] = (),
    hold_limit: timedelta = timedelta(hours=1),
    storing_share: float = 0.5,
    shard: Shard | None = None,
) -> dg.SensorDefinition:
    """Build a sensor that materializes the assets of every sync that Airbyte has finished, once.

    It does not matter who started a sync. Syncs started by a Dagster run are reported by that run;
    if the run dies, the sensor reports them.

    Args:
        workspace: The workspace to read. Each tick uses the resource under `resource_key`, with its
            EnvVars resolved; the two should be the same workspace.
        resource_key: The key of the workspace among the resources of your definitions.
        dagster_airbyte_translator: The translator that the assets were built with.
        connection_selector_fn: Selects the connections to report. Default: all that have assets.
        name: The sensor's name. Default: `<resource_key>_sync_sensor`. The number of a shard is
            appended to it.
        minimum_interval_seconds: The least time between the starts of two ticks. Dagster's daemon
            checks for due sensors about every five seconds, so 30 gives a tick every 30 or 35
            seconds, and 28 one every 30.
        default_sensor_status: Default: running.
        start_from: On the first tick, report syncs that ended at or after this: a time with a time
            zone, or a timedelta back from now on Airbyte's clock. Default: ten minutes. A
            connection that was reported before continues from its last report instead, at most 30
            days back.
        downstream: After the syncs that a tick reports, run those of these assets that depend on
            the synced tables, once for all of the syncs. Syncs reported by a run do not trigger
            this. While the sensor catches up with history, it waits for up to 15 minutes. Assets
            with time-window partitions run for the partition in which the sync ended. Assets with
            other partitions, or with required config, need `run_request_fn` instead.
        per_sync: Run the `downstream` assets once for each sync, also while catching up.
        only_with_rows: Run only those `downstream` assets whose tables received rows. A sync for
            which Airbyte gives no row counts is taken to have moved some.
        partition_offset: Which partition to run: -1 is the one before that in which the sync ended,
            and so on.
        run_request_fn: Called for the same syncs, with a FinishedSync and the keys of its assets;
            returns one RunRequest, several, or None. Each is validated; an invalid one is logged
            and skipped. A request without a `run_key` gets one made from workspace and job id.
        jobs: The jobs that requests of `run_request_fn` may name. Not together with `downstream`.
        hold_limit: How long a finished sync is left to the running Dagster run that should report
            it, and for how long after its step began a run may hold back syncs before it has
            recorded which one is its own.
        storing_share: The fraction of each interval that Dagster may spend on storing what a tick
            reports. The rest is left to other sensors, which share a thread with this one, or,
            where sensors run in threads of their own, share the storage. How many events fit is
            measured from the event log: 250 at first, 5,000 at most. Above 1, a backlog may take
            longer than an interval. Shards divide the fraction among them; where sensors run in
            threads, it may be 1 for each shard.
        shard: Which part of the connections to report, if one sensor cannot keep up. Build one
            sensor with each of `Shard.each(4)` to have four. Shards help if the daemon runs sensors
            in threads (`sensors: {use_threads: true, num_workers: 8}` in dagster.yaml) and stores
            events in PostgreSQL: four threads store about twice as much there as one, but no more
            in SQLite. Without threads sensors take turns, and each shard waits while another's tick
            is stored. Each shard makes its own requests (one for an idle tick) and requests the
            runs downstream of its own connections: an asset downstream of two shards may run once
            for each. You can change the number of shards at any time: nothing is lost, and nothing
            is reported twice except what a former sensor is storing at that moment.

    Raises:
        AirbyteSettingsError: For arguments that cannot work.
    """
    _refuse_bad_arguments(workspace, minimum_interval_seconds, start_from, downstream, jobs)
    refuse_bad_share(storing_share)
    if downstream is None and (per_sync or only_with_rows or partition_offset):
        raise AirbyteSettingsError(
            "per_sync, only_with_rows and partition_offset say how downstream is run: give"
            " downstream, too. A run_request_fn sees every sync and decides for itself."
        )
    polling = Polling(
        base_name=name or f"{resource_key}_sync_sensor",
        resource_key=resource_key,
        translator=dagster_airbyte_translator or DagsterAirbyteTranslator(),
        selector=connection_selector_fn,
        start_from=start_from if start_from is not None else DEFAULT_LOOK_BACK,
        follow=FollowOptions(
            downstream,
            per_sync=per_sync,
            only_with_rows=only_with_rows,
            partition_offset=partition_offset,
            run_request_fn=run_request_fn,
            job_names=frozenset(job.name for job in jobs),
        ),
        hold_limit=hold_limit,
        interval=minimum_interval_seconds,
        storing_share=storing_share,
        shard=shard or WHOLE,
    )
    # Not `downstream` itself: Dagster would fail each tick with requests for a name that is gone.
    starts_assets = not jobs and (downstream is not None or run_request_fn is not None)

    name = polling.shard.name(polling.base_name)
    _built[name] = polling

    @dg.sensor(
        name=name,
        description=_description(polling.shard),
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_sensor_status or dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={NeededResource(resource_key)},
        jobs=cast(list[dg.JobDefinition], list(jobs)) or None,
        asset_selection=dg.AssetSelection.all() if starts_assets else None,
    )
    def airbyte_polling_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return polling.tick(context)

    return airbyte_polling_sensor


def _description(shard: Shard) -> str:
    if shard.of == 1:
        return "Reports every finished Airbyte sync, whoever started it."
    return (
        "Reports finished Airbyte syncs, whoever started them: those of its share of the"
        f" connections, number {shard.number} of {shard.of}."
    )


def polling_of(sensor: dg.SensorDefinition) -> Polling | None:
    """What a sensor that was built here does, or None; the last one that was built of its name."""
    return _built.get(sensor.name)


def _refuse_bad_arguments(
    workspace: object,
    minimum_interval_seconds: int,
    start_from: datetime | timedelta | None,
    downstream: dg.AssetSelection | None,
    jobs: Sequence[NamedJob],
) -> None:
    as_workspace(workspace)
    refuse_bad_times(minimum_interval_seconds, start_from)
    if not isinstance(downstream, dg.AssetSelection | None):
        raise AirbyteSettingsError(
            f"downstream is {downstream!r}: give an AssetSelection, such as"
            " dg.AssetSelection.assets('revenue')."
        )
    if downstream is not None and jobs:
        raise AirbyteSettingsError(
            "A sensor starts either assets (downstream) or jobs, not both: leave one out, or make"
            " two sensors with different names."
        )
