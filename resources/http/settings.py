"""How to reach workspaces of an Airbyte: plain values, checked, with secrets hidden from `repr`."""

import base64
import hashlib
import os
import re
from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Literal, get_args
from urllib.parse import SplitResult, urlsplit

from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.http.frames import forgets_arguments
from dagster_airbyte_sync.resources.http.redaction import (
    bare_address,
    passwords_in,
    secrets_in_header,
)

CLOUD_REST_API = "https://api.airbyte.com/v1"
CLOUD_CONFIGURATION_API = "https://cloud.airbyte.com/api/v1"
CLOUD_UI = "https://cloud.airbyte.com"

# How the addresses of a self-managed Airbyte end.
PUBLIC_PATH = "/api/public/v1"
CONFIGURATION_PATH = "/api/v1"

_CREDENTIALS = (("client_id", "client_secret"), ("username", "password"))

LEAST: dict[str, float] = {
    "request_max_retries": 0,
    "request_retry_delay": 0,
    "request_timeout": 0.1,
    "max_items_per_page": 1,
    "catalog_ttl": 0,
    "poll_interval": 0,
    "poll_timeout": 0,
    "wait_timeout": 0,
    "outage_timeout": 0,
}
# An upgrade of a large installation takes some minutes. In seconds.
DEFAULT_OUTAGE_TIMEOUT = 900.0
# No socket can wait for more than some weeks.
MOST: dict[str, float] = {"request_timeout": 86_400}

_WHERE_TO_FIND_IT = (
    "Airbyte shows it under Settings > General, and in the address of every page:"
    " <airbyte>/workspaces/<workspace_id>/..."
)
# Begins the names of instances; no id of a workspace does.
INSTANCE = "instance-"

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# What `requests` and `http.client` can send.
_HEADER_VALUE = re.compile(r"(\S[^\r\n]*)?")
_HEADER_NAME = re.compile(r"[!-9;-~]+")


_EXAMPLES = {
    "rest_api_base_url": "http://localhost:8000/api/public/v1",
    "configuration_api_base_url": "http://localhost:8000/api/v1",
    "ui_url": "https://airbyte.example.com",
}

OnActiveSync = Literal["attach", "wait", "fail"]
"""What a run does if a connection is busy as it wants to sync it."""


@dataclass(frozen=True)
class AirbyteSettings:
    """One workspace, or several of an instance, and how to talk to them. Times are in seconds.

    Of an instance `workspace_id` is None, and `workspace_ids` are those that are wanted: None for
    all that the credentials see. Raises AirbyteSettingsError for values that can never work.
    """

    rest_api_base_url: str
    configuration_api_base_url: str
    workspace_id: str | None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    request_max_retries: int = 3
    request_retry_delay: float = 0.25
    request_timeout: float = 15
    max_items_per_page: int = 200
    catalog_ttl: float = 300
    verify: bool | str = True
    request_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    proxies: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    ui_url: str | None = None
    workspace_ids: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("rest_api_base_url", "configuration_api_base_url"):
            object.__setattr__(self, name, base_url(name, getattr(self, name)))
        check_addresses(self.rest_api_base_url, self.configuration_api_base_url)
        # An environment variable may be set to nothing.
        ui_url = (self.ui_url or "").strip()
        object.__setattr__(self, "ui_url", base_url("ui_url", ui_url) if ui_url else None)
        if self.workspace_id is not None:
            object.__setattr__(self, "workspace_id", self.workspace_id.strip())
            check_workspace_id(self.workspace_id)
        if self.workspace_ids is not None:
            object.__setattr__(self, "workspace_ids", checked_ids(self.workspace_ids))
        check_credentials({name for name in SETTINGS if getattr(self, name)})
        for name in filter(LEAST.__contains__, SETTINGS):
            check_number(name, getattr(self, name))
        for name, value in self.request_headers:
            check_header(name, value)
        check_ca_file(self.verify)

    @property
    def scope(self) -> str:
        """What cursors and run keys call it: the workspace's id, or a name for the instance.

        Which workspaces of an instance are wanted may change without a new name.
        """
        if self.workspace_id is not None:
            return self.workspace_id
        return f"{INSTANCE}{hashlib.sha256(self.rest_api_base_url.encode()).hexdigest()[:12]}"

    @property
    def is_cloud(self) -> bool:
        return self.configuration_api_base_url == CLOUD_CONFIGURATION_API

    @property
    def public_page_size(self) -> int:
        """How many rows to ask the public API for: it refuses larger pages than 100."""
        return min(self.max_items_per_page, 100)

    @property
    def sends_authorization(self) -> bool:
        """Whether the headers bring credentials of their own."""
        return any(name.lower() == "authorization" for name, _ in self.request_headers)

    def names_of(self, url: str) -> str:
        """Which settings have the server of this URL; empty for Cloud's, which nobody sets."""
        names = () if self.is_cloud else ("rest_api_base_url", "configuration_api_base_url")
        here = urlsplit(url).netloc
        return " and ".join(name for name in names if urlsplit(getattr(self, name)).netloc == here)

    @property
    def hosts_in_the_clear(self) -> tuple[str, ...]:
        """Other machines to which credentials are sent unencrypted."""
        if not (self.client_secret or self.password or self.request_headers):
            return ()
        parts = map(urlsplit, (self.rest_api_base_url, self.configuration_api_base_url))
        hosts = {each.hostname or "" for each in parts if each.scheme == "http"}
        return tuple(sorted(host for host in hosts if not is_this_machine(host)))

    @property
    def secrets(self) -> tuple[str, ...]:
        """All values that must never be shown, in every form in which they are sent."""
        of_headers = (
            part for _, value in self.request_headers for part in secrets_in_header(value)
        )
        of_proxies = (word for _, address in self.proxies for word in passwords_in(address))
        known = (self.client_secret, self.password, self._basic, *of_headers, *of_proxies)
        return tuple(filter(None, known))

    @property
    def _basic(self) -> str | None:
        user_and_password = f"{self.username}:{self.password}".encode("utf-8", "replace")
        return base64.b64encode(user_and_password).decode() if self.password else None


