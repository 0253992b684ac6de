"""`migrate`: what a project that was written for dagster-airbyte has to change."""
