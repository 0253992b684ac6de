"""The environment variables by which examples, and users, give a workspace its settings."""

import os
from collections.abc import Mapping


def variables(settings: Mapping[str, object], prefix: str = "AIRBYTE") -> dict[str, str]:
    return {f"{prefix}_{name.upper()}": str(value) for name, value in settings.items()}


def environ_with(given: Mapping[str, str]) -> dict[str, str]:
    """The environment, with no more of Airbyte than is given: deployments of other tests that go on
    in this process have theirs in it."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AIRBYTE_")}
    return {**others, **given}