SETTINGS = tuple(each.name for each in fields(AirbyteSettings))

# Its arguments are secrets, and a dataclass's own leaves them in its frame if it raises.
AirbyteSettings.__init__ = forgets_arguments(AirbyteSettings.__init__)  # type: ignore[method-assign]


def is_this_machine(host: str) -> bool:
    try:
        ip = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return ip.is_loopback or ip.is_unspecified


def http_parts(address: str) -> SplitResult | None:
    """The parts of an http(s) address; None if it is no such address."""
    try:
        parts = urlsplit(address.strip())
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if is_usable else None


def check_number(name: str, value: float) -> None:
    """Raise AirbyteSettingsError if the number is too small or too large to work with."""
    if not value >= LEAST[name]:
        raise AirbyteSettingsError(f"{name} is {value}; the minimum is {LEAST[name]:g}.")
    if name in MOST and value > MOST[name]:
        raise AirbyteSettingsError(f"{name} is {value}; the maximum is {MOST[name]:g}.")


def check_workspace_is_given(workspace_id: str, name: str = "workspace_id") -> None:
    """Raise AirbyteSettingsError if the workspace_id is blank."""
    if not workspace_id.strip():
        raise AirbyteSettingsError(f"{name} is empty. {_WHERE_TO_FIND_IT}")


def checked_ids(values: Iterable[str]) -> tuple[str, ...]:
    """Ids of workspaces, each once. Raises AirbyteSettingsError for none, or for what is no id."""
    ids = tuple(dict.fromkeys(value.strip().lower() for value in values))
    if not ids:
        raise AirbyteSettingsError(
            "workspace_ids is empty: name the workspaces, or leave it out for all that the"
            " credentials can see."
        )
    for each in ids:
        check_workspace_id(each, "workspace_ids")
    return ids


def check_workspace_id(value: str, name: str = "workspace_id") -> None:
    """Raise AirbyteSettingsError unless it is a UUID; Airbyte answers 500 to anything else."""
    check_workspace_is_given(value, name)
    if not _UUID.fullmatch(value):
        raise AirbyteSettingsError(
            f"There is no workspace {value!r}: an id looks like"
            f" 0123abcd-0123-4567-89ab-0123456789ab. Check {name}: {_WHERE_TO_FIND_IT}"
        )


