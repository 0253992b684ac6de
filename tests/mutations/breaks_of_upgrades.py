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
        "a look is good for a while",
        "resources/access/steadiness.py:Steadiness.is_due",
        "now - self.looked_at >= _GOOD_FOR",
        "True",
        f"{_RUNS}test_a_look_costs_one_request_in_half_a_minute",
    ),
    Break(
        "no run waits for longer than outage_timeout",
        "assets/asked/until_steady.py:UntilSteady.wait",
        "left <= 0",
        "left <= -600",
        f"{_RUNS}test_what_is_not_back_in_time_is_an_error_that_a_retry_may_mend",
    ),
    Break(
        "what a gateway refuses in an outage is waited for",
        "assets/sync/start.py:refuse_if_down",
        "not client.steadiness(fresh=True).is_steady",
        "False",
        f"{_RUNS}test_while_airbyte_restarts_a_refusal_of_its_gateway_is_none_of_airbytes",
    ),
    Break(
        "a lost start is looked for in the time in which Airbyte lists jobs",
        "assets/sync/start.py:_Start._found_in_minutes",
        "listed_since = now if listed else None",
        "listed_since = now",
        f"{_RUNS}test_a_start_whose_answer_was_lost_in_an_outage_is_found_after_it_and_not_sent_again",
    ),
    Break(
        "only a sync is sent again after a gateway's 503",
        "assets/sync/start.py:_Start._not_found",
        "kind is JobType.SYNC and problem.status in _FROM_GATEWAYS",
        "problem.status in _FROM_GATEWAYS",
        f"{_RUNS}test_a_refresh_or_clear_that_may_have_been_sent_is_not_sent_again",
    ),
    Break(
        "after an upgrade Airbyte is asked as its new version is",
        "resources/access/server.py:Server._look",
        "self._instance = self._read(answer)",
        "self._instance = self._instance",
        f"{_RUNS}test_after_an_upgrade_the_new_version_is_asked_in_its_own_way",
    ),
    Break(
        "credentials that never were right are no outage",
        "resources/access/server.py:Server._look",
        'problem = str(refusal) if self._is_seen else ""',
        "problem = str(refusal)",
        f"{_RUNS}test_wrong_credentials_are_not_waited_for",
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
