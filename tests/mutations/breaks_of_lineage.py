"""What guards the lineage of tables. See `test_every_guard_is_needed.py`."""

from helpers.breaks import Break

OF_LINEAGE = (
    Break(
        "two sources of one name are two, whatever is selected",
        "assets/tables/table.py:_namesakes",
        "len(own) > 1",
        "False",
        "tests/lineage/test_where_data_comes_from.py::test_a_source_has_one_key_whatever_is_selected",
    ),
    Break(
        "a source has the same columns in definitions of each of its connections",
        "assets/tables/table.py:selected_tables",
        "each.id not in selected",
        "False",
        "tests/lineage/test_where_data_comes_from.py::test_two_definitions_of_one_stream_of_a_source_may_be_put_together",
    ),
    Break(
        "what is above a table may have a name that Dagster does not take",
        "assets/sync/outputs.py:multi_asset_of",
        "if usual and not ins:",
        "if usual:",
        "tests/assets/test_any_stream_name.py::test_so_may_what_is_above_a_table_of_a_plain_name",
    ),
    Break(
        "a dbt source is known by its name in the database",
        "assets/lineage/dbt_manifest.py:_source",
        'as_text(props.get("identifier")) or name',
        "name",
        "tests/dbt/test_which_dbt_source_a_table_is.py::test_its_name_in_the_database_counts_and_not_the_one_in_dbt",
    ),
    Break(
        "... and by its database",
        "assets/lineage/dbt_sources.py:DbtSourcesTranslator._find",
        "own is None or theirs is None or own == theirs",
        "True",
        "tests/dbt/test_which_dbt_source_a_table_is.py::test_what_is_no_source_keeps_its_key",
    ),
    Break(
        "... of the same kind of warehouse",
        "assets/lineage/dbt_sources.py:_index",
        "if not are_apart(warehouse, source.adapter_type):",
        "if True:",
        "tests/dbt/test_which_dbt_source_a_table_is.py::test_a_relation_of_another_kind_of_warehouse_is_another",
    ),
    Break(
        "a table that is two dbt sources has neither's key by chance",
        "assets/lineage/dbt_sources.py:DbtSourcesTranslator.get_asset_spec",
        "if len(keys) > 1:",
        "if False:",
        "tests/dbt/test_which_dbt_source_a_table_is.py::test_a_table_that_is_two_sources_is_an_error_that_names_both",
    ),
    Break(
        "no condition of a table waits for its source",
        "assets/lineage/source_assets.py:without_waiting",
        "if not callable(ignore):",
        "if True:",
        "tests/lineage/test_sources_change_nothing_else.py::test_a_table_is_automated_as_if_nothing_was_above_it[on_cron]",
    ),
    Break(
        "a source's asset never hides a table",
        "assets/lineage/source_assets.py:_refuse_keys_of_tables",
        "if source and source.key in taken:",
        "if False:",
        "tests/lineage/test_where_data_comes_from.py::test_a_function_that_cannot_be_used_is_an_error",
    ),
    Break(
        "a column that is changed twice comes from what it was at first",
        "assets/lineage/table_columns.py:_apply",
        "before.comes_from",
        "before.column.name",
        "tests/lineage/test_columns_of_tables.py::test_a_column_that_is_changed_on_its_way_comes_from_what_it_was",
    ),
    Break(
        "a field that is not selected is no column",
        "assets/lineage/table_columns.py:table_columns",
        "props.selected_fields is None or each.name in props.selected_fields",
        "True",
        "tests/lineage/test_columns_of_tables.py::test_a_field_that_is_not_selected_goes_nowhere",
    ),
    Break(
        "what a mapper does that is not known is not guessed",
        "assets/lineage/table_columns.py:table_columns",
        "if mapper.kind not in _NEW_NAME and mapper.kind != _LEAVES_OUT:",
        "if False:",
        "tests/lineage/test_columns_of_tables.py::test_of_a_mapper_that_is_not_known_nobody_says_what_it_does",
    ),
    Break(
        "an event's size counts the lineage of its columns",
        "assets/events/event_size.py:_entry",
        "if isinstance(value, dg.TableColumnLineageMetadataValue):",
        "if False:",
        "tests/assets/test_event_size.py",
        is_slow=True,
    ),
)
