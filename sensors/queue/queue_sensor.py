"""The sensor that starts what waits for a place in Airbyte. It is the only one that decides."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from dagster_airbyte_sync.assets import workspace_resource
from dagster_airbyte_sync.assets.queue.places import LONGEST_WAIT
from dagster_airbyte_sync.assets.queue.queue_name import QueueName
from dagster_airbyte_sync.assets.queue.reading import StoredQueue, read_queue
from dagster_airbyte_sync.assets.queue.standing import Queue, queue_of
from dagster_airbyte_sync.assets.queue.times import CLOCKS, utc
from dagster_airbyte_sync.assets.queue.wait import Wait
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import (
    AirbyteError,
    AirbyteSettingsError,
    BaseAirbyteWorkspace,
    TimeBudget,
    as_workspace,
    duration_text,
)
from dagster_airbyte_sync.resources.json_values import as_int, object_at
from dagster_airbyte_sync.sensors import tick_basics
from dagster_airbyte_sync.sensors.polling_sensor import NamedJob
from dagster_airbyte_sync.sensors.queue.choose import (
    Busy,
    chosen,
    config_of,
    places_line,
    run_key_of,
)
from dagster_airbyte_sync.sensors.tick_basics import (
    NeededResource,
    refuse_bad_times,
    repository_of,
    tick_failed,
    tick_seconds,
)

_NOTHING = "No sync waits for a place."
_LAST = "Nothing was started, and everything is still waiting."


def build_airbyte_queue_sensor(
    *,
    workspace: BaseAirbyteWorkspace,
    job: NamedJob | str,
    resource_key: str = "airbyte",
    name: str | None = None,
    minimum_interval_seconds: int = 15,
    default_sensor_status: dg.DefaultSensorStatus | None = None,
) -> dg.SensorDefinition:
    """Build a sensor that starts the syncs that `max_running` makes wait.

    Runs of jobs and schedules with `max_running` only record which connections to sync. This sensor
    counts the syncs running in Airbyte, whoever started them, and requests one run of `job` for as
    many waiting syncs as there is room for: the oldest first, whichever run recorded them. If
    nothing waits, it makes no request to Airbyte. Each tick says what waits, and since when.

    It decides by what Dagster has stored, so nothing is started twice or forgotten if the daemon
    dies or the cursor is lost. A sync that Airbyte did not start, or that a run did not get to
    before it died, is tried again some minutes later and then at longer intervals, until its
    `wait_limit`. It is not tried again if somebody cancelled the run, or if Airbyte says that the
    connection is gone or not active.

    To remove a sync from the queue, delete the run that recorded it. If you change `max_running` of
    a job, that also applies to syncs that already wait. Use exactly one such sensor for each
    workspace: of two that look at the same moment, neither knows what the other starts.

    Args:
        workspace: The workspace to count syncs in. Each tick uses the resource under
            `resource_key`.
        job: The job that starts waiting syncs: one from `build_airbyte_start_job`, or a schedule's
            `job`. It must have `max_running` itself, and include every connection that may wait,
            from all jobs and schedules with `max_running` in the code location. It must be in your
            definitions, by itself or with its schedule.
        resource_key: The key of the workspace among the resources of your definitions.
        name: The sensor's name. Default: `<resource_key>_queue_sensor`.
        minimum_interval_seconds: The least time between the starts of two ticks.
        default_sensor_status: Default: running.

    Raises:
        AirbyteSettingsError: For arguments that cannot work.
    """
    as_workspace(workspace)
    refuse_bad_times(minimum_interval_seconds)
    job_name = _job_name(job)

    # By its name: where a sensor brings a job that needs resources, Dagster makes the sensor anew,
    # and warns of what is new in Dagster itself.
    @dg.sensor(
        name=name or f"{resource_key}_queue_sensor",
        description="Starts Airbyte syncs that wait until fewer run.",
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_sensor_status or dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={NeededResource(resource_key)},
        job_name=job_name,
    )
    def airbyte_queue_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return _Tick(context, resource_key, job_name).result()

    return airbyte_queue_sensor


def _job_name(job: object) -> str:
    if isinstance(job, str) and job:
        return job
    if isinstance(job, dg.JobDefinition) and keys.STARTS_SYNCS_TAG in job.tags:
        _refuse_without_places(job)
        return job.name
    raise AirbyteSettingsError(
        f"job is {job!r}: give a job that build_airbyte_start_job made, the job of a schedule with"
        " wait=False, or the name of one."
    )


def _refuse_without_places(job: dg.JobDefinition) -> None:
    """Raise AirbyteSettingsError for a job of which a run that is executed again waits for none."""
    if keys.MAX_RUNNING not in job.tags:
        raise AirbyteSettingsError(
            f"The job {job.name!r} has no max_running, so a run of it that is retried or executed"
            " by hand would start all its syncs at once. The queue sensor needs a job that has it:"
            " build_airbyte_start_job(max_running=...), or the job of a schedule with"
            " wait=False and max_running."
        )


@dataclass(frozen=True)
class _Memory:
    """What a cursor says: runs before `since` have nothing that waits (the database's clock), and
    what had waited too long by `said` was named (Dagster's clock, epoch seconds)."""

    since: float
    said: float

    @classmethod
    def of(cls, cursor: str | None, now: float) -> "_Memory":
        # Whatever a person has made of it: without one, more is read, and that is all.
        try:
            written = object_at(json.loads(cursor or "{}"))
        except ValueError:
            written = {}
        since, said = as_int(written.get("since")), as_int(written.get("said"))
        latest, earliest = now - CLOCKS.total_seconds(), now - LONGEST_WAIT.total_seconds()
        return cls(
            max(since, earliest) if since is not None and since <= latest else earliest,
            said if said is not None and said <= now else latest,
        )

    @property
    def text(self) -> str:
        return json.dumps({"since": int(self.since), "said": int(self.said)})


class _Tick:
    """Reads what is stored, then how much runs in Airbyte, and asks for a run. In this order: what
    a run had started by the first look, Airbyte lists at the second."""

    def __init__(self, context: dg.SensorEvaluationContext, resource_key: str, job: str) -> None:
        workspace = workspace_resource(context.resources, resource_key)
        self.context, self.log, self.job = context, context.log, job
        self.client, self.budget = workspace.get_client(), TimeBudget(tick_seconds())
        self.repository, self.now = repository_of(context), float(tick_basics.now_seconds())
        self.memory = _Memory.of(context.cursor, self.now)
        # Given by its name, it could not be looked at before.
        _refuse_without_places(self.repository.get_job(job))
        origin = context.code_location_origin
        location = origin.location_name if origin is not None else ""
        self.name = QueueName(self.client.settings.scope, resource_key, location)

    def result(self) -> dg.SensorResult:
        queue = self.queue
        self._say_expired(queue)
        requests = self._again()
        if not queue.due(self.now):
            line = places_line(queue, None, {}) if queue.waiting or queue.coming else _NOTHING
            return self._end(line, requests)
        busy = self._busy(max(wait.places for waits in queue.waiting.values() for wait in waits))
        starts = chosen(queue, busy, self.now)
        if starts:
            requests.append(self._request(starts))
        return self._end(places_line(queue, busy, starts), requests)

    @cached_property
    def stored(self) -> StoredQueue:
        return read_queue(self.context.instance, self.name, utc(self.memory.since), self.now)

    @cached_property
    def queue(self) -> Queue:
        waits = (wait for run in self.stored.waiting for wait in run.waits)
        mine = [each for each in waits if each.is_in(self.name, self.repository.has_job)]
        return queue_of(map(self._with_places_now, mine), self.stored.starts, self.now)

    def _with_places_now(self, wait: Wait) -> Wait:
        """As many places as its job has now, which may have been loaded anew since."""
        places = self._places_now.get(wait.job_name)
        if wait.job_name not in self._places_now and self.repository.has_job(wait.job_name):
            tags = self.repository.get_job(wait.job_name).tags
            places = self._places_now[wait.job_name] = as_int(tags.get(keys.MAX_RUNNING))
        return wait.with_places(places) if places else wait

    @cached_property
    def _places_now(self) -> dict[str, int | None]:
        return {}

    def _busy(self, enough: int) -> Busy:
        try:
            found = self.client.busy_connections(enough, self.budget)
        except AirbyteError as error:
            raise tick_failed(self.context, error, _LAST) from None
        return Busy(found.ids, found.unreadable)

    def _request(self, starts: Mapping[str, Sequence[Wait]]) -> dg.RunRequest:
        return dg.RunRequest(
            run_key=run_key_of(starts, self.queue),
            run_config={"ops": {f"{self.job}_op": {"config": config_of(starts)}}},
            tags=self.name.tags,
        )

    def _again(self) -> list[dg.RunRequest]:
        """Runs that this sensor has asked for and that Dagster has created, but not submitted."""
        mine = (
            run
            for run in self.stored.unsubmitted
            if run.tags.get("dagster/sensor_name") == self.context.sensor_name
            and run.job_name == self.job
        )
        return [
            dg.RunRequest(
                run_key=run.tags.get("dagster/run_key"),
                run_config=run.run_config,
                tags=self.name.tags,
            )
            for run in mine
        ]

    def _say_expired(self, queue: Queue) -> None:
        for wait in queue.expired:
            if self.memory.said < wait.until:
                self.log.warning(
                    "%s has waited for a place for %s and will not be started (run %s)",
                    wait,
                    duration_text(utc(wait.until) - utc(wait.since)),
                    wait.run_id,
                )

    def _end(self, line: str, requests: list[dg.RunRequest]) -> dg.SensorResult:
        cursor = _Memory(self._since(), self.now).text
        if requests:
            self.log.info(line)
            return dg.SensorResult(run_requests=requests, cursor=cursor)
        return dg.SensorResult(skip_reason=line, cursor=cursor)

    def _since(self) -> float:
        """The creation of the oldest run of which something waits, or that still writes it down."""
        open_runs = self.queue.open_runs
        created = [
            run.created_at.timestamp()
            for run in self.stored.waiting
            if not run.is_finished or run.run_id in open_runs
        ]
        return min([*created, self.now]) - CLOCKS.total_seconds()
