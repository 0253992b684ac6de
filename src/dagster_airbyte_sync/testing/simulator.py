"""The simulated Airbyte, as a test sees it."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING

from dagster_airbyte_sync.testing.clock import Clock, SimulatedClock
from dagster_airbyte_sync.testing.configuration_api.endpoints import ConfigurationApi
from dagster_airbyte_sync.testing.controls.catalog import CatalogControls
from dagster_airbyte_sync.testing.controls.history import HistoryControls
from dagster_airbyte_sync.testing.controls.incidents import IncidentControls
from dagster_airbyte_sync.testing.controls.job_controls import JobControls
from dagster_airbyte_sync.testing.controls.job_details import JobDetailControls
from dagster_airbyte_sync.testing.controls.stored import StoredControls
from dagster_airbyte_sync.testing.controls.workspaces import WorkspaceControls
from dagster_airbyte_sync.testing.errors import SimulatorError
from dagster_airbyte_sync.testing.public_api.endpoints import PublicApi
from dagster_airbyte_sync.testing.server.app import application
from dagster_airbyte_sync.testing.server.cloud import CloudHosts, CloudWorkspaceConfig
from dagster_airbyte_sync.testing.server.faults import ArmedFault, Fault
from dagster_airbyte_sync.testing.server.gateway import Gateway
from dagster_airbyte_sync.testing.server.recording import Exchange, RecordedRequest
from dagster_airbyte_sync.testing.server.server import Server
from dagster_airbyte_sync.testing.server.tokens import (
    AuthMode,
    Doorkeeper,
    InstanceConfig,
    WorkspaceConfig,
)
from dagster_airbyte_sync.testing.wire.versions import Version
from dagster_airbyte_sync.testing.world.world import World

if TYPE_CHECKING:
    from typing_extensions import Self

_SHORT_LIVED = 180.0
"""A token's lifetime before 1.6, whatever is configured."""


