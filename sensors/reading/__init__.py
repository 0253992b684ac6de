"""What a tick reads: jobs, live runs, and which tables are defined."""
