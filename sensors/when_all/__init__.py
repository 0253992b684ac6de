"""A trigger over several connections: a run once all of them have synced."""