class AirbyteSimulator(
    CatalogControls,
    WorkspaceControls,
    JobControls,
    StoredControls,
    JobDetailControls,
    HistoryControls,
    IncidentControls,
):
    """A real HTTP server on loopback that behaves as Airbyte does, including its faults.

    It holds one workspace in memory, and others that you add with `add_workspace`. Its time is noon
    UTC on 15 January 2026 until the test moves it; use `clock=RealClock()` for a Dagster that runs
    beside it::

        with AirbyteSimulator() as airbyte:
            shop = airbyte.add_connection("shop", streams=["orders", "users"])
            job = airbyte.start_sync(shop)
            airbyte.succeed(job, rows={"orders": 3, "users": 1})

    Args:
        port: The port to listen on. Default: any free one.
        version: The release of Airbyte to simulate.
        auth: How clients authenticate: "oauth", "basic" or "none".
        configuration_api: With False, every endpoint of the Configuration API is closed, as on
            Airbyte Cloud.
        token_lifetime: How long access tokens are valid, in seconds; before Airbyte 1.6, at most
            three minutes.
        latency: How long to sleep before each answer, in real seconds.
        clock: The clock of Airbyte. Default: a SimulatedClock.
        workspace_id: The id of the first workspace. Default: a random one.
        airbyte_url: Where Airbyte says its UI is. Default: the simulator's own address.
        admin: With False, the user gets "forbidden" instead of "not found" for unknown ids.
        editor: With False, the user may sync and refresh, but not clear.
        cloud: Simulate Airbyte Cloud: no Configuration API, no admin, and two hosts
            (`api.airbyte.com` for the public API, `cloud.airbyte.com` for the rest), whose requests
            a proxy must direct here.
        stable_paging: Airbyte's lists have no dependable order, so their pages overlap and leave
            rows out. With True they do not.
        seed: Which of the possible orders lists have.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        version: str = "2.1.0",
        auth: AuthMode = "oauth",
        configuration_api: bool = True,
        token_lifetime: float = 900.0,
        latency: float = 0.0,
        clock: Clock | None = None,
        workspace_id: str | None = None,
        airbyte_url: str | None = None,
        admin: bool = True,
        editor: bool = True,
        cloud: bool = False,
        stable_paging: bool = False,
        seed: int = 0,
    ) -> None:
        release = Version(version)
        admin, configuration_api = admin and not cloud, configuration_api and not cloud
        lifetime = token_lifetime if release.since(1, 6) else min(token_lifetime, _SHORT_LIVED)
        self.clock: Clock = clock or SimulatedClock()
        self._admin = admin
        self._world = World(self.clock, release, workspace_id or str(uuid.uuid4()), seed)
        self._doorkeeper = Doorkeeper(auth, self.clock, timedelta(seconds=lifetime))
        self._public = PublicApi(
            self._world,
            self._doorkeeper,
            admin=admin,
            editor=editor,
            stable=stable_paging,
            seed=seed,
        )
        self._configuration = ConfigurationApi(
            self._world, self._doorkeeper, admin=admin, editor=editor, stable=stable_paging
        )
        self._gateway = Gateway(
            application(self._public.blueprint(), self._configuration.blueprint()).wsgi_app,
            self._world,
            self._doorkeeper,
            latency=latency,
            configuration_api=configuration_api,
        )
        self._served = CloudHosts(self._gateway) if cloud else self._gateway
        self._port = port
        self._airbyte_url = airbyte_url
        self._server: Server | None = None

    # The server's life

    def start(self) -> "Self":
        """Start the server. A `with` statement does this, and stops it at the end."""
        if self._server is not None:
            raise SimulatorError("The simulator has been started already.")
        self._server = Server(self._port, self._served)
        self._configuration.airbyte_url = self._airbyte_url or self._server.url
        self._gateway.closing.clear()
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._gateway.closing.set()
            self._server.stop()
            self._server = None

    def __enter__(self) -> "Self":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # Where it is and how to get in

    @property
    def url(self) -> str:
        """The server's address."""
        if self._server is None:
            raise SimulatorError("The simulator is not running: use it in a with statement.")
        return self._server.url

    @property
    def rest_api_base_url(self) -> str:
        return f"{self.url}/api/public/v1"

    @property
    def configuration_api_base_url(self) -> str:
        return f"{self.url}/api/v1"

    @property
    def workspace_id(self) -> str:
        return self._world.workspace_id

    @property
    def client_id(self) -> str:
        return self._doorkeeper.client_id

    @property
    def client_secret(self) -> str:
        return self._doorkeeper.client_secret

    @property
    def username(self) -> str:
        return self._doorkeeper.username

    @property
    def password(self) -> str:
        return self._doorkeeper.password

    def workspace_config(self) -> WorkspaceConfig:
        """Return the arguments of an `AirbyteWorkspace` for the simulator."""
        return WorkspaceConfig(
            rest_api_base_url=self.rest_api_base_url,
            configuration_api_base_url=self.configuration_api_base_url,
            workspace_id=self.workspace_id,
            **self._doorkeeper.credentials(),
        )

    def instance_config(self) -> InstanceConfig:
        """Return the arguments of an `AirbyteInstance` for the simulator."""
        return InstanceConfig(
            rest_api_base_url=self.rest_api_base_url,
            configuration_api_base_url=self.configuration_api_base_url,
            **self._doorkeeper.credentials(),
        )

    def cloud_workspace_config(self) -> CloudWorkspaceConfig:
        """Return the arguments of an `AirbyteCloudWorkspace`, which has the addresses itself."""
        return CloudWorkspaceConfig(
            workspace_id=self.workspace_id,
            client_id=self.client_id,
            client_secret=self.client_secret,
        )

    def variables(self, prefix: str = "AIRBYTE") -> dict[str, str]:
        """Return `workspace_config` as environment variables: `AIRBYTE_WORKSPACE_ID` and so on.

        Use them for definitions that read their settings from the environment.
        """
        config = self.workspace_config()
        return {f"{prefix}_{name.upper()}": str(value) for name, value in config.items()}

    def expire_tokens(self) -> None:
        """Make all tokens issued so far invalid."""
        with self._world.lock:
            self._doorkeeper.expire_all()

    # Time

    @property
    def now(self) -> datetime:
        """The time in Airbyte."""
        return self.clock.now()

    def advance(self, by: float | timedelta) -> datetime:
        """Move the clock by seconds or a timedelta, and carry out what is due by then."""
        with self._world.lock:
            self.clock.advance(by)
            self.progress()
            return self.now

    def progress(self) -> None:
        """Carry out what is due. Jobs with a failed attempt that wait for the test try again."""
        with self._world.lock:
            self._world.progress()
            self._world.retry_now()

    # Requests

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests received, in order of arrival."""
        return list(self._gateway.requests)

    @property
    def exchanges(self) -> list[Exchange]:
        """The requests and their answers, in order of the answers, without dropped ones."""
        return list(self._gateway.exchanges)

    def forget_requests(self) -> None:
        """Empty `requests` and `exchanges`."""
        self._gateway.forget()

    def on_request(self, callback: Callable[[RecordedRequest], None]) -> None:
        """Call `callback` as each request arrives, for example to change things between pages."""
        self._gateway.listeners.append(callback)

    def add_fault(
        self,
        fault: Fault,
        *,
        path: str | None = None,
        method: str | None = None,
        times: int | None = 1,
        after: int = 0,
    ) -> None:
        """Let requests go wrong.

        Args:
            fault: What goes wrong.
            path: Only requests whose path contains this.
            method: Only requests with this HTTP method.
            times: How many requests go wrong; None for all.
            after: How many matching requests succeed before that.
        """
        self._gateway.faults.add(ArmedFault(fault, path, method, times, after))

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._gateway.faults.clear()
