"""What guards several workspaces under one sensor, and sensors that report the same tables."""

from helpers.breaks import Break

_ONE = "tests/many_workspaces/test_one_sensor_reports_all_workspaces.py::"
_GO = "tests/many_workspaces/test_workspaces_come_and_go.py::"
_LOAD = "tests/many_workspaces/test_workspaces_load_together.py::"
_DO = "tests/many_workspaces/test_instances_do_what_workspaces_do.py::"
_LACK = "tests/many_workspaces/test_workspaces_that_definitions_lack.py::"
_FAR = "tests/many_workspaces/test_how_far_each_was_read.py::"
_TWO = "tests/many_workspaces/test_two_sensors_of_the_same_tables.py::"

OF_INSTANCES = (
    Break(
        "a workspace that goes away stops no other",
        "resources/access/workspaces.py:Workspaces.went_away",
        "if before - self.read(budget).keys():",
        "if False:",
        f"{_ONE}test_its_list_is_read_once_and_not_at_each_tick",
    ),
    Break(
        "nor one that is listed and may not be read",
        "resources/access/workspaces.py:Workspaces._noted",
        "each not in refused | doubted",
        "True",
        f"{_ONE}test_one_that_may_not_be_read_though_it_is_listed",
    ),
    Break(
        "1: one that comes back is read on from where it was left",
        "sensors/reading/workspaces_now.py:WorkspacesNow.joined",
        "{**cursor.pending, **pending}",
        "cursor.pending",
        f"{_ONE}test_one_that_comes_back_has_lost_nothing",
    ),
    Break(
        "1: ... from its own place, not from where all others are",
        "sensors/reading/workspaces_now.py:WorkspacesNow.after",
        "{each: self._left_at(each, before, moved) for each in gone}",
        "{each: now for each in gone}",
        f"{_ONE}test_one_that_comes_back_has_lost_nothing",
    ),
    Break(
        "1: ... which a lost cursor does not lose",
        "sensors/reading/workspaces_now.py:WorkspacesNow.first",
        "return WorkspacesRead.first(self._seen, reported)",
        "return WorkspacesRead.first(self._seen, {})",
        f"{_ONE}test_a_cursor_that_is_lost_while_one_is_away_loses_nothing_of_it",
    ),
    Break(
        "1: a workspace that appears begins where a new sensor would",
        "sensors/reading/workspaces_now.py:WorkspacesNow.joined",
        "unread = begin(now.airbyte)",
        "unread = now.airbyte",
        f"{_ONE}test_a_workspace_that_appears_is_reported_after_a_reload",
    ),
    Break(
        "8: workspaces with equal tables have assets of their own",
        "assets/tables/translator.py:_usual_spec",
        "dg.AssetKey([*([workspace] if workspace else []), props.table_name])",
        "dg.AssetKey(props.table_name)",
        f"{_LOAD}test_keys_and_groups_are_by_workspace",
    ),
    Break(
        "an address has room for its ids",
        "resources/api/public_api.py:groups_of_ids",
        "workspaces[start : start + _IDS_IN_AN_ADDRESS]",
        "workspaces",
        f"{_LOAD}test_more_than_a_hundred_workspaces_are_asked_for_in_parts",
    ),
    Break(
        "a connection that may not be read now is not called deleted",
        "assets/look/look.py:Look.is_known",
        "return self.catalog.is_whole and not is_away",
        "return self.catalog.is_whole",
        f"{_DO}test_connections_of_a_workspace_that_is_away_are_not_called_deleted",
    ),
    Break(
        "links lead into the connection's own workspace, for no request",
        "resources/access/access.py:Access.pages.workspace_of",
        "known.get(connection_id) or self.workspace_of(connection_id, budget)",
        "self.workspace_of(connection_id, budget)",
        f"{_DO}test_a_job_starts_syncs_in_all_workspaces",
    ),
    Break(
        "a snapshot keeps the workspaces of a list",
        "resources/client/catalog_reader.py:CatalogReader._as_catalog",
        "found.is_whole and len(names) >= wanted",
        "found.is_whole",
        f"{_DO}test_a_snapshot_is_not_replaced_by_one_without_a_workspace_of_the_list",
    ),
    Break(
        "a sensor's earlier name is no other sensor",
        "sensors/reading/other_sensors.py:OtherSensors.among",
        "if last.stored_at > self.since:",
        "if True:",
        f"{_TWO}test_a_new_name_is_no_other_sensor",
    ),
    Break(
        "nor is a run",
        "sensors/reading/other_sensors.py:OtherSensors.among",
        "last.run_id",
        "None",
        f"{_TWO}test_what_is_no_other_sensor_s_report",
    ),
    Break(
        "a refusal because of one workspace closes no API for all",
        "resources/access/access.py:Access._check_refused",
        "isinstance(refused, AirbyteForbidden)",
        "False",
        f"{_GO}test_a_refusal_for_the_sake_of_one_closes_no_api_for_the_others[listed]",
    ),
    Break(
        "what may not be read is no news every ten minutes",
        "resources/access/readable.py:Readable._note",
        "self._refused.keys() - search.readable",
        "set[str]()",
        f"{_GO}test_what_was_refused_stays_so_until_it_is_answered_for",
    ),
    Break(
        "one of many that may not be read is found by halves",
        "resources/access/readable.py:_Search._parts",
        "return [(second, True)] if is_open else [(first, True), (second, False)]",
        "return [((each,), False) for each in ids]",
        f"{_GO}test_the_one_of_many_that_may_not_be_read_is_found_in_few_requests",
        is_slow=True,
    ),
    Break(
        "many that may not be read block no tick",
        "resources/access/readable.py:_Search.through",
        "self.questions >= _MOST_QUESTIONS or self.budget.is_spent",
        "False",
        f"{_GO}test_many_that_may_not_be_read_block_no_tick",
        is_slow=True,
    ),
    Break(
        "1: a parked connection waits for its workspace, too",
        "sensors/reading/workspaces_now.py:WorkspacesNow.readable",
        "short(places[each]) in here if each in places else not away",
        "True",
        f"{_GO}test_what_is_mended_while_its_workspace_is_away_waits_for_that",
        is_slow=True,
    ),
    Break(
        "1: a workspace without tables here is not taken for read",
        "sensors/cursor/workspaces_read.py:WorkspacesRead.holding",
        "return replace(self, held=held)",
        "return self",
        f"{_GO}test_one_that_was_away_as_definitions_loaded_is_read_on_when_it_has_tables",
    ),
    Break(
        "1: ... nor if no tick saw that it was away",
        "sensors/reading/workspaces_now.py:WorkspacesNow.joined",
        "lost = read.lost(self._seen, placed)",
        "lost = frozenset[str]()",
        f"{_LACK}test_what_definitions_lack_waits_until_they_have_it",
    ),
    Break(
        "1: ... which is said once",
        "sensors/reading/workspaces_now.py:WorkspacesNow.joined",
        "read.held - (cursor.workspaces or read).held",
        "read.held",
        f"{_LACK}test_what_definitions_lack_waits_until_they_have_it",
    ),
    Break(
        "what the user has left out waits for a month at most",
        "sensors/cursor/workspaces_read.py:WorkspacesRead.holding",
        "self.away[each] > now - LONGEST_AWAY",
        "True",
        f"{_FAR}test_what_is_back_without_its_tables_is_held_for_a_month",
    ),
    Break(
        "1: assets of the user's own are read on as well",
        "sensors/cursor/workspaces_read.py:WorkspacesRead.holding",
        "self.away.keys() & self.with_tables & _shortened(seen) - _shortened(placed)",
        "self.away.keys() & _shortened(seen) - _shortened(placed)",
        f"{_LACK}test_assets_of_the_user_are_read_on_when_their_workspace_is_back",
    ),
    Break(
        "1: ... also beside those of this package",
        "sensors/reading/workspaces_now.py:WorkspacesNow._connections_in",
        "if not places_in(self._repository).has_others:",
        "if own:",
        f"{_LACK}test_and_beside_assets_of_this_package",
    ),
    Break(
        "1: ... once it is known which connections it has",
        "sensors/reading/workspaces_now.py:WorkspacesNow.joined",
        "not new or places is None",
        "not new",
        f"{_LACK}test_one_that_is_back_waits_until_its_connections_are_known",
    ),
    Break(
        "nobody looks for what cannot come back",
        "sensors/reading/workspaces_now.py:WorkspacesNow._may_be_back",
        "each not in seen and self._is_meant(each)",
        "True",
        f"{_LACK}test_nobody_looks_for_what_cannot_come_back",
    ),
    Break(
        "5: the places of what is away go by a clock that was set back",
        "sensors/cursor_advance.py:_gone_back",
        "cursor.workspaces and cursor.workspaces.set_back(back)",
        "cursor.workspaces",
        f"{_FAR}test_the_places_of_what_is_away_go_by_a_clock_that_was_set_back",
    ),
    Break(
        "5: what was only passed over is not done once the clock was set back",
        "sensors/cursor_advance.py:move",
        "own &= {job_key(job) for job in scan.new}",
        "own &= own",
        "tests/sensors/test_cursor_advance.py"
        "::test_what_was_only_passed_over_is_not_done_once_the_clock_was_set_back",
    ),
    Break(
        "the places of those left last are kept",
        "sensors/cursor/workspaces_read.py:WorkspacesRead.without",
        "dict(newest)",
        "{**kept, **gone}",
        f"{_FAR}test_of_too_many_the_places_of_those_left_last_are_kept",
    ),
    Break(
        "6: a workspace that is back within a tick is read from the next one on",
        "resources/client/finished_jobs.py:FinishedJobs._ids",
        "ids if among is None else [each for each in ids if each in among]",
        "ids",
        f"{_GO}test_one_that_is_back_in_the_middle_of_a_tick_is_read_from_the_next_one_on",
        is_slow=True,
    ),
)
