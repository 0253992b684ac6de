"""`history`: syncs as a table."""
