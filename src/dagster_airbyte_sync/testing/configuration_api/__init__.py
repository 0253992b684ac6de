"""Airbyte's Configuration API."""