def check_header(name: str, value: str) -> None:
    """Raise AirbyteSettingsError, without the value, if HTTP cannot send the header."""
    if not _HEADER_NAME.fullmatch(name) or not is_header_value(value):
        raise AirbyteSettingsError(
            f"request_headers has a header {name!r} that HTTP cannot send: neither name nor value"
            " may contain a line break, and the value may not start with a space or contain"
            " characters beyond Latin-1."
        )


def is_header_value(value: str) -> bool:
    """Whether HTTP can send the text as the value of a header."""
    is_latin = all(ord(letter) < 256 for letter in value)
    return is_latin and _HEADER_VALUE.fullmatch(value) is not None


def check_ca_file(verify: bool | str) -> None:
    """Raise AirbyteSettingsError if `verify` names a CA file (or folder) that is not there."""
    if isinstance(verify, str) and not os.path.exists(verify):
        raise AirbyteSettingsError(
            f"verify is {verify!r}, but there is no such file: give true, false or a CA file."
        )


def check_names(names: Iterable[str], known: Collection[str], of: str) -> None:
    """Raise AirbyteSettingsError for a name that no field has: pydantic would ignore it."""
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f": did you mean {close[0]}?" if close else "."
            raise AirbyteSettingsError(f"{of} has no setting {name!r}{hint}")


def check_credentials(names: Set[str]) -> None:
    """Raise AirbyteSettingsError unless one whole pair of credentials, or none, is set.

    `names` are those of the settings that have a value.
    """
    for first, second in _CREDENTIALS:
        if (first in names) != (second in names):
            present, missing = (first, second) if first in names else (second, first)
            raise AirbyteSettingsError(
                f"{present} is set but {missing} is not: set both, or neither."
            )
    if {"client_id", "username"} <= names:
        raise AirbyteSettingsError(
            "Both client_id/client_secret and username/password are set: remove one pair."
            " Airbyte 1.0 and later takes client_id/client_secret; username/password are for a"
            " proxy in front of it."
        )


def active_sync_choice(on_active_sync: str | None, poll_previous: bool) -> OnActiveSync:
    """What both settings together mean; AirbyteSettingsError if they contradict each other."""
    if on_active_sync is None:
        return "attach" if poll_previous else "fail"
    choice: OnActiveSync | None
    choice = next((each for each in get_args(OnActiveSync) if each == on_active_sync), None)
    if choice is None:
        raise AirbyteSettingsError(
            f"on_active_sync is {on_active_sync!r}: give 'attach', 'wait' or 'fail'."
        )
    if poll_previous and choice != "attach":
        raise AirbyteSettingsError(
            f"on_active_sync is {choice!r}, but poll_previous_running_sync=True means 'attach':"
            " remove one of them."
        )
    return choice


def check_addresses(rest: str, configuration: str) -> None:
    """Raise AirbyteSettingsError if the two addresses are one, or change places. Pure.

    Airbyte's own paths tell them apart, also behind a proxy that puts something before them.
    """
    rest, configuration = rest.strip().rstrip("/"), configuration.strip().rstrip("/")
    is_swapped = rest.endswith(CONFIGURATION_PATH) and configuration.endswith(PUBLIC_PATH)
    if not is_swapped and rest != configuration:
        return
    fault = "are swapped" if is_swapped else f"are both {rest}"
    raise AirbyteSettingsError(
        f"rest_api_base_url and configuration_api_base_url {fault}. Airbyte has two APIs: the first"
        f" is the public one, which ends with {PUBLIC_PATH}, the second the Configuration API,"
        f" which ends with {CONFIGURATION_PATH}."
    )


def base_url(name: str, value: str) -> str:
    """The address without a trailing slash; AirbyteSettingsError if it is no http(s) address."""
    example = _EXAMPLES[name]
    parts = http_parts(value)
    if parts is None:
        raise AirbyteSettingsError(
            f"{name} is {bare_address(value)!r}, which is not an http(s) address."
            f" It looks like {example}"
        )
    if parts.username or parts.password:
        raise AirbyteSettingsError(
            f"{name} has a user name or password in it: use the fields username and password."
        )
    if parts.query or parts.fragment:
        raise AirbyteSettingsError(f"{name} has a query or fragment. It looks like {example}")
    return value.strip().rstrip("/")
