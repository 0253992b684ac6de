"""What a self-managed Airbyte says about itself."""

from dataclasses import dataclass

from dagster_airbyte_sync.resources.reading import Json, text
from dagster_airbyte_sync.resources.settings import CLOUD_UI


@dataclass(frozen=True)
class Instance:
    """One Airbyte. `ui_url` has no trailing slash.

    `hides_refreshes`: its public job list leaves refreshes out unless they are asked for.
    """

    ui_url: str
    hides_refreshes: bool


CLOUD = Instance(CLOUD_UI, hides_refreshes=False)


def read_instance(answer: Json, configuration_api_base_url: str) -> Instance:
    """The answer of `/instance_configuration`, or of nobody: then the UI is beside the API."""
    beside = configuration_api_base_url.removesuffix("/api/v1")
    url = text(answer.get("airbyteUrl")) or beside
    return Instance(url.rstrip("/"), not _is_2_1_or_later(text(answer.get("version")) or ""))


def _is_2_1_or_later(version: str) -> bool:
    numbers = version.split(".")[:2]
    if len(numbers) < 2 or not all(number.isdecimal() for number in numbers):
        return False
    return tuple(map(int, numbers)) >= (2, 1)
