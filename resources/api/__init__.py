"""Airbyte's two APIs: which requests there are, what their answers mean, and paging."""
