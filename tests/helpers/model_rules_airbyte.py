"""What can happen in Airbyte, as rules of the model."""

from datetime import timedelta

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from dagster_airbyte_sync.testing import Fault, SimulatedConnection
from helpers.model_world import World

FAULTS = {
    "401": Fault.unauthorized(),
    "403": Fault.status(403),
    "404": Fault.status(404),
    "405": Fault.status(405),
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
REFUSALS = ("401", "403", "404", "405", "HTML")
PATHS = (
    None,
    "/jobs/list_for_workspaces",
    "/public/v1/jobs",
    "/connections",
    "/destinations",
    "/token",
    "/instance_configuration",
)
CONFIGURATION_API = "/api/v1/"
DESTINATION = "/destinations/"

which = st.integers(0, 7)
seconds = st.integers(0, 5)
ends = st.sampled_from(["succeed", "succeed", "succeed", "fail", "cancel"])


class AirbyteRules(RuleBasedStateMachine):
    world: World

    def connection(self, place: int) -> SimulatedConnection:
        return self.world.connections[place % len(self.world.connections)]

    def has_connections(self) -> bool:
        return bool(self.world.connections)

    def has_attended(self) -> bool:
        return bool(self.world.attended)

    # -- jobs -----------------------------------------------------------------------------------

    @precondition(has_connections)
    @rule(
        place=which,
        kind=st.sampled_from(["sync", "sync", "refresh", "clear", "reset"]),
        part=st.booleans(),
        rest=st.booleans(),
    )
    def a_job_starts(self, place: int, kind: str, part: bool, rest: bool) -> None:
        airbyte, connection = self.world.airbyte, self.connection(place)
        streams = [stream.key for stream in connection.selected_streams[:1]] if part else None
        if kind == "clear":
            airbyte.start_clear(connection, streams)
        elif kind == "reset":
            airbyte.start_reset(connection, streams)
        elif self.world.can_sync(connection):
            if kind == "sync":
                airbyte.start_sync(connection)
            else:
                airbyte.start_refresh(connection, streams, rest=rest)

    @precondition(has_attended)
    @rule(
        place=which, rows=st.integers(0, 3), late=st.sampled_from([0, 0, 0, 1, 4, 9]), wait=seconds
    )
    def a_job_succeeds(self, place: int, rows: int, late: int, wait: int) -> None:
        self.world.airbyte.advance(wait)
        if attended := self.world.attended:
            job = attended[place % len(attended)]
            self.world.airbyte.succeed(job, rows=rows)
            if late:
                self.world.airbyte.commit_late(job, by=timedelta(minutes=late))

    @precondition(has_attended)
    @rule(place=which, end=st.sampled_from(["fail", "cancel", "fail_attempt"]), wait=seconds)
    def a_job_goes_wrong(self, place: int, end: str, wait: int) -> None:
        job = self.world.attended[place % len(self.world.attended)]
        self.world.airbyte.advance(wait)
        if end != "fail_attempt":
            self.world.end(job, end)
        elif job.status != "incomplete":
            self.world.airbyte.fail_attempt(job)

    @precondition(has_connections)
    @rule(place=which, times=st.integers(1, 2), wait=seconds)
    def syncs_begin_and_end_between_two_ticks(self, place: int, times: int, wait: int) -> None:
        connection = self.connection(place)
        for _ in range(times):
            if self.world.can_sync(connection):
                self.world.airbyte.run_sync(connection, rows=1)
            self.world.airbyte.advance(wait)

    @precondition(has_connections)
    @rule(places=st.sets(which, min_size=1), times=st.integers(1, 4), how=ends)
    def jobs_end_in_one_second(self, places: set[int], times: int, how: str) -> None:
        ids = sorted({self.connection(place).connection_id for place in places})
        chosen = [each for each in self.world.connections if each.connection_id in ids]
        self.world.end_in_one_second(chosen, times, how)

    @precondition(has_connections)
    @rule(place=which, failing=st.integers(0, 1), outcome=st.sampled_from(["succeeded", "failed"]))
    def the_next_sync_will_go_wrong(self, place: int, failing: int, outcome: str) -> None:
        self.world.airbyte.plan(
            self.connection(place),
            failing_attempts=failing,
            outcome="failed" if outcome == "failed" else "succeeded",
        )

    @rule(count=st.sampled_from([1, 40, 5000]))
    def other_workspaces_use_numbers(self, count: int) -> None:
        self.world.airbyte.skip_job_ids(count)

    @rule(by=st.sampled_from([1, 15, 60, 400, 1500, 4000, 20_000]))
    def time_passes(self, by: int) -> None:
        self.world.airbyte.advance(by)

    # -- connections ----------------------------------------------------------------------------

    @precondition(lambda self: len(self.world.connections) < 4)
    @rule(streams=st.integers(1, 8))
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
    @rule(place=which, streams=st.integers(1, 8))
    def a_connection_gains_or_loses_streams(self, place: int, streams: int) -> None:
        self.world.change_streams(self.connection(place), streams)

    @precondition(has_connections)
    @rule(place=which)
    def a_stream_that_is_gone_is_cleared(self, place: int) -> None:
        connection = self.connection(place)
        if gone := self.world.streams_gone(connection):
            self.world.airbyte.run_clear(connection, gone[:1])

    # -- the server -----------------------------------------------------------------------------

    @rule()
    def airbyte_restarts(self) -> None:
        self.world.airbyte.restart()

    @rule(
        ago=st.sampled_from([10, 90, 600, 3600, 12 * 3600]),
        fail_unfinished=st.sampled_from([True, True, False]),
    )
    def airbyte_is_restored(self, ago: int, fail_unfinished: bool) -> None:
        self.world.restore(timedelta(seconds=ago), fail_unfinished=fail_unfinished)

    @precondition(lambda self: not self.world.has_unnamed_runs)
    @rule(by=st.sampled_from([-3600, -600, -90, -5, 5, 90, 600, 3600]))
    def the_clock_is_set(self, by: int) -> None:
        self.world.set_clock(timedelta(seconds=by))

    @rule(
        kind=st.sampled_from(sorted(FAULTS)), path=st.sampled_from(PATHS), times=st.integers(1, 4)
    )
    def something_is_wrong_with_airbyte(self, kind: str, path: str | None, times: int) -> None:
        self.world.add_fault(FAULTS[kind], path, times)

    @rule(
        kind=st.sampled_from(REFUSALS),
        path=st.sampled_from([CONFIGURATION_API, DESTINATION]),
        times=st.sampled_from([3, 12, 40]),
    )
    def airbyte_refuses_for_a_while(self, kind: str, path: str, times: int) -> None:
        self.world.add_fault(FAULTS[kind], path, times)

    @rule()
    def airbyte_is_well_again(self) -> None:
        self.world.airbyte.clear_faults()

    @rule()
    def tokens_die(self) -> None:
        self.world.airbyte.expire_tokens()
