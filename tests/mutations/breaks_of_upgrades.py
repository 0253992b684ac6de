"""Guards of starts while Airbyte is down or being upgraded."""

from helpers.breaks import Break

_LOOKS = "tests/upgrades/test_what_looks_come_to.py::"
_RUNS = "tests/upgrades/test_a_run_waits_for_an_upgrade.py::"
_JOBS = "tests/upgrades/test_start_jobs_wait_for_an_upgrade.py::"

OF_UPGRADES = (
    Break(
        "what has just come back is looked at twice",
        "resources/access/steadiness.py:Steadiness.seen",
        "now - self.came_up_at >= _SAME_FOR",
        "True",
        f"{_LOOKS}test_what_was_away_is_steady_when_it_is_seen_twice_ten_seconds_apart",
    ),
    Break(
        "another version is waited for as an outage is",
        "resources/access/steadiness.py:Steadiness.seen",
        "version != self.version",
        "False",
        f"{_LOOKS}test_while_pods_of_two_versions_answer_by_turns_it_is_not_steady",
    ),
    Break(
        "one outage is one reason, and not one for each connection",
        "assets/start_jobs/start_report.py:_by_reason",
        "by_reason.setdefault(reason, []).append(name)",
        "by_reason[name] = [reason]",
        f"{_JOBS}test_one_limit_is_for_all_that_a_run_starts",
        is_slow=True,
    ),
    Break(
        "a look is good for a while",
        "resources/access/steadiness.py:Steadiness.is_due",
        "now - self.looked_at >= _GOOD_FOR",
        "True",
        f"{_RUNS}test_a_look_costs_one_request_in_half_a_minute",
    ),
    Break(
        "no run waits for longer than outage_timeout",
        "assets/asked/until_steady.py:UntilSteady._left",
        "self.since + self.limit - now",
        "self.since + 10 * self.limit - now",
        f"{_RUNS}test_what_is_not_back_in_time_is_an_error_that_a_retry_may_mend",
    ),
    Break(
        "what a gateway refuses in an outage is waited for",
        "assets/asked/may_start.py:refuse_if_down",
        "not client.steadiness(fresh=True).is_steady",
        "False",
        f"{_RUNS}test_while_airbyte_restarts_a_refusal_of_its_gateway_is_none_of_airbytes",
    ),
    Break(
        "a lost start is looked for in the time in which Airbyte lists jobs",
        "assets/sync/start.py:_Start._found_in_minutes",
        "listed_since = now if listed else None",
        "listed_since = begun",
        f"{_RUNS}test_a_sync_that_a_gateway_did_not_pass_on_is_sent_once_more_when_airbyte_is_back",
    ),
    Break(
        "... without a line in the event log for each look",
        "assets/sync/start.py:_Silence.note",
        "self.said_at is None or now - self.said_at >= _LOG_EVERY",
        "True",
        f"{_RUNS}test_that_airbyte_lists_no_jobs_is_said_once_a_minute",
    ),
    Break(
        "only a sync is sent again after a gateway's 503",
        "assets/sync/start.py:_Start._came_to_nothing",
        "self.request.type is JobType.SYNC and problem.status in _FROM_GATEWAYS",
        "problem.status in _FROM_GATEWAYS",
        f"{_RUNS}test_a_refresh_or_clear_that_may_have_been_sent_is_not_sent_again",
    ),
    Break(
        "... and only if Airbyte has listed its jobs meanwhile",
        "assets/sync/start.py:_Start._found_in_minutes",
        "raise self._unanswered(problem) from problem",
        "raise self._came_to_nothing(problem) from problem",
        f"{_RUNS}test_a_sync_is_not_sent_again_while_nobody_knows_what_became_of_it",
    ),
    Break(
        "after an upgrade Airbyte is asked as its new version is",
        "resources/access/server.py:Server._note",
        "self._instance, self._is_seen = self._read(answer), True",
        "self._is_seen = True",
        f"{_RUNS}test_after_an_upgrade_the_new_version_is_asked_in_its_own_way",
    ),
    Break(
        "a mistake in the settings is no outage",
        "resources/access/server.py:Server._looked",
        "isinstance(silence, NoAnswer) and silence.needs_settings",
        "False",
        f"{_RUNS}test_an_address_that_speaks_no_tls_is_said_at_once",
    ),
    Break(
        "what fails while Airbyte is there is not tried without end",
        "assets/asked/until_steady.py:UntilSteady.may_try_again",
        "self.in_vain > _MOST_IN_VAIN or not _says_that_it_is_away(problem)",
        "not _says_that_it_is_away(problem)",
        f"{_RUNS}test_what_fails_while_airbyte_is_well_is_named_and_given_up",
    ),
    Break(
        "the time of one outage is not that of the next",
        "assets/sync/busy_connection.py:start_or_attach",
        "ready.note_answer()",
        "pass",
        f"{_RUNS}test_each_outage_has_its_own_time",
    ),
    Break(
        "a run that is over by the end of an outage starts nothing",
        "assets/start_jobs/side_by_side.py:start_side_by_side",
        "own.refuse_if_over()",
        "pass",
        f"{_JOBS}test_a_run_that_is_over_by_then_starts_nothing",
        is_slow=True,
    ),
    Break(
        "a run that is terminated does not wait for minutes",
        "assets/start_jobs/side_by_side.py:start_side_by_side",
        "is_over.set()",
        "pass",
        f"{_JOBS}test_a_run_that_is_terminated_ends_soon",
        is_slow=True,
    ),
    Break(
        "what was not sent in an outage is started after it",
        "assets/start_jobs/side_by_side.py:start_side_by_side",
        "left.append(begun.tables)",
        "left",
        f"{_JOBS}test_an_outage_in_the_middle_costs_no_sync_and_doubles_none",
        is_slow=True,
    ),
)
