"""The Dagster resource: the settings of one Airbyte workspace, or of several, and its client."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import dagster as dg
from pydantic import ConfigDict, Field, field_validator, model_validator
from typing_extensions import Self

from dagster_airbyte_sync.resources.client.client import AirbyteClient
from dagster_airbyte_sync.resources.client.former_calls import (
    FormerWorkspaceData,
    former_workspace_data,
)
from dagster_airbyte_sync.resources.client.shared_clients import client_for
from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.http.frames import forgets_arguments, forgotten_locals
from dagster_airbyte_sync.resources.http.settings import (
    CLOUD_CONFIGURATION_API,
    CLOUD_REST_API,
    DEFAULT_OUTAGE_TIMEOUT,
    LEAST,
    SETTINGS,
    AirbyteSettings,
    OnActiveSync,
    active_sync_choice,
    base_url,
    check_addresses,
    check_credentials,
    check_names,
    check_number,
    check_workspace_is_given,
    checked_ids,
)
from dagster_airbyte_sync.resources.records.catalog import Catalog
from dagster_airbyte_sync.resources.variables import as_read, is_unread, read_now

# What a resource may do beside holding its settings.
_HOOKS = (
    "setup_for_execution",
    "teardown_after_execution",
    "yield_for_execution",
    "create_resource",
)


class BaseAirbyteWorkspace(dg.ConfigurableResource["BaseAirbyteWorkspace"]):
    """The base class of all workspaces and instances. Times are in seconds.

    Every field can be a `dg.EnvVar`. Texts are read when a run, a tick or `resolved()` begins.
    Numbers and switches are read when the resource is created, because pydantic does not accept the
    name of a variable for them (except `dg.EnvVar.int`, which is read later, too).
    """

    # A wrong value must not be printed: it may be a secret in the wrong field.
    model_config = ConfigDict(hide_input_in_errors=True)

    request_max_retries: int = Field(
        default=3, description="How often a request that is safe to repeat is retried."
    )
    request_retry_delay: float = Field(
        default=0.25,
        description="The wait before the first retry; it doubles with each further one.",
    )
    request_timeout: float = Field(
        default=15,
        description="How long to wait for an answer before the request counts as failed.",
    )
    max_items_per_page: int = Field(
        default=200,
        description=(
            "How many jobs, connections or destinations to request at once. The public API"
            " accepts at most 100."
        ),
    )
    poll_interval: float = Field(
        default=10,
        description=(
            "The time between two requests for the status of a sync that Dagster started."
        ),
    )
    poll_timeout: float | None = Field(
        default=None,
        description="How long a sync that Dagster started may take. Default: no limit.",
    )
    cancel_on_termination: bool = Field(
        default=True,
        description=(
            "Whether to cancel a sync that Dagster started if its run is terminated, or if it"
            " takes longer than poll_timeout. If Airbyte never confirmed the start, the sync is"
            " cancelled only if the Configuration API shows that it was started on request."
        ),
    )
    on_active_sync: str | None = Field(
        default=None,
        description=(
            "What a run does if a sync of its connection is already running. 'attach' follows"
            " that sync (never a clear). 'wait' waits for its end and then starts another, or"
            " follows the next one if somebody else starts it first. 'fail' fails. Default:"
            " 'fail'."
        ),
    )
    wait_timeout: float | None = Field(
        default=86_400,
        description=(
            "With on_active_sync='wait', how long a run waits for what is running. None: no"
            " limit. Default: a day."
        ),
    )
    outage_timeout: float = Field(
        default=DEFAULT_OUTAGE_TIMEOUT,
        description=(
            "How long a run waits for an Airbyte that does not answer or is being upgraded,"
            " before it starts a sync and while it follows one. Default: 15 minutes."
        ),
    )
    poll_previous_running_sync: bool = Field(
        default=False,
        description="dagster-airbyte's name for on_active_sync='attach'.",
    )
    partial_success: bool = Field(
        default=False,
        description=(
            "If a job failed or was cancelled, whether to materialize the tables that Airbyte"
            " reports as complete, marked as partial. Takes one request for each such job."
        ),
    )
    who_started: bool = Field(
        default=True,
        description=(
            "Whether to ask Airbyte who started a sync that no Dagster run did. Names of people"
            " (or the email address of one without a name) are then in the metadata of its"
            " events. Takes one request for each such sync; a tick that reports many asks for"
            " some of them only."
        ),
    )
    failure_log: bool = Field(
        default=True,
        description=(
            "Whether to store the last lines of a failed job's log with its checks, and to show"
            " them in the log of its run. Takes one request for each failed job; a tick that"
            " reports many asks for some of them only."
        ),
    )
    request_headers: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description=(
            "Headers to send with every request, for example for a proxy in front of Airbyte."
        ),
    )
    proxies: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description='Proxies by scheme, as in `requests`: {"https": "http://proxy:3128"}.',
    )
    catalog_ttl: float = Field(
        default=300, description="How long to remember the list of connections and streams."
    )
    if TYPE_CHECKING:
        verify: bool | str = True
    else:
        # Dagster's config has no "bool or string", and an EnvVar is a string anyway.
        verify: str = Field(
            default="true",
            description="Whether to verify TLS certificates, or the path of a CA file.",
        )

        @field_validator("verify", mode="before")
        @classmethod
        def _verify_as_text(cls, value: object) -> object:
            return str(value).lower() if isinstance(value, bool) else value

        @forgets_arguments
        def __init__(self, **values: object) -> None:
            # Not in a validator: after those, Dagster puts the variables back in.
            super().__init__(
                **{name: read_now(type(self).model_fields, name, values[name]) for name in values}
            )

    @model_validator(mode="before")
    @classmethod
    def _check_what_is_known(cls, values: Mapping[str, object]) -> Mapping[str, object]:
        """Fail where the mistake is; the content of an EnvVar is checked when it is read."""
        if cls.model_config.get("extra") != "allow":
            aliases = filter(None, (field.alias for field in cls.model_fields.values()))
            check_names(values, [*cls.model_fields, *aliases], cls.__name__)
        for name, value in values.items():
            if name in LEAST and type(value) in (int, float):
                check_number(name, float(str(value)))
            is_address = name.endswith("_base_url") or (name == "ui_url" and value != "")
            if is_address and type(value) is str:
                base_url(name, value)
            if name == "workspace_id" and type(value) is str:
                check_workspace_is_given(value)
            are_texts = isinstance(value, list) and all(type(each) is str for each in value)
            if name == "workspace_ids" and isinstance(value, list) and are_texts:
                checked_ids(value)
        rest = values.get("rest_api_base_url")
        configuration = values.get("configuration_api_base_url")
        if type(rest) is str and type(configuration) is str:
            check_addresses(rest, configuration)
        check_credentials({name for name in values if values[name]})
        if type(choice := values.get("on_active_sync")) is str:
            active_sync_choice(choice, values.get("poll_previous_running_sync") is True)
        return values

    def settings(self) -> AirbyteSettings:
        """Return the checked settings. An EnvVar not read yet is an AirbyteSettingsError."""
        self._check_is_resolved()
        # No secret is an argument or a local here: error trackers store those.
        return AirbyteSettings(
            **{
                **{name: getattr(self, name) for name in SETTINGS if hasattr(self, name)},
                **self._which_workspaces(),
                "verify": _bool_or_path(self.verify),
                "request_headers": tuple(sorted(self.request_headers.items())),
                "proxies": tuple(sorted(self.proxies.items())),
            }
        )

    def _which_workspaces(self) -> dict[str, Any]:
        """What `AirbyteSettings` take of that beside the fields that have its names."""
        return {}

    @property
    def named_workspace(self) -> str | None:
        """The id of the only workspace, which may be an EnvVar; None for an instance."""
        return getattr(self, "workspace_id", None)

    def when_a_sync_is_active(self) -> OnActiveSync:
        """What a run does then; AirbyteSettingsError if the settings contradict each other."""
        return active_sync_choice(self.on_active_sync, self.poll_previous_running_sync)

    def get_client(self) -> AirbyteClient:
        """Return the client of this workspace, which is shared within the process."""
        return client_for(self.settings())

    def fetch_catalog(self) -> Catalog:
        """Return connections, destinations, sources; read again when older than `catalog_ttl`."""
        return self.get_client().described_catalog()

    def fetch_airbyte_workspace_data(self) -> FormerWorkspaceData:
        """Return the same in dagster-airbyte's shape, with a warning."""
        return former_workspace_data(self.fetch_catalog())

    @contextmanager
    def resolved(self) -> Iterator[Self]:
        """Yield this workspace with its EnvVars read, to use it outside of a run or tick."""
        with ExitStack() as stack:
            with forgotten_locals():
                ready = self._with_variables_read() or stack.enter_context(
                    self.process_config_and_initialize_cm()
                )
            if not isinstance(ready, type(self)):  # pragma: no cover - a broken subclass
                raise AirbyteSettingsError(f"{type(self).__name__} did not initialise to itself.")
            yield ready

    def _with_variables_read(self) -> "BaseAirbyteWorkspace | None":
        """As Dagster makes it, which builds an instance for that: slower than reading a catalog.

        None if that takes more than reading texts, or one is missing: it names those.
        """
        kind, usual = type(self), dg.ConfigurableResource
        does_more = any(getattr(kind, hook) is not getattr(usual, hook) for hook in _HOOKS)
        if does_more or self.nested_resources:
            return None
        values: dict[str, Any] = {}
        for name, field in kind.model_fields.items():
            value = values[field.alias or name] = as_read(getattr(self, name))
            if value is None and getattr(self, name) is not None:
                return None
        return kind(**values)

    def _check_is_resolved(self) -> None:
        unread = [name for name in type(self).model_fields if is_unread(getattr(self, name))]
        if unread:
            raise AirbyteSettingsError(
                f"{' and '.join(unread)}: the environment variables have not been read yet. Take"
                " the resource from a run or tick, or use `with workspace.resolved() as ready:`."
            )


