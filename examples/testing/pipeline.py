"""The pipeline that is tested here: a shop's tables, revenue from them, and an alert."""

import dagster as dg

from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    SyncProblem,
    build_airbyte_definitions,
)


class ByConnection(DagsterAirbyteTranslator):
    """Puts the connection's name before each table's, and says who owns it."""

    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:
        spec = super().get_asset_spec(props)
        key = spec.key.with_prefix(props.connection_name)
        return spec.replace_attributes(key=key, owners=["team:data"])


@dg.asset(deps=[["shop", "orders"]])
def daily_revenue() -> None:
    """What is computed after each sync of the orders."""


@dg.op
def send_alert(context: dg.OpExecutionContext) -> str:
    problem = SyncProblem.from_run_tags(context.run.tags)
    return f"{problem.connection_name}: {problem.reason}"


@dg.job
def alert() -> None:
    send_alert()


def pipeline(airbyte: AirbyteWorkspace) -> dg.Definitions:
    """All definitions, for this Airbyte: a simulated one in tests."""
    tables = build_airbyte_definitions(
        airbyte,
        dagster_airbyte_translator=ByConnection(),
        downstream=dg.AssetSelection.assets(daily_revenue),
        on_failure=alert,
    )
    return dg.Definitions.merge(tables, dg.Definitions([daily_revenue]))
