"""What guards the sensor for failures. See `test_every_guard_is_needed.py`."""

from helpers.breaks import Break

TESTS = "tests/sensors/failures"

OF_FAILURES = (
    Break(
        "a failure that was started for is known by its number and creation",
        "sensors/failures/held.py:Held.key",
        'return f"{self.kind.value}:{self.job.ref.name}"',
        'return f"{self.kind.value}:{self.job.id}"',
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
        "of a connection's problems the one with the highest number stands for all",
        "sensors/failures/held.py:_after",
        "newest = job if job.id >= earlier.job.id else earlier.job",
        "newest = job if end_of(job) >= end_of(earlier.job) else earlier.job",
        f"{TESTS}/test_once_for_each_failure.py",
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
        "sensors/failures/failure_tick.py:_Tick._start_late",
        "quiet[each.mark] = until",
        "pass",
        f"{TESTS}/test_late_connections.py",
    ),
    Break(
        "a connection that is paused is not late",
        "sensors/failures/connections.py:Connections.is_active",
        "return listed is not None and listed.is_active",
        "return listed is not None",
        f"{TESTS}/test_late_connections.py",
    ),
    Break(
        "a pause since the list of connections was read counts",
        "sensors/failures/connections.py:Connections.refresh",
        "self._catalog = self._client.catalog(self._budget, fresh=True)",
        "self._catalog = self._client.catalog(self._budget)",
        f"{TESTS}/test_late_connections.py",
    ),
    Break(
        "a sensor that was off lets the other one catch up before it looks",
        "sensors/failures/late.py:next_look",
        "if planned is None or now - planned > max(CATCH_UP, 3 * interval):",
        "if planned is None:",
        f"{TESTS}/test_late_connections.py",
    ),
    Break(
        "a request that Dagster would refuse costs only itself",
        "sensors/failures/starting.py:Asking._checked",
        "self.runnable().check(request)",
        "pass",
        f"{TESTS}/test_what_is_started.py",
    ),
    Break(
        "a problem for which the user's function raised waits for it to be mended",
        "sensors/failures/starting.py:Asking.asks_for",
        "return False",
        "return True",
        f"{TESTS}/test_what_is_started.py",
    ),
    Break(
        "a function that raises is not asked for ever",
        "sensors/failures/starting.py:Asking._gives_up",
        "is_over = self.now - held.since >= ASK_AGAIN_FOR",
        "is_over = False",
        f"{TESTS}/test_what_is_started.py",
    ),
    Break(
        "what Airbyte has synced is not late where the sensor that reports syncs is off",
        "sensors/failures/late.py:recent_sync",
        "counts = job.wrote_tables or (job.type.writes_tables and not job.is_finished)",
        "counts = False",
        f"{TESTS}/test_late_connections.py",
    ),
    Break(
        "a sync that was too long ago makes no connection fresh",
        "sensors/failures/late.py:recent_sync",
        "airbyte_now - at <= limit",
        "True",
        f"{TESTS}/test_late_connections.py",
    ),
    Break(
        "where Airbyte gives no list, no connection is asked for by itself",
        "sensors/failures/connections.py:Connections._connection",
        "if self._catalog is None:",
        "if False:",
        f"{TESTS}/test_failures_start_a_run.py",
    ),
    Break(
        "a text that Dagster cannot store is no tag",
        "sensors/run_requests/arrival.py:tag_text",
        'whole = text.replace("\\x00", "")',
        "whole = text",
        f"{TESTS}/test_failures_start_a_run.py",
    ),
)
