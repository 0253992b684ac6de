"""Workspaces with the shape of dagster-airbyte's, for where that package is not installed."""

import dagster as dg


class TheirCloud(dg.ConfigurableResource[object]):
    """The fields by which dagster-airbyte's workspaces are known, and one that only it has."""

    workspace_id: str
    client_id: str | None = None
    client_secret: str | None = None
    request_max_retries: int = 3
    request_timeout: int = 15
    something_of_theirs: str = "any"


class TheirSelfManaged(TheirCloud):
    rest_api_base_url: str
    configuration_api_base_url: str
