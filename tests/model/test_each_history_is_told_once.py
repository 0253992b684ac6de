"""Any history of Airbyte, told by any mixture of sensors and runs that may die, is told once.

`MODEL_SEED` (default 0) and `MODEL_EXAMPLES` choose which and how many histories are tried.
"""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import get_args

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dagster_airbyte_sync.resources import OnActiveSync
from dagster_airbyte_sync.testing import Fault, SimulatedConnection
from helpers.model_score import SCORE
from helpers.model_world import BETWEEN, SENSORS, World

SEED = int(os.environ.get("MODEL_SEED", "0"))
EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "40"))
STEPS = 50

FAULTS = {
    "401": Fault.unauthorized(),
    "403": Fault.status(403),
    "404": Fault.status(404),
    "409": Fault.status(409),
    "429": Fault.rate_limited(),
    "429, again at once": Fault.rate_limited(retry_after=0),
    "429, again in an hour": Fault.rate_limited(retry_after=3600),
    "500": Fault.status(500),
    "502": Fault.status(502, "Bad Gateway"),
    "HTML": Fault.html(),
    "half a JSON": Fault.half_json(),
    "slow": Fault.slow(0.02),
    "no answer in time": Fault.slow(0.55),
    "drop by drop": Fault.drip_headers(0.0005),
    "in gzip": Fault.gzipped(),
    "a wrong charset": Fault.wrong_charset(),
    "dropped": Fault.drop(),
    "dropped after it was done": Fault.drop_after(),
}
PATHS = (
    None,
    "/jobs/list_for_workspaces",
    "/public/v1/jobs",
    "/connections",
    "/destinations",
    "/token",
    "/instance_configuration",
)
EDITED = (None, "", "{", "[]", "null", '{"v":0}', '{"v":2,"since":"2020-01-01"}', '{"v":1}')
FOREIGN = '{"v":2,"workspace":"another","begin":"2026-01-01","since":"2026-01-01"}'

which = st.integers(0, 7)
sensors = st.sampled_from(SENSORS)
seconds = st.integers(0, 5)


