"""A simulated Airbyte, a Dagster instance, a code location and its runs: one history."""

import time
from datetime import timedelta

import dagster as dg

from dagster_airbyte_sync.assets.asked.run_config import RunMode
from dagster_airbyte_sync.assets.sync.follow import PollOptions
from dagster_airbyte_sync.resources import AirbyteClient, OnActiveSync
from helpers.model_airbyte import Kind
from helpers.model_deployment import BETWEEN, SENSORS, Deployment, identity_in
from helpers.model_jobs import connection_key, id_of
from helpers.model_runs import SteppedRun
from helpers.model_score import SCORE
from helpers.model_steps import StepWork
from helpers.model_unnamed import UnnamedWork

# A step that has not moved for longer may find its sync reported in its place, `hold_limit` after
# it should have: it must not wake up in the midst of the very tick that does so.
_HANGING = 50 * 60.0
# So many of the last ticks in a row are cut as short as all before; the rest is only to be done.
_TICKS_CUT_SHORT = 12
# Longer than the sensor waits for the step of a run that is over.
_GRACE = 45.0


class World(Deployment):
    """One history. Everything in it is reported to `truth`, which judges at once."""

    def __init__(self, kind: Kind | None = None) -> None:
        super().__init__(kind or Kind())
        self.runs: list[SteppedRun] = []
        self.has_unnamed_runs = False

    def close(self) -> None:
        for run in self.runs:
            run.die()
        super().close()

    # -- the runs -------------------------------------------------------------------------------

    @property
    def live_runs(self) -> list[SteppedRun]:
        """Those of which something may still move."""
        return [run for run in self.runs if run.is_live]

    @property
    def whole_runs(self) -> list[SteppedRun]:
        """Those that are alive in Dagster's eyes, too."""
        return [run for run in self.live_runs if not run.is_over and not run.has_lost_parent]

    @property
    def lost_runs(self) -> list[SteppedRun]:
        """Dead, but Dagster does not know."""
        return [run for run in self.runs if run.is_lost]

    def hangs(self, run: SteppedRun) -> bool:
        """Whether the sensor may be about to report in its place."""
        return self._seconds() - run.last_turn > _HANGING

    def start_run(
        self,
        connection_ids: set[str],
        *,
        cancel_on_termination: bool,
        on_active_sync: OnActiveSync,
        mode: RunMode = "sync",
    ) -> None:
        work = StepWork(
            AirbyteClient(self.workspace.settings(), clock=self._seconds, sleep=lambda _: None),
            PollOptions(
                interval=0,
                timeout=None,
                cancel_on_termination=cancel_on_termination,
                on_active_sync=on_active_sync,
                clock=self._seconds,
            ),
            lambda event: self.note(event, is_noted=not any(run.is_dying for run in self.runs)),
            config={"mode": mode, "keep_records": True, "confirm": True},
            on_noted=self._note_clear,
        )
        self._launch(connection_ids, work)

    def _note_clear(self, event: dg.AssetObservation) -> None:
        """A run has reported a clear."""
        which = identity_in(event)
        assert which is not None
        self.truth.note_once("observation", event.asset_key.to_user_string(), which)

    def start_unnamed_run(self, connection_ids: set[str]) -> None:
        """A run that does not say which job it reports, as those of dagster-airbyte."""
        self.has_unnamed_runs = True
        unnamed = UnnamedWork()
        client = AirbyteClient(self.workspace.settings(), clock=self._seconds, sleep=lambda _: None)
        options = PollOptions(0, None, False, "fail", clock=self._seconds)
        begun = self.clock.real

        def note(event: dg.AssetMaterialization) -> None:
            table = event.asset_key.to_user_string()
            self.truth.note_unnamed(table, unnamed.jobs[id_of(connection_key(table))], begun)

        self._launch(connection_ids, StepWork(client, options, note, unnamed, pauses=False))

    def _launch(self, connection_ids: set[str], work: StepWork) -> None:
        if not self.is_loaded:
            return
        found = {
            id(assets): assets
            for key, assets in self.repository.assets_defs_by_key.items()
            if assets.is_executable
            and id_of(connection_key(key.to_user_string())) in connection_ids
        }
        if found:
            SCORE.runs += 1
            job = self.repository.get_implicit_global_asset_job_def()
            self.runs.append(SteppedRun(self.instance, job, list(found.values()), work))
            self.truth.checks_are_planned(
                key.to_user_string() for assets in found.values() for key in assets.keys
            )

    def _seconds(self) -> float:
        return self.clock.real.timestamp()

    def go_on_to_next_event(self, run: SteppedRun, step: int) -> None:
        """Let the run go on until it has reported a table of its sync, if it does soon."""
        before = len(self.truth.reports)
        for _ in range(30):
            run.turn(step)
            if not run.is_live or len(self.truth.reports) > before:
                return
            self.airbyte.advance(2)

    # -- at rest --------------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """Everything ends well: no more faults, each run and each job ends, sensors catch up."""
        self.airbyte.clear_faults()
        self.broken.clear()
        if not self.is_loaded:
            self.load()
        self._end_jobs_and_runs()
        self.airbyte.advance(timedelta(minutes=20))
        self._catch_up()
        self.truth.check_nothing_is_lost()
        self._check_the_event_log()

    def _end_jobs_and_runs(self) -> None:
        give_up = time.monotonic() + 60
        while self.live_runs or self.attended:
            assert time.monotonic() < give_up, "a run does not end"
            for job in self.attended:
                self.airbyte.progress()
                self.airbyte.succeed(job)
            self.airbyte.advance(5)
            for run in self.live_runs:
                run.turn()
        for run in self.lost_runs:
            run.is_found_dead()

    def _catch_up(self) -> None:
        """Ticks until nothing is reported for three rounds: in one a connection that could not be
        read is brought back, and then its job may have to wait for a run that is over."""
        quiet = 0
        for _ in range(60):
            reported = [self._has_reported(sensor) for sensor in SENSORS]
            quiet = 0 if any(reported) else quiet + 1
            if quiet == 3:
                return
            self.airbyte.advance(_GRACE)
        raise AssertionError("the sensors do not come to rest")

    def _has_reported(self, sensor: str) -> bool:
        """Tick until a tick reports nothing more; whether any did report something."""
        for number in range(200):
            if number == _TICKS_CUT_SHORT:
                self.most_events = 250
            result = self.tick(sensor)
            assert result is not None, (
                f"{sensor} fails although nothing is wrong any more:\n{self.last_problem}"
            )
            if not result.events:
                return number > 0
        raise AssertionError(f"{sensor} reports without end")

    def _check_the_event_log(self) -> None:
        """The tests' own record of what was stored is what Dagster really has."""
        for table in {report.table for report in self.truth.reports}:
            page = self.instance.fetch_materializations(dg.AssetKey(table), limit=10_000)
            found = [record.asset_materialization for record in reversed(page.records)]
            stored = [identity_in(each) for each in found if each]
            reports = [each for each in self.truth.reports if each.table == table]
            assert stored == [each.identity if each.is_named else None for each in reports]


__all__ = ["BETWEEN", "SENSORS", "Kind", "World"]
