"""Asks a self-managed Airbyte what it is, and whether the settings have its address right."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from cachetools import TTLCache

from dagster_airbyte_sync.resources.access.steadiness import Steadiness
from dagster_airbyte_sync.resources.api import configuration_api
from dagster_airbyte_sync.resources.api.instance import (
    CLOUD,
    Instance,
    api_that_says,
    is_instance,
    read_instance,
)
from dagster_airbyte_sync.resources.errors import (
    AirbyteNotFound,
    AirbyteRefused,
    AirbyteRequestError,
    AirbyteSentPage,
    AirbyteSettingsError,
    AirbyteUnavailable,
    AirbyteUnreadable,
    NoAnswer,
    OutOfTime,
    TokensNotGiven,
)
from dagster_airbyte_sync.resources.http.budget import NO_LIMIT, TimeBudget
from dagster_airbyte_sync.resources.http.settings import (
    CONFIGURATION_PATH,
    PUBLIC_PATH,
    AirbyteSettings,
)
from dagster_airbyte_sync.resources.http.transport import Http
from dagster_airbyte_sync.resources.json_values import Json, object_at
from dagster_airbyte_sync.resources.records.catalog import Api

_NO_AIRBYTE = "what answers at {} is not Airbyte"
_ITS_ENDING = f"The address of the public API ends with {PUBLIC_PATH}."

# Seconds until an instance that did not answer is asked again: a tick has better to do.
_ASSUMED_FOR = 600.0
# How long one look may take, in seconds.
_LOOK = 20.0


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
        self._clock = clock
        self._steadiness = Steadiness()
        # Whether a look was ever good: what never was may be closed to us, and not down.
        self._is_seen = False
        self._is_compared = False
        # Whether there is nothing more to find out about the address.
        self._is_checked = self._is_public_checked = settings.is_cloud

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
        self._note(answer)
        return self._instance

    def steadiness(self, *, fresh: bool = False) -> Steadiness:
        """Whether Airbyte is there to take jobs; one request if the last look is too old.

        With `fresh`, one in any case. Airbyte Cloud is not asked, as it says nothing of itself.
        """
        with self._lock:
            known, now = self._steadiness, self._clock()
        if fresh or known.is_due(now):
            # Not with the lock: a server that hangs would keep all who ask what is known.
            problem, answer = ("", {}) if self._settings.is_cloud else self._looked()
            with self._lock:
                if problem:
                    self._steadiness = self._steadiness.gone(problem, self._clock())
                else:
                    self._note(answer)
        return self._steadiness

    def known_version(self) -> str:
        with self._lock:
            return self._steadiness.version

    def expect_version(self, version: str) -> None:
        """If it is a different one now, it is seen twice before it counts as steady. Only the
        first version counts: each table may have an older one."""
        with self._lock:
            if self._is_compared or not version:
                return
            self._is_compared = True
            known = self._steadiness
            if known.looked_at is None:
                self._steadiness = Steadiness(version)
            elif known.is_steady:
                self._steadiness = Steadiness(version).seen(known.version, self._clock())

    def note_absence(self, problem: str) -> None:
        """What a start met that the last look did not show."""
        with self._lock:
            self._steadiness = self._steadiness.gone(problem, self._clock())

    def _looked(self) -> tuple[str, Json]:
        """Why Airbyte is not there, or what it says of itself."""
        address = self._settings.configuration_api_base_url
        try:
            answer = self._http.look(configuration_api.instance(address), TimeBudget(_LOOK))
            found = object_at(answer)
        except (AirbyteRefused, AirbyteUnreadable):
            found = {}
        except (AirbyteUnavailable, OutOfTime) as silence:
            # What never can work is for the start itself to say, at once.
            is_mistake = isinstance(silence, NoAnswer) and silence.needs_settings
            return ("" if is_mistake else str(silence)), {}
        # Where this is closed, its refusal says nothing.
        is_there = is_instance(found) or self._is_there_publicly()
        return (_NO_AIRBYTE.format(address) if self._is_seen and not is_there else ""), found

    def _note(self, answer: Json) -> None:
        if is_instance(answer):
            # It may be another version than the one that was asked first.
            self._instance, self._is_seen = self._read(answer), True
        version = self._read(answer).version
        self._steadiness = self._steadiness.seen(version, self._clock())

    def _is_there_publicly(self) -> bool:
        with suppress(OutOfTime):
            if self._api_at(self._settings.rest_api_base_url, TimeBudget(_LOOK)) == "public":
                self._is_seen = True
                return True
        return False

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
                    f" ({_brief(refusal)}). One answers at {right}: set it to that.",
                    right,
                ) from None
            self._is_checked = True

    def check_public_address(self, error: AirbyteRequestError, budget: TimeBudget) -> None:
        """Raise AirbyteSettingsError if the public API is at another address, provably.

        For an error of a request to the address that the settings have. Asks each address, of the
        same host only, whether it is there, and only until that is known.
        """
        with self._lock:
            if self._is_public_checked or not _doubts_public(error, self._settings):
                return
            address = self._settings.rest_api_base_url
            found = self._api_at(address, budget)
            others = likely_public_addresses(address, self._settings.configuration_api_base_url)
            if found == "public":
                self._is_public_checked = True
                return
            right = next((each for each in others if self._api_at(each, budget) == "public"), None)
            if right is not None or found == "configuration":
                what = "the Configuration API" if found else "no public API"
                way_out = f"One answers at {right}: set it to that." if right else _ITS_ENDING
                raise AirbyteSettingsError(
                    f"rest_api_base_url is {address}, but there is {what} ({_brief(error)})."
                    f" {way_out}",
                    right,
                ) from None
            self._is_public_checked = True

    def _api_at(self, address: str, budget: TimeBudget) -> Api | None:
        return api_that_says(self._http.text(configuration_api.health(address), budget))

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
    return _likely(configuration, CONFIGURATION_PATH, rest, PUBLIC_PATH)


def likely_public_addresses(rest: str, configuration: str) -> list[str]:
    """The same for the public API."""
    return _likely(rest, PUBLIC_PATH, configuration, CONFIGURATION_PATH)


def _likely(address: str, ending: str, other: str, its_ending: str) -> list[str]:
    origin = _origin(address)
    beside = other.removesuffix(its_ending) + ending
    is_known = other.endswith(its_ending) and not other.endswith(ending)
    likely = [beside] if is_known and _origin(other) == origin else []
    if not address.endswith(ending):
        before_api = origin + f"{urlsplit(address).path}/".partition("/api/")[0].rstrip("/")
        likely += [f"{before_api}{ending}", f"{address}{ending}", f"{origin}{ending}"]
    return [each for each in dict.fromkeys(likely) if each != address]


def _doubts_public(error: AirbyteRequestError, settings: AirbyteSettings) -> bool:
    """Whether what is no API of Airbyte's, or not its public one, would answer like this."""
    is_public = error.url.startswith(settings.rest_api_base_url)
    if not is_public or error.url.startswith(settings.configuration_api_base_url):
        return False
    kinds = (AirbyteNotFound, AirbyteSentPage, TokensNotGiven)
    return isinstance(error, kinds) or error.status in (403, 405)


def _brief(error: AirbyteRequestError) -> str:
    """Without its reason: what an address answers that is none of Airbyte's explains nothing."""
    return f"{error.method} {error.url} answered {error.status or 'with a page'}"


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
