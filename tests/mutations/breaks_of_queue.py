"""Lines that see to it that no more syncs run than may, and that what waits starts once."""

from helpers.breaks import Break

_PLACES = "tests/sensors/queue/test_syncs_wait_for_places.py"
_LOSES = "tests/sensors/queue/test_the_queue_loses_nothing.py"
_NIGHTS = "tests/sensors/queue/test_made_up_nights.py"
_BUSY = "tests/resources/test_busy_connections.py"

OF_QUEUE = [
    Break(
        "a run with max_running starts nothing itself",
        "assets/schedules/start_job.py:start_job_of.start_syncs",
        "if places and not wanted.is_from_queue:",
        "if False:",
        f"{_PLACES}::test_a_run_starts_nothing_and_writes_down_what_waits",
    ),
    Break(
        "... nor one that is executed again",
        "assets/queue/reading.py:is_queue_start",
        "run.parent_run_id is None",
        "True",
        f"{_LOSES}::test_one_that_is_executed_again_waits_like_any_other",
        is_slow=True,
    ),
    Break(
        "no more start than there are places",
        "sensors/queue/choose.py:chosen",
        "len(taken) + busy.unreadable < places",
        "True",
        f"{_PLACES}::test_as_many_start_as_there_is_room_for_and_then_the_rest",
    ),
    Break(
        "... and what is about to start has one",
        "sensors/queue/choose.py:chosen",
        "taken = {*busy.connections, *queue.coming}",
        "taken = {*busy.connections}",
        f"{_PLACES}::test_what_is_about_to_start_has_its_place",
    ),
    Break(
        "... unless its run is silent for long",
        "assets/queue/reading.py:_start",
        "now - (last or 0.0) > _SILENCE",
        "False",
        f"{_LOSES}::test_a_run_that_is_silent_for_long_holds_no_places",
        is_slow=True,
    ),
    Break(
        "the oldest start first",
        "assets/queue/standing.py:queue_of",
        "(each.since, each.order)",
        "each.connection_id",
        f"{_PLACES}::test_the_oldest_start_first_whatever_run_wrote_them_down",
        is_slow=True,
    ),
    Break(
        "what a run did not come to is asked for again",
        "assets/queue/standing.py:QueueStart.has_left",
        "return self.state is StartState.LOST and connection_id not in self.said",
        "return False",
        f"{_LOSES}::test_a_run_that_died_before_a_connection_is_asked_for_again_some_minutes_later",
        is_slow=True,
    ),
    Break(
        "... not if somebody has cancelled it",
        "assets/queue/reading.py:_start",
        "run.status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED)",
        "run.status is dg.DagsterRunStatus.SUCCESS",
        f"{_LOSES}::test_one_that_somebody_has_cancelled_is_not_asked_for_again",
        is_slow=True,
    ),
    Break(
        "... and if nothing was sent to Airbyte",
        "assets/schedules/start_job.py:_Report.note_unsent",
        "self.wanted and self.wanted.put_back(tables)",
        "False",
        f"{_LOSES}::test_airbyte_that_does_not_answer_before_a_start_leaves_the_sync_waiting",
        is_slow=True,
    ),
    Break(
        "a run that was created and not submitted is asked for by its key",
        "sensors/queue/queue_sensor.py:_Tick.result",
        "requests = self._again()",
        "requests = []",
        f"{_LOSES}::test_a_run_that_was_created_and_not_submitted_is_asked_for_by_its_key",
    ),
    Break(
        "what was asked for twice starts once",
        "assets/queue/to_start.py:ToStart.of",
        "return to_start._once() if is_from_queue else to_start",
        "return to_start",
        f"{_LOSES}::test_a_run_that_was_asked_for_twice_starts_nothing_twice",
    ),
    Break(
        "... and what two runs wrote down at once",
        "assets/queue/standing.py:QueueStart.has_come_to",
        "return said is not None and said >= wait.since",
        "return False",
        _NIGHTS,
        is_slow=True,
    ),
    Break(
        "what waits is not written down again",
        "assets/queue/places.py:write_down",
        "queue.waiting.get(wait.connection_id)",
        "()",
        f"{_PLACES}::test_one_that_waits_already_is_not_written_down_again",
    ),
    Break(
        "what has waited too long is not started",
        "assets/queue/standing.py:queue_of",
        "wait.until <= now",
        "False",
        f"{_PLACES}::test_what_has_waited_too_long_is_named_once_and_not_started",
    ),
    Break(
        "what waits for another workspace is left alone",
        "sensors/queue/queue_sensor.py:_Tick._is_mine",
        "is_here = wait.scope == self.client.settings.scope",
        "is_here = True",
        f"{_PLACES}::test_what_waits_for_another_workspace_is_left_to_its_own_sensor",
    ),
    Break(
        "the cursor reaches back to the oldest that waits",
        "sensors/queue/queue_sensor.py:_Tick._since",
        "not run.is_finished or run.run_id in open_runs",
        "not run.is_finished",
        f"{_LOSES}::test_the_memory_of_the_cursor_reaches_back_to_the_oldest_that_waits",
    ),
    Break(
        "... and one that somebody wrote is not believed",
        "sensors/queue/queue_sensor.py:_Memory.of",
        "since is not None and since <= latest",
        "since is not None",
        f"{_LOSES}::test_a_lost_cursor_starts_nothing_twice_and_forgets_nothing",
        is_slow=True,
    ),
    Break(
        "jobs that end hide no others on the next page",
        "resources/client/unfinished_jobs.py:UnfinishedJobs._add_all",
        "(max(times), 0)",
        "(since, offset + page.received)",
        f"{_BUSY}::test_jobs_that_end_between_two_pages_hide_no_others",
    ),
    Break(
        "... nor do jobs that change their status between two lists",
        "resources/client/unfinished_jobs.py:UnfinishedJobs.busy_by_public.read",
        "return first.or_else(self._public_lists(lists, enough, budget))",
        "return first",
        f"{_BUSY}::test_a_job_that_changes_its_status_between_two_answers_is_counted",
    ),
]
