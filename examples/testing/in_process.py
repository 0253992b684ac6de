"""What Dagster's daemon does, in one process and without waiting."""

from dataclasses import dataclass, field

import dagster as dg

from dagster_airbyte_sync import AirbyteWorkspace

AssetEvent = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation


@dataclass
class Tick:
    """What a tick has reported, and the runs it has asked for."""

    reported: list[AssetEvent]
    requested: list[dg.RunRequest]


@dataclass
class Deployment:
    """Definitions, and an instance that knows what has happened."""

    airbyte: AirbyteWorkspace
    defs: dg.Definitions
    instance: dg.DagsterInstance
    cursors: dict[str, str | None] = field(default_factory=dict)

    def tick(self, sensor: str = "airbyte_sync_sensor") -> Tick:
        """What happens every 30 seconds."""
        repository = self.defs.get_repository_def()
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(sensor),
            repository_def=repository,
            sensor_name=sensor,
            resources={"airbyte": self.airbyte},
        ) as context:
            done = repository.get_sensor_def(sensor).evaluate_tick(context)
        for event in done.asset_events:
            self.instance.report_runless_asset_event(event)
        self.cursors[sensor] = done.cursor
        return Tick(list(done.asset_events), list(done.run_requests or ()))

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """A run that a tick has asked for: of a job, or of some assets."""
        job = (
            self.defs.resolve_job_def(request.job_name)
            if request.job_name
            else self.defs.resolve_implicit_global_asset_job_def()
        )
        return job.execute_in_process(
            instance=self.instance, tags=request.tags, asset_selection=request.asset_selection
        )
