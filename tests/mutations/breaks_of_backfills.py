"""What guards backfills of past syncs, beside the sensor. See `test_every_guard_is_needed.py`."""

from helpers.breaks import Break

BESIDE = "tests/sensors/past/test_a_backfill_beside_the_sensor.py::"
ALONE = "tests/sensors/past/test_one_backfill_at_a_time.py::"
COMMAND = "tests/command_line/test_backfill_command.py::"
ANEW = f"{BESIDE}test_the_sensor_does_not_report_what_a_backfill_noted_though_it_starts_anew"

OF_BACKFILLS = (
    Break(
        "2: a backfill takes no table back",
        "assets/events/sync_events.py:events_of",
        "if is_past and not ledger.is_after_last(share.table.key, sync.job):",
        "if False:",
        f"{BESIDE}test_what_is_older_than_the_last_report_is_an_observation_with_the_same_metadata",
        is_slow=True,
    ),
    Break(
        "1: what a backfill has noted is not reported by the sensor",
        "assets/events/owed.py:_Fresh._is_reported",
        "is_reported = self._is_noted(table)",
        "is_reported = False",
        f"{ANEW}[2]",
        is_slow=True,
    ),
    Break(
        "1: nor on a wide connection",
        "assets/events/owed.py:_Fresh._look_for_notes",
        "self.stored |= {table.key for table in tables[:first]}",
        "pass",
        f"{ANEW}[60]",
        is_slow=True,
    ),
    Break(
        "no run follows what a backfill has noted",
        "sensors/decide.py:_is_ours",
        "if reporter is None and any(known.ledger.is_noted(t.key, job) for t in tables):",
        "if False:",
        f"{ANEW}[2]",
        is_slow=True,
    ),
    Break(
        "1: a backfill leaves to a live run what it is about to report",
        "sensors/past/backfill.py:Backfill._inputs",
        "live_runs = read_live_runs(self._instance, {table.key for table in concerned})",
        "live_runs = []",
        f"{BESIDE}test_what_a_live_run_is_about_to_report_is_left_to_it",
        is_slow=True,
    ),
    Break(
        "1: a backfill looks for the sensor before each batch",
        "sensors/past/backfill.py:Backfill.store.store",
        "before_each_batch()",
        "pass",
        f"{BESIDE}test_a_sensor_that_is_started_meanwhile_stops_it_and_another_call_goes_on",
        is_slow=True,
    ),
    Break(
        "1: no backfill while the sensor runs",
        "src/dagster_airbyte_sync/cli/past/stored_sensor.py:StoredSensor.refuse_running",
        "if activity is Activity.ON:",
        "if False:",
        f"{COMMAND}test_it_refuses_while_the_sensor_runs_and_says_how_to_stop_it",
        is_slow=True,
    ),
    Break(
        "1: no backfill where the sensor is on in one code location and off in another",
        "src/dagster_airbyte_sync/cli/past/stored_sensor.py:StoredSensor.refuse_running",
        "if activity is Activity.UNKNOWN:",
        "if False:",
        f"{COMMAND}test_on_in_one_code_location_and_off_in_another_it_refuses_until_one_is_named"
        "[backfill]",
        is_slow=True,
    ),
    Break(
        "1: no backfill while the last tick of a stopped sensor is being stored",
        "src/dagster_airbyte_sync/cli/past/stored_sensor.py:StoredSensor.activity",
        "is_ticking = self._has_daemon() and self._is_ticking()",
        "is_ticking = False",
        f"{COMMAND}test_it_waits_for_the_last_tick_of_a_sensor_that_was_stopped",
        is_slow=True,
    ),
    Break(
        "1: a sensor that is on by default and was never stored counts as running",
        "src/dagster_airbyte_sync/cli/past/stored_sensor.py:StoredSensor.activity",
        "{is_on for _, is_on, _ in self._states()} or {self._is_on_by_default}",
        "{is_on for _, is_on, _ in self._states()}",
        f"{COMMAND}test_it_refuses_while_the_sensor_runs_and_says_how_to_stop_it",
        is_slow=True,
    ),
    Break(
        "1: of two backfills that start at once one gives way",
        "sensors/past/one_at_a_time.py:OneAtATime.claimed",
        "self._refuse_rivals()",
        "pass",
        f"{ALONE}test_of_those_that_start_at_once_one_runs",
        is_slow=True,
    ),
    Break(
        "... and one alone",
        "sensors/past/one_at_a_time.py:OneAtATime._refuse_rivals",
        "if others and first < self._own.owner:",
        "if False:",
        f"{ALONE}test_of_two_that_see_each_other_one_gives_way_at_once",
        is_slow=True,
    ),
    Break(
        "a backfill that was killed keeps none from running",
        "sensors/past/one_at_a_time.py:OneAtATime.refuse_others",
        "self._delete(claim)",
        "pass",
        f"{ALONE}test_one_that_was_killed_is_waited_for_and_then_forgotten",
        is_slow=True,
    ),
    Break(
        "1: a backfill that others take for dead does not come back",
        "sensors/past/one_at_a_time.py:OneAtATime._go_on_saying",
        "while not is_over.wait(_BEAT) and not self._is_lost():",
        "while not is_over.wait(_BEAT):",
        f"{ALONE}test_one_that_cannot_say_that_it_goes_on_ends_before_another_begins",
        is_slow=True,
    ),
    Break(
        "1: ... and stores nothing more",
        "sensors/past/backfill.py:Backfill.store.store",
        "before_each()",
        "pass",
        "tests/command_line/test_two_backfills.py::"
        "test_one_that_was_held_up_while_another_ran_stores_nothing_more",
        is_slow=True,
    ),
    Break(
        "where no daemon is seen, a backfill asks first, and with --yes says so",
        "src/dagster_airbyte_sync/cli/past/stored_sensor.py:StoredSensor.may_be_off",
        "if self.activity() is not Activity.NO_DAEMON:",
        "if True:",
        f"{COMMAND}test_with_yes_it_says_that_the_sensor_is_on_where_no_daemon_is_seen",
        is_slow=True,
    ),
)
