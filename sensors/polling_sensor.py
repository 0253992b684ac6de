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
    """A sensor that materializes the assets of every sync that Airbyte finished, once.

    Syncs that a Dagster run started are left to that run; should it die, the sensor reports them.

    Args:
        workspace: The workspace to read; at each tick the resource under `resource_key` is used,
            with its EnvVars resolved. The two should be the same.
        dagster_airbyte_translator: The one the assets were built with.
        connection_selector_fn: Which connections to report. Default: all that have assets.
        name: Default: the resource key and "_sync_sensor". A shard adds its number to it.
        minimum_interval_seconds: Time between the starts of two ticks, at least. Dagster's daemon
            looks for due sensors about every five seconds: with 30 that is one tick every 30 or 35
            seconds, with 28 one every 30.
        default_sensor_status: Default: running.
        start_from: On the first tick, report syncs that ended since then: a time with a zone, or so
            long ago on Airbyte's clock. Default: ten minutes ago. A connection that was reported
            before goes on from its last report instead, at most 30 days back.
        downstream: After the syncs that a tick reports (those that a run reports are its own), run
            those of these assets that depend on their tables: once for all of them. While the
            sensor has history to catch up with, this waits for up to 15 minutes. Assets whose
            partitions are times are run in the partition in which the sync ended. Assets with other
            partitions or required config need `run_request_fn` instead.
        per_sync: Run what is `downstream` once for each sync, also where several catch up.
        only_with_rows: Run what is `downstream` only of tables to which rows were moved. A sync
            without counts of rows moved some.
        partition_offset: -1 runs the partition before that in which a sync ended, and so on.
        run_request_fn: Called with a FinishedSync and the keys of its assets, for the same syncs;
            returns a RunRequest, several, or None. Each is checked; a bad one is logged and left
            out. Without `run_key` a request gets one made of workspace and job id.
        jobs: The jobs that requests of `run_request_fn` may name; not together with `downstream`.
        hold_limit: How long a finished sync waits for the live run that is to report it, and how
            long after its step began a run may hold syncs without saying which one is its own.
        storing_share: The part of each interval that Dagster may spend on storing what a tick
            reports; the rest is for other sensors, which share a thread with this one, or where
            they have threads of their own the storage. How many events that are is seen from the
            event log: 250 at first, 5,000 at most. More than 1 lets a backlog take longer than an
            interval. Shards divide it: where sensors have threads, it may be 1 for each shard.
        shard: Which part of the connections to report, where one sensor cannot keep up: a sensor
            with each of `Shard.each(4)` makes four. They help where the daemon runs sensors in
            threads, by `sensors: {use_threads: true, num_workers: 8}` in dagster.yaml, and stores
            events in PostgreSQL: four threads store about twice as much there as one, but no more
            in SQLite. Without threads they take turns, as all sensors do: each waits while
            another's tick is stored. Each makes its own requests, one at an idle tick, and asks
            for the runs that follow its own connections' syncs: an asset below tables of two may
            run once for each. Their number may be changed at any time: nothing is lost, and
            nothing reported twice but what a sensor of before is storing at that moment.

    Raises AirbyteSettingsError for arguments that cannot work.
    """
    _refuse_bad_arguments(workspace, minimum_interval_seconds, start_from, downstream, jobs)
    refuse_bad_share(storing_share)
    if downstream is None and (per_sync or only_with_rows or partition_offset):
        raise AirbyteSettingsError(
            "per_sync, only_with_rows and partition_offset say how downstream is run: give"
            " downstream, too. A run_request_fn sees every sync, and decides by itself."
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
    if downstream is not None and jobs:
        raise AirbyteSettingsError(
            "A sensor starts either assets (downstream) or jobs, not both: leave one out, or make"
            " two sensors with different names."
        )
