"""How to reach one Airbyte workspace: plain values, checked, with secrets hidden from `repr`."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dagster_airbyte_sync.resources.errors import AirbyteSettingsError

CLOUD_REST_API = "https://api.airbyte.com/v1"
CLOUD_CONFIGURATION_API = "https://cloud.airbyte.com/api/v1"
CLOUD_UI = "https://cloud.airbyte.com"

CREDENTIALS = ("client_id", "client_secret", "username", "password")

LEAST: dict[str, float] = {
    "request_max_retries": 0,
    "request_retry_delay": 0,
    "request_timeout": 0.1,
    "max_items_per_page": 1,
    "catalog_ttl": 0,
}


@dataclass(frozen=True)
class AirbyteSettings:
    """One workspace and how to talk to it. Times are in seconds.

    Raises AirbyteSettingsError on values that can never work.
    """

    rest_api_base_url: str
    configuration_api_base_url: str
    workspace_id: str
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    request_max_retries: int = 3
    request_retry_delay: float = 0.25
    request_timeout: float = 15
    max_items_per_page: int = 100
    catalog_ttl: float = 300
    verify: bool | str = True
    request_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    proxies: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for name in ("rest_api_base_url", "configuration_api_base_url"):
            object.__setattr__(self, name, base_url(name, getattr(self, name)))
        if not self.workspace_id.strip():
            raise AirbyteSettingsError(
                "workspace_id is empty. Airbyte shows it under Settings > General, and in the"
                " address of every page: <airbyte>/workspaces/<workspace_id>/..."
            )
        check_credentials(*(bool(getattr(self, name)) for name in CREDENTIALS))
        for name in LEAST:
            check_number(name, getattr(self, name))

    @property
    def is_cloud(self) -> bool:
        return self.configuration_api_base_url == CLOUD_CONFIGURATION_API

    @property
    def secrets(self) -> tuple[str, ...]:
        """All values that must never be shown."""
        header_values = (value for _, value in self.request_headers)
        return tuple(filter(None, (self.client_secret, self.password, *header_values)))


def check_number(name: str, value: float) -> None:
    """Raise AirbyteSettingsError if the number is too small to work with."""
    if not value >= LEAST[name]:
        raise AirbyteSettingsError(f"{name} is {value}; the least that works is {LEAST[name]:g}.")


def check_credentials(client_id: bool, client_secret: bool, username: bool, password: bool) -> None:
    """Raise AirbyteSettingsError unless one whole pair of credentials, or none, is given."""
    for first, second, has_first, has_second in (
        ("client_id", "client_secret", client_id, client_secret),
        ("username", "password", username, password),
    ):
        if has_first != has_second:
            given, missing = (first, second) if has_first else (second, first)
            raise AirbyteSettingsError(
                f"{given} is set but {missing} is not: set both, or neither."
            )
    if client_id and username:
        raise AirbyteSettingsError(
            "Both client_id/client_secret and username/password are set: remove one pair."
            " Airbyte 1.0 and later takes client_id/client_secret; username/password are for a"
            " proxy in front of it."
        )


def base_url(name: str, value: str) -> str:
    """The address without a trailing slash; AirbyteSettingsError if it is no http(s) address."""
    example = (
        "http://localhost:8000/api/public/v1"
        if name.startswith("rest")
        else "http://localhost:8000/api/v1"
    )
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise AirbyteSettingsError(
            f"{name} is {value!r}, which is not an http(s) address. It looks like {example}"
        )
    if parts.username or parts.password:
        raise AirbyteSettingsError(
            f"{name} has a user name or password in it: use the fields username and password."
        )
    if parts.query or parts.fragment:
        raise AirbyteSettingsError(f"{name} has a query or fragment. It looks like {example}")
    return value.strip().rstrip("/")