class OneWorkspace(BaseAirbyteWorkspace):
    """One workspace."""

    workspace_id: str = Field(
        description="The workspace's id, as shown in Airbyte under Settings > General."
    )


class AllWorkspaces(BaseAirbyteWorkspace):
    """Several workspaces that the same credentials may read."""

    workspace_ids: list[str] | None = Field(
        default=None,
        description=(
            "The ids of the workspaces. Default: all that the credentials can see, including"
            " new ones when definitions are loaded again."
        ),
    )

    def _which_workspaces(self) -> dict[str, Any]:
        ids = self.workspace_ids
        return {"workspace_id": None, "workspace_ids": None if ids is None else tuple(ids)}


class SelfManagedAirbyte(BaseAirbyteWorkspace):
    """How to reach a self-managed Airbyte."""

    rest_api_base_url: str = Field(
        description=(
            "The address of Airbyte's public API, for example http://localhost:8000/api/public/v1"
        )
    )
    configuration_api_base_url: str = Field(
        description=(
            "The address of Airbyte's Configuration API, for example http://localhost:8000/api/v1"
        )
    )

    client_id: str | None = Field(
        default=None, description="The client id of an Airbyte application."
    )
    client_secret: str | None = Field(
        default=None, repr=False, description="The client secret of that application."
    )
    username: str | None = Field(
        default=None,
        description="The user name for a proxy with basic authentication in front of Airbyte.",
    )
    password: str | None = Field(default=None, repr=False, description="The password of that user.")

    ui_url: str | None = Field(
        default=None,
        description=(
            "Where people open Airbyte, for links to its jobs: https://airbyte.example.com."
            " Default: what Airbyte says; if that is not usable (a placeholder, localhost, a"
            " name inside a cluster), the address of the Configuration API without /api/v1."
        ),
    )


