"""Lines that see to it that what follows a sync starts once, at the right moment."""

from helpers.breaks import Break

_MADE_UP = "tests/sensors/follow/test_runs_after_made_up_histories.py"
_ALL = "tests/sensors/follow/test_one_run_for_all_that_is_reported.py"
_ROWS = "tests/sensors/follow/test_only_syncs_that_moved_rows.py"
_PARTITIONS = "tests/sensors/follow/test_partitions_in_time.py"

OF_RUNS = [
    Break(
        "while history is read runs wait",
        "sensors/runs_that_follow.py:RunsThatFollow._together",
        "up_to = None if is_read or not may_wait else read_up_to",
        "up_to = None",
        f"{_ALL}::test_a_week_of_hourly_syncs_requests_one_run_when_the_last_is_reported",
        is_slow=True,
    ),
    Break(
        "... but not for ever",
        "sensors/runs_that_follow.py:RunsThatFollow._together",
        "may_wait = now - since < LONGEST_WAIT.total_seconds() and len(first) <= MOST_WAITING",
        "may_wait = len(first) <= MOST_WAITING",
        f"{_ALL}::test_runs_wait_for_history_no_longer_than_a_quarter_of_an_hour",
        is_slow=True,
    ),
    Break(
        "what waited is not forgotten",
        "sensors/tick.py:_Tick.result",
        "moved = replace(moved.brought_back(back, now.dagster), runs=followed.waiting)",
        "moved = moved.brought_back(back, now.dagster)",
        f"{_ALL}::test_a_connection_that_synced_while_history_was_read_is_not_forgotten",
        is_slow=True,
    ),
    Break(
        "a run that is there already is not asked for again",
        "sensors/runs_that_follow.py:RunsThatFollow._together",
        "waiting is not None or not all(each.events for each in followed)",
        "False",
        f"{_ALL}::test_a_lost_cursor_starts_no_run_of_syncs_that_a_run_followed",
        is_slow=True,
    ),
    Break(
        "... nor for a sync before that which it followed",
        "sensors/run_requests/followed_before.py:_is_not_before",
        "followed.is_same(job) or job.precedes(followed)",
        "followed.is_same(job)",
        _MADE_UP,
        is_slow=True,
    ),
    Break(
        "a run key is of all syncs that the run follows",
        "sensors/run_requests/arrival.py:run_key_of",
        'return f"{key}+{sha256(names.encode()).hexdigest()[:16]}"',
        "return key",
        f"{_ALL}::test_a_run_key_is_of_all_syncs_and_not_of_the_newest_alone",
    ),
    Break(
        "a table that only an older job wrote does not count",
        "sensors/run_requests/waiting.py:Waited._counts",
        "job.precedes(first)",
        "False",
        f"{_ALL}::test_a_table_that_was_not_synced_while_history_was_read_starts_nothing",
        is_slow=True,
    ),
    Break(
        "an empty sync starts nothing",
        "sensors/runs_that_follow.py:RunsThatFollow._arrival",
        "counting &= {table.key for table in tables if moved_rows(job, table)}",
        "pass",
        f"{_ROWS}::test_only_what_depends_on_tables_with_rows_is_run",
        is_slow=True,
    ),
    Break(
        "... and hides no rows of a sync before it",
        "sensors/run_requests/waiting.py:Waited._counts",
        "return moved is None or not moved.precedes(first)",
        "return moved is None",
        f"{_ROWS}::test_nor_if_it_is_reported_in_a_later_tick_while_history_is_read",
        is_slow=True,
    ),
    Break(
        "a partition's run waits until its time is read",
        "sensors/run_requests/downstream.py:HistoryRead.is_due",
        "self.up_to is not None and window.ends_at > self.up_to",
        "False",
        f"{_PARTITIONS}::test_a_backlog_has_one_run_for_each_partition_and_each_but_once",
        is_slow=True,
    ),
    Break(
        "... and is asked for once",
        "sensors/run_requests/downstream.py:HistoryRead.is_due",
        "arrival.was_waiting and was_due",
        "False",
        f"{_PARTITIONS}::test_a_backlog_has_one_run_for_each_partition_and_each_but_once",
        is_slow=True,
    ),
    Break(
        "what cannot be run without config takes nothing with it",
        "sensors/run_requests/downstream.py:Downstream._checked",
        "kept = sorted(wanted - refused.keys())",
        "kept = sorted(wanted)",
        "tests/sensors/follow/test_downstream_runs.py::test_an_asset_that_needs_config_does_not_take_the_others_with_it",
        is_slow=True,
    ),
]
