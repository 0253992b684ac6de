"""What is written to Dagster's event log about syncs, and read from it."""
