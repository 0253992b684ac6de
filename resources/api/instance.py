"""What a self-managed Airbyte reports about itself, and which of it can be used. Pure."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from dagster_airbyte_sync.resources.http.settings import CLOUD_UI, http_parts, is_this_machine
from dagster_airbyte_sync.resources.json_values import Json, as_text, object_at
from dagster_airbyte_sync.resources.records.catalog import Api

# Names that only a cluster, or Docker, knows.
_INSIDE = (".svc", ".cluster.local", ".docker.internal")


@dataclass(frozen=True)
class Instance:
    """One Airbyte. `ui_url` has no trailing slash; `version` is "" if it does not say.

    `hides_refreshes`: its public job list has refreshes only if asked for them by type.
    """

    ui_url: str
    hides_refreshes: bool
    version: str = ""


CLOUD = Instance(CLOUD_UI, hides_refreshes=False)


def read_instance(
    answer: Json, configuration_api_base_url: str, ui_url: str | None = None
) -> Instance:
    """The instance from the answer of `/instance_configuration`, which may be empty.

    The UI is at `ui_url` of the settings, else where Airbyte reports it, unless a browser cannot
    open that: an address nobody configured is a placeholder, localhost, or a name inside a cluster.
    Else it is beside the API.
    """
    beside = configuration_api_base_url.removesuffix("/api/v1")
    own = (as_text(answer.get("airbyteUrl")) or "").strip()
    shown = own if leads_to_people(own, configuration_api_base_url) else beside
    version = as_text(answer.get("version")) or ""
    return Instance((ui_url or shown).rstrip("/"), not _is_2_1_or_later(version), version)


def api_that_says(health: str | None) -> Api | None:
    """Which of Airbyte's two APIs answers like this to GET /health, which both let everybody ask.

    `health` is the text of a good answer, None for any other: then it is neither of them.
    """
    if (health or "").strip() == "Successful operation":
        return "public"
    try:
        answer = object_at(json.loads(health or ""))
    except (RecursionError, ValueError):
        return None
    return "configuration" if "available" in answer else None


def is_instance(answer: Json) -> bool:
    """Whether an answer is that of `/instance_configuration`, of any Airbyte since 1.0."""
    return "version" in answer or "edition" in answer


def leads_to_people(address: str, api: str) -> bool:
    """Whether a browser can open the address that an Airbyte reports as its own.

    A name inside a cluster may be right if the API is reached by one, too. Localhost is never
    taken: it is Helm's default wherever Airbyte runs, and where the API is local, so is what is
    beside it.
    """
    parts = http_parts(address)
    if parts is None or " " in parts.netloc:
        return False
    if parts.username or parts.password or parts.query or parts.fragment:
        return False
    host, api_host = parts.hostname or "", urlsplit(api).hostname or ""
    if is_this_machine(host):
        return False
    return not _is_inside(host) or host == api_host or _is_inside(api_host)


def _is_inside(host: str) -> bool:
    if ":" in host or is_this_machine(host):
        return False
    first, dot, _ = host.rstrip(".").partition(".")
    # Helm names its services like this, without the cluster's own ending.
    return not dot or first.endswith("-svc") or host.rstrip(".").endswith(_INSIDE)


def _is_2_1_or_later(version: str) -> bool:
    numbers = version.split(".")[:2]
    if len(numbers) < 2 or not all(number.isdecimal() for number in numbers):
        return False
    return tuple(map(int, numbers)) >= (2, 1)