class CloudAirbyte(BaseAirbyteWorkspace):
    """How to reach Airbyte Cloud."""

    rest_api_base_url: ClassVar[str] = CLOUD_REST_API
    configuration_api_base_url: ClassVar[str] = CLOUD_CONFIGURATION_API

    client_id: str = Field(description="The client id of an Airbyte application.")
    client_secret: str = Field(repr=False, description="The client secret of that application.")


class SelfManagedWorkspace(SelfManagedAirbyte, OneWorkspace):
    """A workspace of a self-managed Airbyte."""


class CloudWorkspace(CloudAirbyte, OneWorkspace):
    """A workspace of Airbyte Cloud."""


class SelfManagedInstance(SelfManagedAirbyte, AllWorkspaces):
    """Several workspaces of a self-managed Airbyte."""


class CloudInstance(CloudAirbyte, AllWorkspaces):
    """Several workspaces of Airbyte Cloud."""


def _bool_or_path(value: bool | str) -> bool | str:
    return {"true": True, "false": False, "": True}.get(str(value).strip().lower(), value)


@forgets_arguments
def as_workspace(value: object, what: str = "workspace") -> BaseAirbyteWorkspace:
    """The workspace itself if it is ours; one with the same settings if it is dagster-airbyte's.

    That is known by its shape: dagster-airbyte need not be installed. EnvVars stay EnvVars. Raises
    AirbyteSettingsError, which calls it `what`, for anything else.
    """
    if isinstance(value, BaseAirbyteWorkspace):
        return value
    fields = set(type(value).model_fields) if isinstance(value, dg.ConfigurableResource) else set()
    if "workspace_id" not in fields or "request_max_retries" not in fields:
        raise AirbyteSettingsError(
            f"{what} is a {type(value).__name__}, and must be an AirbyteWorkspace,"
            " AirbyteCloudWorkspace, AirbyteInstance or AirbyteCloudInstance."
        )
    # In dagster-airbyte, the addresses of Cloud are constants.
    ours = SelfManagedWorkspace if "rest_api_base_url" in fields else CloudWorkspace
    shared: dict[str, Any] = {
        name: getattr(value, name) for name in fields.intersection(ours.model_fields)
    }
    return ours(**shared)