class Histories(RuleBasedStateMachine):
    world: World

    @initialize(
        off=st.sampled_from([0, 0, 7, -7, 600]),
        streams=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    )
    def begin(self, off: int, streams: list[int]) -> None:
        self.world = World(clock_is_off=timedelta(minutes=off))
        for number in streams:
            self.world.add_connection(number)
        self.world.restart_code_server()
        self.world.airbyte.advance(1)
        SCORE.histories += 1

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.world.come_to_rest()
                SCORE.jobs += len(self.world.airbyte.jobs)
        finally:
            self.world.close()

    @invariant()
    def no_secret_is_printed(self) -> None:
        self.world.check_nothing_secret_was_printed()
        SCORE.steps += 1

    def connection(self, place: int) -> SimulatedConnection:
        return self.world.connections[place % len(self.world.connections)]

    def has_connections(self) -> bool:
        return bool(self.world.connections)

    # -- Airbyte --------------------------------------------------------------------------------

    @precondition(has_connections)
    @rule(
        place=which,
        kind=st.sampled_from(["sync", "sync", "refresh", "clear", "reset"]),
        part=st.booleans(),
    )
    def a_job_starts(self, place: int, kind: str, part: bool) -> None:
        airbyte, connection = self.world.airbyte, self.connection(place)
        streams = [stream.key for stream in connection.selected_streams[:1]] if part else None
        if kind == "clear":
            airbyte.start_clear(connection, streams)
        elif kind == "reset":
            airbyte.start_reset(connection, streams)
        elif connection.status == "active" and not self.world.is_busy(connection):
            if kind == "sync":
                airbyte.start_sync(connection)
            else:
                airbyte.start_refresh(connection, streams)

    @precondition(lambda self: bool(self.world.attended))
    @rule(
        place=which, rows=st.integers(0, 3), late=st.sampled_from([0, 0, 0, 1, 4, 9]), wait=seconds
    )
    def a_job_succeeds(self, place: int, rows: int, late: int, wait: int) -> None:
        job = self.world.attended[place % len(self.world.attended)]
        self.world.airbyte.advance(wait)
        self.world.airbyte.succeed(job, rows=rows)
        if late:
            self.world.airbyte.commit_late(job, by=timedelta(minutes=late))

    @precondition(lambda self: bool(self.world.attended))
    @rule(place=which, end=st.sampled_from(["fail", "cancel", "fail_attempt"]), wait=seconds)
    def a_job_goes_wrong(self, place: int, end: str, wait: int) -> None:
        airbyte = self.world.airbyte
        job = self.world.attended[place % len(self.world.attended)]
        airbyte.advance(wait)
        if end == "fail":
            airbyte.fail(job)
        elif end == "cancel":
            airbyte.cancel(job)
        elif job.status != "incomplete":
            airbyte.fail_attempt(job)

    @precondition(has_connections)
    @rule(place=which, times=st.integers(1, 2), wait=seconds)
    def syncs_begin_and_end_between_two_ticks(self, place: int, times: int, wait: int) -> None:
        connection = self.connection(place)
        for _ in range(times):
            if connection.status == "active" and not self.world.is_busy(connection):
                self.world.airbyte.run_sync(connection, rows=1)
            self.world.airbyte.advance(wait)

    @precondition(has_connections)
    @rule(place=which, failing=st.integers(0, 1), outcome=st.sampled_from(["succeeded", "failed"]))
    def the_next_sync_will_go_wrong(self, place: int, failing: int, outcome: str) -> None:
        self.world.airbyte.plan(
            self.connection(place),
            failing_attempts=failing,
            outcome="failed" if outcome == "failed" else "succeeded",
        )

    @rule(by=st.sampled_from([1, 15, 60, 400, 1500]))
    def time_passes(self, by: int) -> None:
        self.world.airbyte.advance(by)

    @precondition(lambda self: len(self.world.connections) < 4)
    @rule(streams=st.integers(1, 3))
    def a_connection_is_added(self, streams: int) -> None:
        self.world.add_connection(streams)

    @precondition(has_connections)
    @rule(place=which, to=st.sampled_from(["renamed", "inactive", "active", "deleted"]))
    def a_connection_changes(self, place: int, to: str) -> None:
        connection, airbyte = self.connection(place), self.world.airbyte
        if to == "renamed":
            airbyte.update_connection(connection, name=f"{connection.name}!")
        elif to == "deleted":
            airbyte.delete_connection(connection)
        else:
            airbyte.update_connection(connection, status="active" if to == "active" else "inactive")

    @precondition(has_connections)
    @rule(place=which, streams=st.integers(1, 4))
    def a_connection_gains_or_loses_streams(self, place: int, streams: int) -> None:
        connection = self.connection(place)
        key = connection.connection_id[:2]
        named = [f"{key}_{letter}" for letter in "abcd"[:streams]]
        self.world.truth.taken_away |= {stream.name for stream in connection.streams} - {*named}
        self.world.airbyte.update_connection(connection, streams=named)

    @rule(
        kind=st.sampled_from(sorted(FAULTS)), path=st.sampled_from(PATHS), times=st.integers(1, 4)
    )
    def something_is_wrong_with_airbyte(self, kind: str, path: str | None, times: int) -> None:
        self.world.add_fault(FAULTS[kind], path, times)

    @rule()
    def airbyte_is_well_again(self) -> None:
        self.world.airbyte.clear_faults()

    @rule()
    def tokens_die(self) -> None:
        self.world.airbyte.expire_tokens()

    # -- Dagster --------------------------------------------------------------------------------

    @rule(sensor=sensors)
    def a_sensor_ticks(self, sensor: str) -> None:
        self.world.tick(sensor)

    @rule(sensor=sensors, stored=st.integers(0, 6))
    def the_daemon_dies_in_a_tick(self, sensor: str, stored: int) -> None:
        self.world.tick(sensor, stored=stored)

    @rule(sensor=sensors)
    def a_tick_takes_too_long_and_is_thrown_away(self, sensor: str) -> None:
        self.world.evaluate(sensor)

    @precondition(lambda self: bool(self.world.live_runs))
    @rule(
        sensor=sensors,
        run=which,
        step=st.integers(0, 1),
        turns=st.integers(1, 8),
        point=st.sampled_from(BETWEEN),
    )
    def a_run_goes_on_within_a_tick(
        self, sensor: str, run: int, step: int, turns: int, point: str
    ) -> None:
        def meanwhile() -> None:
            self._turn(run, step, turns)

        self.world.tick(sensor, meanwhile={point: meanwhile})

    @rule(sensor=sensors, cursor=st.sampled_from([*EDITED, FOREIGN]))
    def a_bookmark_is_lost_or_edited(self, sensor: str, cursor: str | None) -> None:
        self.world.cursors[sensor] = cursor

    @precondition(has_connections)
    @rule(place=which, is_broken=st.booleans())
    def code_of_the_users_raises_for_a_connection(self, place: int, is_broken: bool) -> None:
        """Until it is mended, which is at rest at the latest."""
        connection_id = self.connection(place).connection_id
        if is_broken:
            self.world.broken.add(connection_id)
        else:
            self.world.broken.discard(connection_id)

    @rule()
    def the_code_server_restarts(self) -> None:
        self.world.restart_code_server()

    @rule()
    def the_catalog_is_read_again(self) -> None:
        self.world.catalog_grows_old()

    @precondition(lambda self: len(self.world.live_runs) < 3)
    @precondition(has_connections)
    @rule(
        places=st.sets(which, min_size=1, max_size=2),
        cancels=st.booleans(),
        on_active_sync=st.sampled_from(get_args(OnActiveSync)),
    )
    def a_run_is_created(
        self, places: set[int], cancels: bool, on_active_sync: OnActiveSync
    ) -> None:
        ids = {self.connection(place).connection_id for place in places}
        self.world.start_run(ids, cancel_on_termination=cancels, on_active_sync=on_active_sync)

    @precondition(lambda self: bool(self.world.live_runs))
    @rule(run=which, step=st.integers(0, 1), turns=st.integers(1, 12), wait=seconds)
    def a_run_goes_on(self, run: int, step: int, turns: int, wait: int) -> None:
        self._turn(run, step, turns)
        self.world.airbyte.advance(wait)

    @precondition(lambda self: bool(self.world.live_runs))
    @rule(run=which, step=st.integers(0, 1))
    def a_run_stops_in_the_midst_of_its_report(self, run: int, step: int) -> None:
        live = self.world.live_runs
        self.world.go_on_to_next_event(live[run % len(live)], step)

    def _turn(self, place: int, step: int, turns: int) -> None:
        for _ in range(turns):
            if self.world.live_runs:
                self.world.live_runs[place % len(self.world.live_runs)].turn(step)

    @precondition(lambda self: bool(self.world.live_runs))
    @rule(run=which)
    def a_run_dies(self, run: int) -> None:
        self.world.live_runs[run % len(self.world.live_runs)].die()
        SCORE.crashes += 1

    @precondition(lambda self: bool(self.world.dead_runs))
    @rule()
    def dead_runs_are_found(self) -> None:
        for run in self.world.dead_runs:
            run.is_found_dead()

    @precondition(lambda self: bool(self.world.live_runs))
    @rule(run=which)
    def a_run_is_terminated(self, run: int) -> None:
        self.world.live_runs[run % len(self.world.live_runs)].terminate()


def test_each_history_is_told_once_and_in_order(
    record_property: Callable[[str, object], None],
) -> None:
    try:
        run_state_machine_as_test(
            seed(SEED)(Histories),
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
                report_multiple_bugs=False,
                print_blob=False,
            ),
        )
    finally:
        record_property("measured", f"{SCORE.line()} (MODEL_SEED={SEED})")
