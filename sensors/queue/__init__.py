"""The sensor that starts syncs which wait for places in Airbyte."""
