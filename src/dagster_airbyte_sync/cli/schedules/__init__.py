"""`take-over` and `put-back`: the schedules of Airbyte, handed over to Dagster and returned."""
