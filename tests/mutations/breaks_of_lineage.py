"""What guards the lineage of tables. See `test_every_guard_is_needed.py`."""

from helpers.breaks import Break

OF_LINEAGE = (
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
)
