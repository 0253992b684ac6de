"""What guards the sensor for failures. See `test_every_guard_is_needed.py`."""

from helpers.breaks import Break

TESTS = "tests/sensors/failures"

OF_FAILURES = (
    Break(
        "a failure that was started for is known by its number and creation",
        "sensors/failures/asking.py:Asking.takes",
        'key = f"airbyte:{self.workspace_id}:{held.kind.value}:{job.ref.name}"',
        'key = f"airbyte:{self.workspace_id}:{held.kind.value}:{job.id}"',
        f"{TESTS}/test_once_for_each_failure.py",
    ),
    Break(
        "a backlog that takes many ticks is one run",
        "sensors/failures/held.py:due",
        "is_all = is_complete or bool(gathered.left)",
        "is_all = True",
        f"{TESTS}/test_backlogs_of_failures.py",
    ),
    Break(
        "what is held is started for after ten minutes",
        "sensors/failures/held.py:due",
        "is_all or not 0 <= now - each.since < LONGEST_HOLD",
        "is_all",
        f"{TESTS}/test_backlogs_of_failures.py",
    ),
    Break(
        "what no later tick reads again is kept",
        "sensors/failures/failure_cursor.py:FailureCursor.to_text",
        "_pack_held(self.held.values())",
        '""',
        f"{TESTS}/test_backlogs_of_failures.py",
    ),
    Break(
        "jobs for which a cursor has no room are left in the history",
        "sensors/failures/failure_tick.py:_Tick._moved",
        "decision = Decision(left=gathered.left)",
        "decision = Decision()",
        f"{TESTS}/test_backlogs_of_failures.py",
    ),
    Break(
        "of what went well the cursor has no names",
        "sensors/failures/failure_tick.py:_Tick._moved",
        "return replace(moved, done=moved.done - went_well)",
        "return moved",
        f"{TESTS}/test_once_for_each_failure.py",
    ),
    Break(
        "a connection is late once, until it syncs again",
        "sensors/failures/looking.py:Look.after",
        "self.marks | {each.mark for each in taken}",
        "self.marks",
        f"{TESTS}/test_late_connections.py",
    ),
    Break(
        "a connection that is paused is not late",
        "sensors/failures/connections.py:Connections.is_active",
        "return connection is not None and connection.is_active",
        "return connection is not None",
        f"{TESTS}/test_late_connections.py",
    ),
    Break(
        "a pause since the list of connections was read counts",
        "sensors/failures/connections.py:Connections.refresh",
        "self._known.clear()",
        "pass",
        f"{TESTS}/test_late_connections.py",
    ),
    Break(
        "a sensor that was off lets the other one catch up before it looks",
        "sensors/failures/late.py:next_look",
        "was_off = now - planned > max(_FIRST_WAIT, 3 * interval)",
        "was_off = False",
        f"{TESTS}/test_late_connections.py",
    ),
    Break(
        "a request that Dagster would refuse costs only itself",
        "sensors/failures/starting.py:RunMaker._checked",
        "self._runnable.check(request)",
        "pass",
        f"{TESTS}/test_what_is_started.py",
    ),
    Break(
        "a text that Dagster cannot store is no tag",
        "sensors/run_requests/arrival.py:tag_text",
        'whole = text.replace("\\x00", "")',
        "whole = text",
        f"{TESTS}/test_failures_start_a_run.py",
    ),
)
