"""What guards sensors that share the connections, and those that go on without a cursor."""

from helpers.breaks import Break

_SHARDS = "tests/sensors/test_shards.py::"
_RESHARDING = "tests/sensors/test_resharding.py::"
_LOST = "tests/sensors/test_lost_cursors.py::"
_MANY = "tests/sensors/test_look_ups_of_many_connections.py::"
_COMMANDS = "tests/command_line/test_sensors_that_share.py::"

OF_SHARDS = (
    Break(
        "a shard reports its own connections",
        "sensors/reading/scan.py:HistoryScan._take",
        "if not self._shard.has(job.connection_id):",
        "if False:",
        f"{_SHARDS}test_all_together_report_what_one_would_each_its_own_and_once",
    ),
    Break(
        "connections have the same shard in every process",
        "sensors/shard.py:Shard.has",
        "zlib.crc32(connection_id.encode())",
        "hash(connection_id)",
        f"{_SHARDS}test_it_is_the_same_in_every_process",
    ),
    Break(
        "what others report takes no room of the cursor",
        "sensors/cursor_advance.py:move",
        "own = (job_key(job) for job in read if job.connection_id not in scan.others)",
        "own = (job_key(job) for job in read)",
        f"{_SHARDS}test_what_others_report_moves_the_cursor_and_costs_no_look",
    ),
    Break(
        "a shard looks at how its own connections stand",
        "sensors/looks/look.py:Watch.look",
        "own = (table for table in every if self.shard.has(table.connection_id))",
        "own = iter(every)",
        f"{_SHARDS}test_each_looks_at_how_its_own_connections_stand",
    ),
    Break(
        "1: a sensor of another number of shards has no cursor",
        "sensors/shard.py:Shard.name",
        'f"{base}_{self.number}_of_{self.of}"',
        'f"{base}_{self.number}"',
        f"{_RESHARDING}test_a_change_while_one_of_them_has_caught_up_loses_nothing",
    ),
    Break(
        "1: without a cursor first syncs of an outage are reported",
        "sensors/cursor/resuming.py:Resuming.passes",
        "return job.ended_at < self.unreported_from",
        "return True",
        f"{_LOST}test_a_first_sync_that_came_in_the_outage_is_reported_too",
    ),
    Break(
        "1: ... also by a later tick",
        "sensors/cursor/cursor.py:Cursor.to_text",
        "self.unreported_from and self.unreported_from.isoformat()",
        "None",
        f"{_LOST}test_and_though_it_takes_several_ticks_to_come_to_it",
    ),
    Break(
        "... but none of before the time that the user has given",
        "sensors/tick.py:_Tick._first_syncs_from",
        "if isinstance(self.polling.start_from, datetime):",
        "if False:",
        f"{_LOST}test_but_not_where_the_user_says_when_to_begin",
    ),
    Break(
        "1: ... as far back as a shard's own connections were reported",
        "sensors/reading/sensors_before.py:first_syncs_from",
        "by_shard = ends if any(_by_sensors(ends)) else every()",
        "by_shard = every()",
        f"{_RESHARDING}test_what_others_have_caught_up_with_hides_no_first_sync",
    ),
    Break(
        "1: ... and those of others where it has none that was",
        "sensors/reading/sensors_before.py:first_syncs_from",
        "by_shard = ends if any(_by_sensors(ends)) else every()",
        "by_shard = ends",
        f"{_RESHARDING}test_a_shard_of_nothing_but_first_syncs_goes_by_the_others",
    ),
    Break(
        "1: ... though all that was reported before is reported anew",
        "sensors/reading/sensors_before.py:first_syncs_from.earliest",
        "return min(chain(lasts, filter(None, firsts)), default=None)",
        "return min(lasts, default=None)",
        f"{_RESHARDING}test_a_shard_of_nothing_but_first_syncs_goes_by_the_others",
    ),
    Break(
        "a run is asked for once, also by a sensor of another name",
        "sensors/run_requests/followed_before.py:FollowedBefore.read",
        "dg.RunsFilter(tags={WORKSPACE_TAG: workspace_id}, created_after=since)",
        "dg.RunsFilter(tags={_SENSOR_TAG: sensor_name}, created_after=since)",
        f"{_RESHARDING}test_where_nothing_is_new_no_run_is_asked_for_again",
    ),
    Break(
        "... and so sync by sync",
        "sensors/runs_that_follow.py:RunsThatFollow._sync_by_sync",
        "requests += asked if reported.events else self._not_by_others(asked)",
        "requests += asked",
        f"{_RESHARDING}test_a_run_for_each_sync_is_not_asked_for_again",
    ),
    Break(
        "... but not if nobody will submit it",
        "sensors/run_requests/followed_before.py:_is_submitted",
        "return run.status is not dg.DagsterRunStatus.NOT_STARTED",
        "return True",
        f"{_RESHARDING}test_a_run_that_was_never_submitted_is_asked_for_again",
    ),
    Break(
        "a backfill refuses while any of several sensors runs",
        "src/dagster_airbyte_sync/cli/past/backfill.py:_refuse_running",
        "for each in every:",
        "for each in every[:1]:",
        f"{_COMMANDS}test_a_backfill_refuses_while_any_of_them_runs_and_reports_for_all",
    ),
    Break(
        "a backfill beside the sensor of one shard reports that shard's connections",
        "sensors/past/backfill.py:Backfill.read",
        "if is_wanted and self._shard.has(job.connection_id):",
        "if is_wanted:",
        f"{_COMMANDS}test_a_backfill_refuses_while_any_of_them_runs_and_reports_for_all",
    ),
    Break(
        "a shard's next tick is explained by its own jobs",
        "src/dagster_airbyte_sync/cli/past/cursor.py:_new",
        "own = (job for job in jobs if at.polling.shard.has(job.connection_id))",
        "own = iter(jobs)",
        f"{_COMMANDS}test_cursors_are_shown_and_set_together_or_one_by_one",
    ),
    Break(
        "4: one odd tick does not change the pace by much",
        "sensors/cursor/pace.py:Pace.measured",
        "min(max(seen, before / _MOST_CHANGE), before * _MOST_CHANGE)",
        "seen",
        "tests/sensors/test_pace.py::test_one_odd_tick_changes_it_by_a_factor_of_four_at_most",
    ),
    Break(
        "4: the pace of a few tables is measured, too",
        "sensors/cursor/pace.py",
        "_FURTHEST_BACK = 25",
        "_FURTHEST_BACK = 1",
        "tests/sensors/test_pace.py::test_a_backlog_comes_to_the_pace_of_its_storage",
    ),
    Break(
        "1: what was last reported is read again once it is known who claims a job",
        "assets/events/event_log_facts.py:EventLogFacts.looked_up",
        "ledger = read_again(instance, self.ledger, tables)",
        "ledger = self.ledger",
        f"{_MANY}test_who_claims_a_job_is_known_before_the_last_report_is_read_and_that_before_any_history",
    ),
    Break(
        "the event log is asked about a few connections at once",
        "assets/event_log/at_once.py:answers",
        "ThreadPoolExecutor(min(_AT_ONCE, len(every)))",
        "ThreadPoolExecutor(1)",
        f"{_MANY}test_a_few_connections_are_asked_about_at_once",
    ),
    Break(
        "4: who claims jobs is asked once for each connection",
        "assets/event_log/claims.py:followers_of",
        "return dict(chain.from_iterable(each.items() for each in answers(of, tables)))",
        "return dict(chain.from_iterable(each.items() for each in answers(of, [*tables] * 2)))",
        f"{_MANY}test_two_look_ups_for_each_connection_however_many_jobs_and_tables",
    ),
    Break(
        "4: what a run has stored is not the pace of a sensor",
        "sensors/reading/pace_now.py:_stored_at",
        "not record.run_id and job_id == mark.job_id",
        "job_id == mark.job_id",
        "tests/sensors/test_pace_of_the_event_log.py::test_what_a_run_has_stored_since_says_nothing",
    ),
    Break(
        "4: ... nor what another tick has",
        "sensors/reading/pace_now.py:_stored_at",
        "not record.run_id and job_id == mark.job_id",
        "not record.run_id",
        "tests/sensors/test_pace_of_the_event_log.py::test_nor_does_what_another_tick_has_stored_since",
    ),
    Break(
        "4: shards do not take the time of others",
        "sensors/tick.py:_Tick._pace",
        "self.polling.storing_share / self.polling.shard.of",
        "self.polling.storing_share",
        "tests/sensors/test_backlog.py::test_shards_divide_the_share_among_them",
    ),
)
