"""For each invariant a one-line break of the code that guards it, and the tests that then fail.

A break that no test notices is a guard that no test needs, or a test that cannot fail.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.preloaded import preloaded

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Break:
    """One line of the product made wrong, and what notices."""

    invariant: str
    file: str
    line: str
    broken: str
    noticed_by: str


TWICE = "tests/sensors/test_nothing_is_told_twice.py"
FOUND = "tests/model/test_found_by_the_model.py"
SHARE = "tests/sensors/test_runs_and_sensor_share_syncs.py"
TOLD = "tests/sensors/test_external_syncs_are_told.py"
HOLD = "tests/sensors/test_syncs_that_hold_no_run.py"
BACKLOG = "tests/sensors/test_backlog.py"
OWES = "tests/assets/test_what_a_job_owes.py"
MOVING = "tests/sensors/test_moving_the_bookmark.py"
NEW = "tests/sensors/test_new_in_airbyte.py"
STREAMS = "tests/resources/test_streams_of_a_job.py"
PAGES = "tests/resources/test_job_pages.py"
FOLLOW = "tests/sensors/test_runs_that_follow_a_sync.py"
REFUSING = "tests/resources/test_refusing_configuration_api.py"
ORPHANS = "tests/sensors/test_orphaned_steps.py"

BREAKS = (
    Break(
        "1: what Airbyte refuses for a moment is not told from the public API, with less in it",
        "resources/fallback.py",
        "if question in self._refused_since:",
        "if False:",
        f"{NEW}::test_a_short_refusal_fails_a_tick_and_tells_nothing_wrong",
    ),
    Break(
        "1: a sync of a connection added since the catalog was read is told",
        "sensors/defined_tables.py",
        "if not self._is_refreshed and not self._lists(job):",
        "if False:",
        f"{NEW}::test_a_sync_of_a_connection_added_since_the_catalog_was_read_is_told",
    ),
    Break(
        "4: the catalog is read at most once a tick",
        "sensors/defined_tables.py",
        "self._is_refreshed = True",
        "pass",
        f"{NEW}::test_the_catalog_is_read_at_most_once_a_tick_however_much_is_unknown",
    ),
    Break(
        "8: a list that Airbyte did not send is not an empty workspace",
        "resources/paging.py",
        "return None",
        "return Page((), 0)",
        "tests/resources/test_fuzzed_answers.py"
        "::test_a_list_that_is_missing_is_not_taken_for_an_empty_workspace",
    ),
    Break(
        "who asked for a sync is known even if the sync ends at once",
        "assets/starting_job.py",
        "context.log_event(announcement(tables[-1]))",
        "pass",
        f"{HOLD}::test_a_sync_that_ends_before_the_run_can_declare_it_waits_for_that",
    ),
    Break(
        "a run holds only what it is starting just now",
        "sensors/promises.py",
        "starting.pop(event.asset_key, None)",
        "pass",
        f"{HOLD}::test_a_run_holds_no_sync_of_a_connection_that_it_has_declared",
    ),
    Break(
        "a retry starts no second sync",
        "assets/starting_job.py",
        "earlier = started_before(context.instance, context.run)",
        "earlier: dict[str, str] = {}",
        f"{HOLD}::test_a_retry_starts_only_what_was_not_started[dagster/retry_number]",
    ),
    Break(
        "1: not told twice after a crash",
        "assets/owed.py",
        "told = self.ledger.is_told(table.key, self.job)",
        "told = False",
        f"{TWICE}::test_a_tick_that_dies_after_any_event_is_completed_by_the_next[3]",
    ),
    Break(
        "1: what is not the last one told is looked up",
        "assets/ledger.py",
        "return None if job.ref.precedes(last.newest) else False",
        "return False",
        f"{TWICE}::test_a_job_that_finished_after_a_newer_one_is_told_once_even_without_a_bookmark",
    ),
    Break(
        "1: what is stored is read back by Airbyte's clock as well",
        "assets/run_events.py",
        "return max(record.timestamp, airbyte_time or 0) >= until",
        "return record.timestamp >= until",
        f"{FOUND}::test_of_two_runs_that_follow_one_sync_one_tells_it_though_others_observe_the_table"
        "[20]",
    ),
    Break(
        "1: one event that is too old does not hide those before it",
        "assets/run_events.py",
        "if too_old > _PATIENCE:",
        "if too_old:",
        f"{FOUND}::test_of_two_runs_that_follow_one_sync_one_tells_it_though_others_observe_the_table",
    ),
    Break(
        "2: a late job remembers that a newer one was told",
        "assets/events.py",
        "**(_newest(newest) if newest is not None else {}),",
        "",
        "tests/assets/test_events_of_a_job.py",
    ),
    Break(
        "1: a late commit is not lost",
        "sensors/moving.py",
        "min(since - OVERLAP + max(quiet, timedelta(0)), since + _SECOND)",
        "since",
        f"{TWICE}::test_a_job_that_commits_late_with_an_older_time_is_told",
    ),
    Break(
        "1: a job that waits is not done",
        "sensors/bookmark.py",
        "if self.is_done(job) or job.id in self.held or is_behind:",
        "if self.is_done(job) or is_behind:",
        "tests/sensors/test_moving_the_bookmark.py",
    ),
    Break(
        "1: what waits behind a job that waits is not done",
        "sensors/scan.py",
        "behind.add(job.connection_id)",
        "pass",
        f"{BACKLOG}::test_a_connection_that_could_not_be_told_for_days_is_told_in_the_end",
    ),
    Break(
        "1: what waits behind a job that Airbyte forgot is not done",
        "sensors/scan.py",
        "if bookmark.held.keys() <= {job.id for job in self._jobs}:",
        "if True:",
        f"{FOUND}::test_what_waits_is_told_though_airbyte_forgot_the_first_of_it",
    ),
    Break(
        "1: reading the catalog again in a tick takes no table from the jobs before",
        "sensors/defined_tables.py",
        "            self.of(job)\n",
        "            pass\n",
        f"{FOUND}::test_what_is_new_in_a_job_that_waited_behind_another_takes_no_table_from_the_rest",
    ),
    Break(
        "1: what a connection syncs while it cannot be read is not taken for its first to wait",
        "sensors/scan.py",
        "if job.connection_id in bookmark.apart:",
        "if False:",
        f"{BACKLOG}::test_a_connection_that_could_not_be_told_for_days_is_told_in_the_end",
    ),
    Break(
        "1: nor is it taken for done",
        "sensors/moving.py",
        "waiting |= {job.id for job in scan.jobs if job.connection_id in bookmark.apart}",
        "pass",
        f"{MOVING}::test_what_it_syncs_meanwhile_is_not_taken_for_done",
    ),
    Break(
        "1: what was told behind a late commit is not told again once the connection can be read",
        "sensors/moving.py",
        "if not any(done_job(job) in done for job in jobs):",
        "if True:",
        f"{MOVING}::test_it_is_not_set_apart_while_something_is_done_behind_what_waits",
    ),
    Break(
        "4: a connection that cannot be read for days does not have history read at each tick",
        "sensors/moving.py",
        "if key not in decision.unreadable or ended_at is None or len(apart) >= MOST_APART:",
        "if True:",
        f"{BACKLOG}::test_a_connection_that_could_not_be_told_for_days_is_told_in_the_end",
    ),
    Break(
        "1: what follows a clock that was set back is told",
        "sensors/moving.py",
        "return back if back > _DISAGREEMENT else timedelta(0)",
        "return timedelta(0)",
        "tests/sensors/test_airbytes_clock.py"
        "::test_what_ends_after_airbytes_clock_was_set_back_is_told",
    ),
    Break(
        "1: left to the live run",
        "sensors/promises.py",
        "return not is_told and not job.ref.precedes(declared)",
        "return False",
        f"{SHARE}::test_a_tick_before_the_run_writes_its_events_leaves_the_sync_to_the_run",
    ),
    Break(
        "1: a run looks before it tells",
        "assets/reporting.py",
        "if is_left or table.key not in owed:",
        "if is_left:",
        f"{SHARE}::test_a_run_that_never_ends_holds_its_connection_only_for_so_long",
    ),
    Break(
        "1: of the runs that follow a sync one reports",
        "assets/declarations.py",
        "reporters = [reporter for d in earlier if",
        "reporters = [reporter for d in earlier[:0] if",
        "tests/sensors/test_two_runs_follow_one_sync.py"
        "::test_the_first_to_follow_a_sync_tells_it_whichever_ends_first",
    ),
    Break(
        "a schedule is said before Airbyte forgets it",
        "assets/take_over.py",
        "say(taken.text)",
        "pass",
        "tests/assets/test_take_over.py::test_nothing_is_lost_if_the_process_dies",
    ),
    Break(
        "nothing is taken over that Airbyte would not take back",
        "assets/take_over.py",
        "_refuse_one_way(client, connections)",
        "pass",
        "tests/assets/test_take_over.py"
        "::test_without_the_configuration_api_nothing_is_taken_that_could_not_be_put_back",
    ),
    Break(
        "a schedule that somebody set meanwhile is kept",
        "assets/take_over.py",
        'if connection.schedule.kind != "manual":',
        "if False:",
        "tests/assets/test_take_over.py::test_a_schedule_set_meanwhile_is_kept_and_said",
    ),
    Break(
        "a sync is started once",
        "assets/starting.py",
        "_raise_if_not_started(self.client, self.connection_id, error)",
        "return self.client.start_sync(self.connection_id)",
        "tests/assets/test_starting_a_sync.py",
    ),
    Break(
        "a lost start is looked for",
        "assets/starting.py",
        "deadline = self.clock() + _LOOK_FOR",
        "deadline = self.clock()",
        "tests/assets/test_starting_a_sync.py"
        "::test_a_sync_that_appears_only_minutes_after_its_start_was_given_up_is_found",
    ),
    Break(
        "a start that is refused while it is looked for is not given up",
        "assets/starting.py",
        "except AirbyteRequestError as silence:",
        "except AirbyteUnavailable as silence:",
        "tests/assets/test_starting_a_sync.py"
        "::test_an_airbyte_that_refuses_while_it_is_searched_is_asked_again",
    ),
    Break(
        "a terminated run leaves no sync that was being started",
        "assets/starting.py",
        "is_interrupt = not isinstance(end, Exception)",
        "is_interrupt = False",
        "tests/assets/test_a_start_that_is_interrupted.py",
    ),
    Break(
        "what a schedule started is not taken for the sync that was asked for",
        "assets/starting.py",
        "return asked is True",
        "return True",
        "tests/assets/test_a_start_that_is_interrupted.py"
        "::test_a_sync_that_airbytes_own_schedule_starts_seconds_after_is_left_alone",
    ),
    Break(
        "attach never follows a clear",
        "assets/active_sync.py",
        'return how.on_active_sync == "attach" and running.type.writes_tables',
        'return how.on_active_sync == "attach"',
        "tests/assets/test_a_busy_connection.py::test_a_clear_is_never_followed",
    ),
    Break(
        "a long wait is no long end",
        "assets/active_sync.py",
        "self.ending_since = None",
        "pass",
        "tests/assets/test_a_busy_connection.py"
        "::test_what_is_just_ending_is_waited_for_after_a_long_wait_too",
    ),
    Break(
        "1: a step that was tried before still follows",
        "assets/declarations.py",
        "if record.storage_id < declaration.storage_id:",
        "if False:",
        "tests/sensors/test_two_runs_follow_one_sync.py"
        "::test_a_run_that_has_to_be_tried_again_before_it_follows_a_sync_is_still_the_first",
    ),
    Break(
        "1: a run that only starts syncs reports none",
        "assets/declarations.py",
        "if run is None or keys.STARTS_SYNCS_TAG in run.tags:",
        "if run is None:",
        "tests/sensors/test_two_runs_follow_one_sync.py"
        "::test_a_run_that_only_started_a_sync_is_no_teller_so_the_first_that_follows_it_tells",
    ),
    Break(
        "a gateway that refuses all does not end the following",
        "assets/following.py",
        "            except AirbyteError as error:",
        "            except AirbyteUnavailable as error:",
        "tests/assets/test_following_a_sync.py"
        "::test_a_gateway_that_refuses_everything_for_a_while_does_not_end_the_following",
    ),
    Break(
        "a job that cannot be cancelled at once is cancelled in the end",
        "assets/following.py",
        "how.sleep(pause)",
        "raise",
        "tests/assets/test_following_a_sync.py"
        "::test_a_job_that_could_not_be_cancelled_at_first_is_cancelled_in_the_end",
    ),
    Break(
        "only the run's own job is cancelled",
        "assets/following.py",
        "if running is not None and running.id == job.id:",
        "if running is not None:",
        "tests/assets/test_following_a_sync.py",
    ),
    Break(
        "a cancel is never sent later than the look that allows it",
        "resources/public_api.py",
        "at_once=True,",
        "at_once=False,",
        "tests/assets/test_following_a_sync.py"
        "::test_a_cancel_that_airbyte_puts_off_looks_again_for_what_runs_before_it_is_repeated",
    ),
    Break(
        "1: a tick with enough events leaves the rest to the next",
        "sensors/decide.py",
        "if most <= 0:",
        "if False:",
        "tests/sensors/test_moving_the_bookmark.py",
    ),
    Break(
        "2: later jobs wait behind one that is held",
        "sensors/decide.py",
        "self.blocked.add(job.connection_id)",
        "pass",
        "tests/sensors/test_moving_the_bookmark.py",
    ),
    Break(
        "2: of one second the older job first",
        "resources/job_pages.py",
        "_epoch(job.created_at), job.id",
        "_epoch(job.created_at), -job.id",
        "tests/resources/test_job_history.py tests/resources/test_job_history_pages.py",
    ),
    Break(
        "1: a burst in one second does not end the history",
        "resources/job_pages.py",
        "following = last + _SECOND",
        "return",
        f"{PAGES}::test_a_burst_in_one_second_does_not_end_the_history",
    ),
    Break(
        "1: a burst is counted",
        "resources/job_pages.py",
        "if len(found) >= received:",
        "if True:",
        f"{PAGES}::test_hundreds_that_tie_in_every_way_are_all_counted",
    ),
    Break(
        "2: no job is yielded before all of its second is there",
        "resources/job_pages.py",
        "if (job.ended_at or start) < last)",
        "if job)",
        f"{PAGES}::test_every_finished_job_comes_once_and_in_order",
    ),
    Break(
        "1: jobs that run move no job of a burst from under a row number",
        "resources/job_pages.py",
        "_whole_second(last, still or (listing,))",
        "_whole_second(last, (listing,))",
        f"{PAGES}::test_every_finished_job_comes_once_and_in_order",
    ),
    Break(
        "1: an end in the future loses nothing",
        "sensors/moving.py",
        "return max((end for end in ends if since < end <= server_time), default=since)",
        "return max((end for end in ends if since < end), default=since)",
        "tests/sensors/test_moving_the_bookmark.py",
    ),
    Break(
        "3: a clear is not fresh",
        "resources/jobs.py",
        "return self in (JobType.SYNC, JobType.REFRESH)",
        "return True",
        f"{TOLD}::test_a_clear_is_an_observation_and_never_makes_a_table_fresh",
    ),
    Break(
        "1: a number that a restored Airbyte gives again is another job",
        "resources/jobs.py",
        "return self.id, self.created_at",
        "return self.id, None",
        "tests/resources/test_bursts_in_the_history.py"
        "::test_a_number_that_is_given_again_while_it_is_read_is_another_job",
    ),
    Break(
        "3: a clear is of the streams it names, also of those that are gone",
        "resources/configuration_api.py",
        "return enabled if named is None else named",
        "return enabled",
        f"{STREAMS}::test_a_clear_of_a_stream_that_is_gone_names_it",
    ),
    Break(
        "3: no streams is not the same as not said",
        "resources/configuration_api.py",
        "return streams if streams or not rows else None",
        "return streams or None",
        f"{STREAMS}::test_no_list_is_not_an_empty_list",
    ),
    Break(
        "3: what syncs along with a refresh is fresh",
        "resources/configuration_api.py",
        "enabled.union(moved)",
        "enabled",
        "tests/sensors/test_streams_of_clears_and_refreshes.py"
        "::test_what_syncs_along_with_a_refresh_is_fresh_too",
    ),
    Break(
        "a status that is not known is not followed in silence",
        "assets/following.py",
        "if words and not self.is_warned:",
        "if False:",
        "tests/assets/test_following_a_sync.py"
        "::test_a_status_that_airbyte_adds_is_followed_and_said_once",
    ),
    Break(
        "3: a failed job is not fresh",
        "assets/owed.py",
        "return job.succeeded and job.type.writes_tables",
        "return job.type.writes_tables",
        f"{TOLD}::test_failed_cancelled_and_unfinished_syncs_materialize_nothing",
    ),
    Break(
        "4: an idle tick is one request",
        "sensors/polling.py",
        "context.log.info(summary)",
        "client.catalog(fresh=True)",
        f"{TOLD}::test_an_idle_tick_sends_one_request_whatever_the_number_of_connections",
    ),
    Break(
        "5: the bookmark is small",
        "sensors/bookmark.py",
        "_MOST_BYTES = 7_500",
        "_MOST_BYTES = 75_000",
        "tests/sensors/test_bookmark.py::test_hundreds_of_connections_that_wait_do_not_burst_it",
    ),
    Break(
        "6: a secret is not shown",
        "resources/settings.py",
        "client_secret: str | None = field(default=None, repr=False)",
        "client_secret: str | None = None",
        "tests/resources/test_secrets_stay_hidden.py",
    ),
    Break(
        "6: no secret lies in a frame",
        "resources/frames.py",
        "traceback.clear_frames(one.__traceback__)",
        "pass",
        "tests/resources/test_no_secret_in_frames.py",
    ),
    Break(
        "6: nor in one below the settings' own",
        "resources/settings.py",
        "AirbyteSettings.__init__ = forgets_arguments(AirbyteSettings.__init__)",
        "AirbyteSettings.__init__ = AirbyteSettings.__init__",
        "tests/resources/test_no_secret_in_frames.py::test_settings_with_a_mistake",
    ),
    Break(
        "6: a secret is hidden in each encoding",
        "resources/encodings.py",
        "(from_json, unquote, html.unescape)",
        "(from_json, unquote)",
        "tests/resources/test_encoded_secrets.py",
    ),
    Break(
        "6: a secret is hidden in base64",
        "resources/encodings.py",
        "for begin in range(4):",
        "for begin in range(1):",
        "tests/resources/test_encoded_secrets.py",
    ),
    Break(
        "6: half a secret at the end of what is looked at is not quoted",
        "resources/redaction.py",
        "if len(seen) < len(told):",
        "if False:",
        "tests/resources/test_encoded_secrets.py",
    ),
    Break(
        "JSON is UTF-8",
        "resources/bodies.py",
        'return body.decode("utf-8", errors)',
        'return body.decode("iso-8859-1", errors)',
        "tests/resources/test_bodies.py",
    ),
    Break(
        "header and chunk lines stand under the budget",
        "resources/deadline.py",
        "if deadline is not None:",
        "if False:",
        "tests/resources/test_slow_answers.py::test_it_is_read_no_longer_than_the_budget",
    ),
    Break(
        "an answer is bounded after it is unpacked",
        "resources/bodies.py",
        "if len(body) > most:",
        "if False:",
        "tests/resources/test_bodies.py::test_a_bomb_is_refused_before_it_fills_the_memory",
    ),
    Break(
        "JSON of too many parts is not parsed",
        "resources/answers.py",
        "if _has_too_many_parts(received.body):",
        "if False:",
        "tests/resources/test_bodies.py"
        "::test_json_of_too_many_parts_is_refused_before_it_is_parsed",
    ),
    Break(
        "an answer that unpacks to nothing is bounded as well",
        "resources/bodies.py",
        "if length > LONGEST:",
        "if False:",
        "tests/resources/test_bodies.py::test_an_answer_without_end_is_unreadable",
    ),
    Break(
        "7: definitions are a handful of requests",
        "resources/client.py",
        'self._catalog["catalog"] = found',
        "pass",
        "tests/resources/test_catalog_reading.py",
    ),
    Break(
        "8: one key for two streams is an error",
        "assets/tables.py",
        "if first is not table:",
        "if False:",
        "tests/assets/test_tables.py",
    ),
    Break(
        "a poisonous run request does not reach Dagster",
        "sensors/run_requests.py",
        "check(request)",
        "pass",
        f"{FOLLOW}::test_a_request_dagster_would_refuse_is_left_out_and_the_sync_still_told",
    ),
    Break(
        "a moment's refusal changes no definitions",
        "resources/catalog_reading.py",
        "return tuple(times * self._settings.request_retry_delay for times in _PATIENCE)",
        "return ()",
        f"{REFUSING}::test_a_moments_refusal_changes_no_definitions",
    ),
    Break(
        "a tick does not wait for an API that refuses",
        "resources/catalog_reading.py",
        "if budget.left is not None or self._settings.is_cloud:",
        "if self._settings.is_cloud:",
        f"{REFUSING}::test_a_tick_does_not_wait",
    ),
    Break(
        "a wrong address of the Configuration API is no closed one",
        "resources/server.py",
        "if found is not None:",
        "if False:",
        f"{REFUSING}::test_a_wrong_address_is_an_error_that_names_the_right_one",
    ),
    Break(
        "which API is asked is said once",
        "resources/fallback.py",
        "is_news = not self._shut or question in self._open",
        "is_news = True",
        f"{REFUSING}::test_history_that_may_not_be_listed_is_said_once_though_connections_may",
    ),
    Break(
        "who may not list jobs keeps the columns",
        "resources/fallback.py",
        "return question in self._closed",
        "return bool(self._closed)",
        f"{REFUSING}::test_who_may_not_list_jobs_keeps_the_columns",
    ),
    Break(
        "4: an instance that does not answer is not asked at each tick",
        "resources/server.py",
        'known = self._instance or self._assumed.get("instance")',
        "known = self._instance",
        "tests/resources/test_closed_configuration_api.py"
        "::test_an_instance_that_does_not_answer_costs_a_tick_one_request_in_ten_minutes",
    ),
    Break(
        "a richer snapshot is not replaced by a poorer one",
        "resources/snapshot_file.py",
        "_refuse_poorer(catalog, path, to_force)",
        "pass",
        "tests/command_line/test_snapshot_of_a_closed_api.py",
    ),
    Break(
        "1: a stream without a namespace is that of the only table with its name",
        "assets/matching.py",
        "pairs.update(zip(own, theirs, strict=True))",
        "pass",
        "tests/sensors/test_apis_that_name_streams_differently.py",
    ),
    Break(
        "3: of two tables with the name none is guessed",
        "assets/matching.py",
        "and len(own) == len(theirs)",
        "",
        "tests/assets/test_streams_without_a_namespace.py",
    ),
    Break(
        "a list without an order is read until it is complete",
        "resources/paging.py",
        "(read.pages == 1 or (len(rows) >= listed and is_sure))",
        "True",
        "tests/resources/test_unordered_listings.py",
    ),
    Break(
        "a row that cannot be read is not waited for",
        "resources/paging.py",
        "received, listed = read.received, read.readable",
        "received, listed = read.received, read.received",
        "tests/resources/test_unordered_listings.py"
        "::test_rows_that_cannot_be_read_are_not_waited_for",
    ),
    Break(
        "a page in place of an answer is not asked for again",
        "resources/http.py",
        "if isinstance(error, AirbyteSentPage):",
        "if False:",
        "tests/resources/test_http_retries.py"
        "::test_a_page_in_place_of_an_answer_is_not_asked_for_again",
    ),
    Break(
        "what was deleted does not stand for what is missing",
        "resources/paging.py",
        "before = rows if read.received == received else {}",
        "before = rows",
        "tests/resources/test_unordered_listings.py"
        "::test_rows_that_are_deleted_meanwhile_do_not_stand_for_those_that_are_missing",
    ),
    Break(
        "one destination that fails stops no definitions",
        "resources/destination_reading.py",
        "except AirbyteRequestError as failure:",
        "except AirbyteNotFound as failure:",
        "tests/resources/test_destinations_that_fail.py",
    ),
    Break(
        "a link leads to no placeholder",
        "resources/instance.py",
        "told = said.strip() if leads_to_people(said, configuration_api_base_url) else beside",
        "told = said.strip() or beside",
        "tests/resources/test_where_the_ui_is.py",
    ),
    Break(
        "1: a number that comes again after a restore is another job",
        "resources/job_ref.py",
        "return self.created_at == other.created_at",
        "return True",
        "tests/assets/test_ledger.py",
    ),
    Break(
        "1: after a restore nothing is late",
        "resources/job_ref.py",
        "return self.id < other.id and not self._is_later(other)",
        "return self.id < other.id",
        "tests/assets/test_ledger.py",
    ),
    Break(
        "1: of a job that is cut within its tables the rest is not forgotten",
        "sensors/decide.py",
        "is_whole = fitting == len(owed.shares) and not owed.is_cut",
        "is_whole = True",
        MOVING,
    ),
    Break(
        "1: a tick stays far below what gRPC takes",
        "sensors/decide.py",
        "or self.bytes + size > limits.bytes",
        "or False",
        MOVING,
    ),
    Break(
        "1: of a new job one history is read and no more",
        "assets/owed.py",
        "self.is_doubt_settled = True",
        "pass",
        OWES,
    ),
    Break(
        "1: an event that was stored and not noted is not told twice",
        "assets/owed.py",
        "if told is None or not (is_read or self.is_doubt_settled):",
        "if told is None:",
        OWES,
    ),
    Break(
        "1: what a hanging run may hold is limited once",
        "sensors/decide.py",
        "waited = max(self._waited(job), self.known.now - since)",
        "waited = self._waited(job)",
        MOVING,
    ),
    Break(
        "1: the job of a dead run waits until its step has looked",
        "sensors/decide.py",
        "if self._followers(job).orphan is not None:",
        "if False:",
        MOVING,
    ),
    Break(
        "1: the step of a run that is over reports nothing",
        "assets/reporting.py",
        "if run is not None and run.is_finished:",
        "if False:",
        f"{ORPHANS}::test_a_run_that_is_over_between_tables_reports_the_first_and_the_sensor"
        "_the_others",
    ),
    Break(
        "1: a step looks anew before it reports",
        "assets/syncing.py",
        "run = OwnRun(context, how.clock)",
        "run = OwnRun(context, how.clock, how.clock())",
        f"{ORPHANS}::test_a_step_whose_run_is_over_reports_nothing_though_its_sync_took_no_second",
    ),
    Break(
        "1: a run lets the step of one that is over store its last event",
        "assets/reporting.py",
        "how.sleep(GRACE)",
        "pass",
        f"{ORPHANS}::test_a_second_run_lets_the_step_of_one_that_is_over_store_its_last_event",
    ),
    Break(
        "1: what was reported is read after who may report it",
        "sensors/polling.py",
        "ledger = read_again(instance, known.ledger, tables)",
        "ledger = known.ledger",
        f"{ORPHANS}::test_what_a_step_stores_while_the_sensor_looks_for_it_is_not_reported_again",
    ),
    Break(
        "1: without a cursor nothing is forgotten that ended since the last report",
        "sensors/decide.py",
        "return job.ended_at is not None and job.ended_at < max(before)",
        "return True",
        MOVING,
    ),
    Break(
        "1: a run that spans a job has reported it, though it names none",
        "assets/ledger.py",
        "_spans(span, job, skew) for span in self.spans",
        "False for span in self.spans",
        "tests/assets/test_ledger.py",
    ),
    Break(
        "4: an idle tick is one request however many jobs ended in the last minutes",
        "sensors/moving.py",
        "reached = server_time if since != bookmark.since else bookmark.reached or server_time",
        "reached = server_time",
        MOVING,
    ),
    Break(
        "1: a server's own page size is not the end of the history",
        "resources/job_pages.py",
        "if asked.offset or not listing.page_size.may_be(size):",
        "if True:",
        PAGES,
    ),
    Break(
        "4: what only looks like a server's own page size is asked on once",
        "resources/job_pages.py",
        "listing.page_size.proven = size",
        "pass",
        PAGES,
    ),
    Break(
        "a page that cannot be read is passed as a whole",
        "resources/job_pages.py",
        "if page.rows or is_last:",
        "if True:",
        PAGES,
    ),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout without anything that was built, for breaking."""
    copy = tmp_path_factory.mktemp("broken") / "checkout"
    copy.mkdir()
    for name in ("sensors", "assets", "resources", "src", "tests", "pyproject.toml", "README.md"):
        source = CHECKOUT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, copy / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, copy / name)
    return copy


