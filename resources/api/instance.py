"""What a self-managed Airbyte says about itself, and how much of it is of use. Pure."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from dagster_airbyte_sync.resources.http.settings import CLOUD_UI
from dagster_airbyte_sync.resources.json_values import Json, as_text

# Names that only a cluster, or Docker, knows.
_INSIDE = (".svc", ".cluster.local", ".docker.internal")


@dataclass(frozen=True)
class Instance:
    """One Airbyte. `ui_url` has no trailing slash.

    `hides_refreshes`: its public job list leaves refreshes out unless they are asked for.
    """

    ui_url: str
    hides_refreshes: bool


CLOUD = Instance(CLOUD_UI, hides_refreshes=False)


def read_instance(
    answer: Json, configuration_api_base_url: str, ui_url: str | None = None
) -> Instance:
    """The answer of `/instance_configuration`, or of nobody.

    The UI is where the settings say (`ui_url`), else where Airbyte says, if that can be an address
    for people: where nobody configured it, it is a placeholder, or leads to a browser's own
    machine, or into a cluster. Else it is beside the API.
    """
    beside = configuration_api_base_url.removesuffix("/api/v1")
    said = as_text(answer.get("airbyteUrl")) or ""
    shown = said.strip() if leads_to_people(said, configuration_api_base_url) else beside
    return Instance(
        (ui_url or shown).rstrip("/"), not _is_2_1_or_later(as_text(answer.get("version")) or "")
    )


def is_instance(answer: Json) -> bool:
    """Whether an answer is that of `/instance_configuration`, of any Airbyte since 1.0."""
    return "version" in answer or "edition" in answer


def leads_to_people(address: str, api: str) -> bool:
    """Whether a browser can be sent to the address, of which an Airbyte says it is its own.

    A name of a cluster may be right if the API is reached by one, too. A browser's own machine is
    never taken: Helm's default is http://localhost:8080 wherever Airbyte is, and where the API is
    on the own machine, what is beside it is right.
    """
    parts, own = _parts(address), _parts(api)
    if parts is None or parts.username or parts.password or parts.query or parts.fragment:
        return False
    host, own_host = parts.hostname or "", own.hostname or "" if own else ""
    if _is_loopback(host):
        return False
    if _is_inside(host):
        return host == own_host or _is_inside(own_host)
    return True


def _parts(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable and " " not in parts.netloc else None


def _is_loopback(host: str) -> bool:
    try:
        found = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return found.is_loopback or found.is_unspecified


def _is_inside(host: str) -> bool:
    if ":" in host or _is_loopback(host):
        return False
    first, dot, _ = host.rstrip(".").partition(".")
    # Helm names its services so, and leaves the cluster's own ending out.
    return not dot or first.endswith("-svc") or host.rstrip(".").endswith(_INSIDE)


def _is_2_1_or_later(version: str) -> bool:
    numbers = version.split(".")[:2]
    if len(numbers) < 2 or not all(number.isdecimal() for number in numbers):
        return False
    return tuple(map(int, numbers)) >= (2, 1)
