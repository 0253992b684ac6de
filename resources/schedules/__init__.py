"""Airbyte's schedules in cron's terms, and those that Dagster has taken over."""
