"""When Dagster starts syncs: its own schedules, and those of Airbyte."""
