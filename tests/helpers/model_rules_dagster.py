"""What can happen in Dagster, as rules of the model."""

from typing import get_args

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule

from dagster_airbyte_sync.assets.asked.run_config import RunMode
from dagster_airbyte_sync.resources import OnActiveSync
from helpers.model_rules_airbyte import AirbyteRules, seconds, which
from helpers.model_score import SCORE
from helpers.model_world import BETWEEN, SENSORS

EDITED = (None, "", "{", "[]", "null", '{"v":0}', '{"v":2,"since":"2020-01-01"}', '{"v":1}')
FOREIGN = '{"v":2,"workspace":"another","begin":"2026-01-01","since":"2026-01-01"}'

sensors = st.sampled_from(SENSORS)
# Syncs more often, as in life.
modes = st.sampled_from((*get_args(RunMode), "sync", "sync"))


class DagsterRules(AirbyteRules):
    def has_live_runs(self) -> bool:
        return bool(self.world.live_runs)

    def has_whole_runs(self) -> bool:
        return bool(self.world.whole_runs)

    def has_room_for_runs(self) -> bool:
        return self.has_connections() and len(self.world.live_runs) < 3

    # -- the sensors ----------------------------------------------------------------------------

    @rule(sensor=sensors)
    def a_sensor_ticks(self, sensor: str) -> None:
        self.world.tick(sensor)

    @rule(sensor=sensors, stored=st.integers(0, 6), noted=st.booleans())
    def the_daemon_dies_in_a_tick(self, sensor: str, stored: int, noted: bool) -> None:
        self.world.tick(sensor, stored=stored, noted=noted)

    @rule(sensor=sensors)
    def a_tick_takes_too_long_and_is_thrown_away(self, sensor: str) -> None:
        self.world.evaluate(sensor)

    @precondition(has_live_runs)
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
        awake = [each for each in self.world.live_runs if not self.world.hangs(each)]

        def meanwhile() -> None:
            for _ in range(turns if awake else 0):
                awake[run % len(awake)].turn(step)

        self.world.tick(sensor, meanwhile={point: meanwhile})

    @rule(sensor=sensors, cursor=st.sampled_from([*EDITED, FOREIGN]))
    def a_cursor_is_lost_or_edited(self, sensor: str, cursor: str | None) -> None:
        self.world.cursors[sensor] = cursor

    # -- the code location ----------------------------------------------------------------------

    @precondition(AirbyteRules.has_connections)
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

    # -- the runs -------------------------------------------------------------------------------

    @precondition(has_room_for_runs)
    @rule(
        places=st.sets(which, min_size=1, max_size=2),
        cancels=st.booleans(),
        on_active_sync=st.sampled_from(get_args(OnActiveSync)),
        mode=modes,
    )
    def a_run_is_created(
        self, places: set[int], cancels: bool, on_active_sync: OnActiveSync, mode: RunMode
    ) -> None:
        ids = {self.connection(place).connection_id for place in places}
        self.world.start_run(
            ids, cancel_on_termination=cancels, on_active_sync=on_active_sync, mode=mode
        )

    @precondition(has_room_for_runs)
    @precondition(lambda self: not self.world.clock_was_set)
    @rule(place=which)
    def a_run_of_dagster_airbyte_is_created(self, place: int) -> None:
        self.world.start_unnamed_run({self.connection(place).connection_id})

    @precondition(has_live_runs)
    @rule(run=which, step=st.integers(0, 1), turns=st.integers(1, 12), wait=seconds)
    def a_run_goes_on(self, run: int, step: int, turns: int, wait: int) -> None:
        for _ in range(turns):
            if live := self.world.live_runs:
                live[run % len(live)].turn(step)
        self.world.airbyte.advance(wait)

    @precondition(has_live_runs)
    @rule(run=which, step=st.integers(0, 1))
    def a_run_stops_in_the_midst_of_its_report(self, run: int, step: int) -> None:
        live = self.world.live_runs
        self.world.go_on_to_next_event(live[run % len(live)], step)

    @precondition(has_live_runs)
    @rule(run=which, storing=st.booleans())
    def a_run_dies(self, run: int, storing: bool) -> None:
        live = self.world.live_runs
        live[run % len(live)].die(storing=storing)
        SCORE.crashes += 1

    @precondition(has_whole_runs)
    @rule(run=which)
    def only_the_main_process_of_a_run_dies(self, run: int) -> None:
        whole = self.world.whole_runs
        whole[run % len(whole)].lose_parent()
        SCORE.crashes += 1
        SCORE.orphans += 1

    @precondition(lambda self: bool(self.world.lost_runs))
    @rule()
    def dead_runs_are_found(self) -> None:
        for run in self.world.lost_runs:
            run.is_found_dead()

    @precondition(has_whole_runs)
    @rule(run=which, how=st.sampled_from(["failed", "canceled"]))
    def a_run_is_marked_as_over_while_it_lives(self, run: int, how: str) -> None:
        whole = self.world.whole_runs
        whole[run % len(whole)].mark_as_over(how)
        SCORE.orphans += 1

    @precondition(has_whole_runs)
    @rule(run=which)
    def a_run_is_terminated(self, run: int) -> None:
        whole = self.world.whole_runs
        whole[run % len(whole)].terminate()