@dataclass(frozen=True)
class Tried:
    code: int
    output: str


RunTests = Callable[[str], Tried]


@pytest.fixture(scope="module")
def run_tests(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunTests]:
    output = tmp_path_factory.mktemp("output") / "pytest.txt"
    with preloaded() as process:

        def run(which: str) -> Tried:
            code = process.run(copy, ["-x", "-q", "-p", "no:cacheprovider", *which.split()], output)
            return Tried(code, output.read_text(errors="replace"))

        yield run


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.invariant)
def test_a_break_is_noticed(copy: Path, run_tests: RunTests, one: Break) -> None:
    file = copy / one.file
    whole = file.read_text()
    assert whole.count(one.line) >= 1, f"{one.file} has no line {one.line!r} any more"
    file.write_text(whole.replace(one.line, one.broken))
    try:
        tried = run_tests(one.noticed_by)
    finally:
        file.write_text(whole)

    assert tried.code == 1, f"{one.noticed_by} did not notice:\n{tried.output[-2000:]}"


def test_without_a_break_the_same_tests_pass(run_tests: RunTests) -> None:
    """Otherwise a test that cannot run at all would seem to notice everything."""
    named = dict.fromkeys(test for one in BREAKS for test in one.noticed_by.split())
    tried = run_tests(" ".join(named))

    assert tried.code == 0, tried.output[-2000:]
