"""What is different in spite of the code that says the same as a former call. Pure."""

from collections.abc import Iterator

from dagster_airbyte_sync.legacy.function_source import Function, code_of, names_used_by
from dagster_airbyte_sync.legacy.translator import Callbacks

# What a former callback can ask of a connection, and where a translator or selector finds it.
_IN_PROPS = {
    "stream_data": "props has json_schema and stream_name",
    "destination": "props has destination_type, database and schema",
    "has_basic_normalization": "Airbyte has no normalization any more",
}
_IN_CONNECTION = {
    "stream_data": "a connection has all_streams",
    "destination": "a connection has destination_id",
    "has_basic_normalization": "Airbyte has no normalization any more",
}


def notes_on(callbacks: Callbacks, connection_filter: Function | None) -> Iterator[str]:
    """One sentence or two for each difference."""
    yield "Ops are called airbyte_<connection>, no longer airbyte_sync_<id>."
    yield ("Airbyte's logs are not copied into the run; each materialization links to its job.")
    for argument, function in callbacks.functions().items():
        yield from _on_function(argument, function, _IN_PROPS)
    if connection_filter:
        yield from _on_function("connection_filter", connection_filter, _IN_CONNECTION)
    if callbacks.to_freshness:
        yield (
            "A LegacyFreshnessPolicy does nothing in today's Dagster: let"
            " connection_to_freshness_policy_fn return a dg.FreshnessPolicy."
        )
    if callbacks.to_automation:
        yield "Instead of an AutoMaterializePolicy, return a dg.AutomationCondition."


def _on_function(argument: str, function: Function, instead: dict[str, str]) -> Iterator[str]:
    if code_of(function, otherwise=argument) == argument:
        yield (
            f"{argument} stands for the function that you gave by that name: no module has a name"
            " for it."
        )
    for name in sorted(names_used_by(function) & instead.keys()):
        yield f"{argument} asks for {name}, which is not there any more: {instead[name]}."
