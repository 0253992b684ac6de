"""What Dagster's event log has: of a table, of its checks, and what runs claim."""
