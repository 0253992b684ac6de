"""The environment variables by which examples, and users, give a workspace its settings."""

from collections.abc import Mapping


def variables(settings: Mapping[str, object], prefix: str = "AIRBYTE") -> dict[str, str]:
    return {f"{prefix}_{name.upper()}": str(value) for name, value in settings.items()}
