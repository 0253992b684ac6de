"""The Dagster resource: settings of one Airbyte workspace, and the way to its client."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import ConfigDict, Field, field_validator, model_validator
from typing_extensions import Self

from dagster_airbyte_sync.resources.catalog import Catalog
from dagster_airbyte_sync.resources.client import AirbyteClient, client_for
from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.settings import (
    CLOUD_CONFIGURATION_API,
    CLOUD_REST_API,
    CREDENTIALS,
    LEAST,
    AirbyteSettings,
    base_url,
    check_credentials,
    check_number,
)


class BaseAirbyteWorkspace(dg.ConfigurableResource["BaseAirbyteWorkspace"]):
    """What self-managed and Cloud workspaces have in common. Times are in seconds."""

    # A wrong value must not be printed: it may be a secret in the wrong field.
    model_config = ConfigDict(hide_input_in_errors=True)

    workspace_id: str = Field(description="The workspace, as shown under Settings > General.")
    request_max_retries: int = Field(
        default=3, description="How often a request that may be repeated is sent again."
    )
    request_retry_delay: float = Field(
        default=0.25,
        description="The first wait before a repeated request; it doubles with each repeat.",
    )
    request_timeout: float = Field(
        default=15, description="How long to wait for an answer before it counts as none."
    )
    max_items_per_page: int = Field(
        default=100, description="How many jobs, connections or destinations to ask for at once."
    )
    poll_interval: float = Field(
        default=10, description="The wait between two looks at a sync that Dagster started."
    )
    poll_timeout: float | None = Field(
        default=None,
        description="How long a sync that Dagster started may take. Default: without limit.",
    )
    cancel_on_termination: bool = Field(
        default=True,
        description="Whether a sync that Dagster started is cancelled when its run is terminated.",
    )
    poll_previous_running_sync: bool = Field(
        default=False,
        description="Whether to follow a sync that already runs, instead of failing.",
    )
    request_headers: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="Headers to send with every request, for example for a proxy in front.",
    )
    proxies: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description='Proxies by scheme, as `requests` takes them: {"https": "http://proxy:3128"}.',
    )
    catalog_ttl: float = Field(
        default=300, description="How long the list of connections and streams is remembered."
    )
    if TYPE_CHECKING:
        verify: bool | str = True
    else:
        # Dagster's config knows no "bool or string", and an EnvVar is a string anyway.
        verify: str = Field(
            default="true",
            description="Whether to check TLS certificates, or the path of a CA file.",
        )

        @field_validator("verify", mode="before")
        @classmethod
        def _verify_as_text(cls, value: object) -> object:
            return str(value).lower() if isinstance(value, bool) else value

    @model_validator(mode="before")
    @classmethod
    def _check_what_is_known(cls, given: Mapping[str, object]) -> Mapping[str, object]:
        """Fail where the mistake was made; what an EnvVar holds is checked when it is read."""
        for name, value in given.items():
            if name in LEAST and type(value) in (int, float):
                check_number(name, float(str(value)))
            if name.endswith("_base_url") and type(value) is str:
                base_url(name, value)
        check_credentials(*(bool(given.get(name)) for name in CREDENTIALS))
        return given

    def settings(self) -> AirbyteSettings:
        """The settings with all EnvVars resolved, checked. Raises AirbyteSettingsError."""
        raise NotImplementedError

    def get_client(self) -> AirbyteClient:
        """The client for this workspace, shared within the process."""
        return client_for(self.settings())

    def fetch_catalog(self) -> Catalog:
        """All connections and destinations; read again when older than `catalog_ttl`."""
        return self.get_client().catalog()

    @contextmanager
    def resolved(self) -> Iterator[Self]:
        """This workspace with its EnvVars read, for use outside of a run or tick."""
        with self.process_config_and_initialize_cm() as ready:
            if not isinstance(ready, type(self)):  # pragma: no cover - a broken subclass
                raise AirbyteSettingsError(f"{type(self).__name__} did not initialise to itself.")
            yield ready

    def _settings_with(
        self,
        rest_api_base_url: str,
        configuration_api_base_url: str,
        workspace_id: str,
        client_id: str | None,
        client_secret: str | None,
        username: str | None = None,
        password: str | None = None,
    ) -> AirbyteSettings:
        return AirbyteSettings(
            rest_api_base_url=rest_api_base_url,
            configuration_api_base_url=configuration_api_base_url,
            workspace_id=workspace_id,
            client_id=client_id,
            client_secret=client_secret,
            username=username,
            password=password,
            request_max_retries=self.request_max_retries,
            request_retry_delay=self.request_retry_delay,
            request_timeout=self.request_timeout,
            max_items_per_page=self.max_items_per_page,
            catalog_ttl=self.catalog_ttl,
            verify=_bool_or_path(self.verify),
            request_headers=tuple(sorted(self.request_headers.items())),
            proxies=tuple(sorted(self.proxies.items())),
        )


class SelfManagedWorkspace(BaseAirbyteWorkspace):
    """A workspace of an Airbyte that somebody runs themselves."""

    rest_api_base_url: str = Field(
        description="Airbyte's public API, for example http://localhost:8000/api/public/v1"
    )
    configuration_api_base_url: str = Field(
        description="Airbyte's Configuration API, for example http://localhost:8000/api/v1"
    )

    client_id: str | None = Field(default=None, description="The id of an Airbyte application.")
    client_secret: str | None = Field(
        default=None, repr=False, description="The secret of that application."
    )
    username: str | None = Field(
        default=None, description="The user of a proxy with basic authentication before Airbyte."
    )
    password: str | None = Field(default=None, repr=False, description="The password of that user.")

    def settings(self) -> AirbyteSettings:
        return self._settings_with(
            self.rest_api_base_url,
            self.configuration_api_base_url,
            self.workspace_id,
            self.client_id,
            self.client_secret,
            self.username,
            self.password,
        )


class CloudWorkspace(BaseAirbyteWorkspace):
    """A workspace of Airbyte Cloud."""

    client_id: str = Field(description="The id of an Airbyte application.")
    client_secret: str = Field(repr=False, description="The secret of that application.")

    def settings(self) -> AirbyteSettings:
        return self._settings_with(
            CLOUD_REST_API,
            CLOUD_CONFIGURATION_API,
            self.workspace_id,
            self.client_id,
            self.client_secret,
        )


def _bool_or_path(value: bool | str) -> bool | str:
    return {"true": True, "false": False, "": True}.get(str(value).strip().lower(), value)
