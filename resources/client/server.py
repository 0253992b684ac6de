"""Asks a self-managed Airbyte what it is, and whether the settings have its address right."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from cachetools import TTLCache

from dagster_airbyte_sync.resources.api import configuration_api
from dagster_airbyte_sync.resources.api.instance import CLOUD, Instance, is_instance, read_instance
from dagster_airbyte_sync.resources.errors import (
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSettingsError,
    AirbyteUnavailable,
    AirbyteUnreadable,
    OutOfTime,
)
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Http
from dagster_airbyte_sync.resources.json_values import Json, object_at

_PATH = "/api/v1"
_PUBLIC_PATH = "/api/public/v1"

# Seconds until an instance that did not answer is asked again: a tick has better to do.
_ASSUMED_FOR = 600.0


class Server:
    """Remembers the answers. Safe to share between threads."""

    def __init__(
        self, settings: AirbyteSettings, http: Http, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._http = http
        self._lock = threading.RLock()
        self._instance = CLOUD if settings.is_cloud else None
        self._assumed: TTLCache[str, Instance] = TTLCache(1, _ASSUMED_FOR, timer=clock)
        # Whether there is nothing more to find out about the address.
        self._is_checked = settings.is_cloud

    def instance(self, budget: TimeBudget = NO_LIMIT) -> Instance:
        """What the server is, asked for once; while it does not answer, the least to assume.

        An assumption lasts ten minutes. Never raises OutOfTime: no sync depends on this.
        """
        with self._lock:
            known = self._instance or self._assumed.get("instance")
            return known or self._first_answer(budget)

    def _first_answer(self, budget: TimeBudget) -> Instance:
        address = self._settings.configuration_api_base_url
        try:
            # A server that hangs must leave time for what the tick is about.
            answer = self._ask(address, budget.half())
        except (AirbyteUnavailable, OutOfTime):
            assumed = self._assumed["instance"] = self._read({})
            return assumed
        self._is_checked = self._is_checked or is_instance(answer)
        self._instance = self._read(answer)
        return self._instance

    def check_address(self, refusal: AirbyteRequestError, budget: TimeBudget) -> None:
        """Raise AirbyteSettingsError if the Configuration API is at another address, provably.

        For when it has refused and never answered. Tries only paths of the same host, and only
        until the answer is known.
        """
        with self._lock:
            if self._is_checked:
                return
            address = self._settings.configuration_api_base_url
            try:
                is_right = is_instance(self._ask(address, budget))
            except AirbyteUnavailable:
                return
            right = None if is_right else self._find_another(budget)
            if right is not None:
                raise AirbyteSettingsError(
                    f"configuration_api_base_url is {address}, but there is no Configuration API"
                    f" ({refusal}). One answers at {right}: set it to that."
                )
            self._is_checked = True

    def _find_another(self, budget: TimeBudget) -> str | None:
        for address in likely_addresses(
            self._settings.configuration_api_base_url, self._settings.rest_api_base_url
        ):
            with suppress(AirbyteUnavailable):
                if is_instance(self._ask(address, budget)):
                    return address
        return None

    def _ask(self, address: str, budget: TimeBudget) -> Json:
        """What the server at an address reports; empty if it refuses or sends no JSON."""
        try:
            return object_at(self._http.send(configuration_api.instance(address), budget))
        except (AirbyteRefused, AirbyteUnreadable):
            return {}

    def _read(self, answer: Json) -> Instance:
        settings = self._settings
        return read_instance(answer, settings.configuration_api_base_url, settings.ui_url)


def likely_addresses(configuration: str, rest: str) -> list[str]:
    """Where the Configuration API may be if it is not where the settings say, on the same host.

    An address that looks right is doubted only if the public API is at another path.
    """
    origin = _origin(configuration)
    beside = rest.removesuffix(_PUBLIC_PATH) + _PATH
    likely = [beside] if rest.endswith(_PUBLIC_PATH) and _origin(rest) == origin else []
    if not configuration.endswith(_PATH):
        path = urlsplit(configuration).path
        before_api = origin + f"{path}/".partition("/api/")[0].rstrip("/")
        likely += [f"{before_api}{_PATH}", f"{configuration}{_PATH}", f"{origin}{_PATH}"]
    return [address for address in dict.fromkeys(likely) if address != configuration]


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
