"""What depends on Airbyte's tables."""

import dagster as dg


@dg.asset(deps=["orders"], group_name="marts")
def daily_revenue() -> None:
    """The revenue of each day."""
