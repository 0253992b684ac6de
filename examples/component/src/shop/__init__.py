"""A shop whose tables Airbyte syncs."""
