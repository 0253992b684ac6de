"""The command line: `dagster-airbyte-sync`. A file for each command; `group.py` lists them."""

from dagster_airbyte_sync.cli.group import main

__all__ = ["main"]
