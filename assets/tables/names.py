"""Names of Airbyte, in which everything is allowed, as names that Dagster takes."""

import re


def clean_name(name: str) -> str:
    """The name with everything Dagster does not allow in names made an underscore."""
    return clean_name_with_case(name).lower()


def clean_name_with_case(name: str) -> str:
    """The same, but capitals stay."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", name)
