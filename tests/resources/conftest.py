"""What the specifications of the Airbyte client share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from dagster_airbyte_sync.resources import AirbyteClient, AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Http
from dagster_airbyte_sync.testing import AirbyteSimulator


@pytest.fixture
def settings() -> Callable[..., AirbyteSettings]:
    """Settings of an Airbyte that is not there, with what the test changes."""

    def make(**changes: Any) -> AirbyteSettings:
        usual: dict[str, Any] = {
            "rest_api_base_url": "http://airbyte.test/api/public/v1",
            "configuration_api_base_url": "http://airbyte.test/api/v1",
            "workspace_id": "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6",
        }
        return AirbyteSettings(**{**usual, **changes})

    return make


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as simulator:
        yield simulator


@pytest.fixture(params=["configuration", "public", "public of 2.0"])
def either(request: pytest.FixtureRequest) -> Iterator[AirbyteSimulator]:
    """An Airbyte with its Configuration API open, and one with it closed."""
    version = "2.0.0" if request.param == "public of 2.0" else "2.1.0"
    is_open = request.param == "configuration"
    with AirbyteSimulator(configuration_api=is_open, version=version) as airbyte:
        yield airbyte


@pytest.fixture
def connect() -> Callable[..., AirbyteClient]:
    """A client of a simulated Airbyte that repeats without waiting."""

    def make(airbyte: AirbyteSimulator, **changes: Any) -> AirbyteClient:
        usual: dict[str, Any] = {**airbyte.workspace_config(), "request_retry_delay": 0}
        return AirbyteClient(AirbyteSettings(**{**usual, **changes}))

    return make


@pytest.fixture
def mocked() -> Iterator[responses.RequestsMock]:
    """Answers that no honest server gives; a request that nobody expects is an error."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def waits() -> list[float]:
    """The seconds that `http` would have slept."""
    return []


@pytest.fixture
def http(settings: Callable[..., AirbyteSettings], waits: list[float]) -> Http:
    return Http(settings(request_max_retries=3, request_retry_delay=1), sleep=waits.append)
