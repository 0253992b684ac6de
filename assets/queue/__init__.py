"""Syncs that wait for a place in Airbyte, as runs write them down and read them again."""
