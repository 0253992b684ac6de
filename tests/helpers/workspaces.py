"""An Airbyte with three workspaces, and definitions of all that its user may read."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from dagster_airbyte_sync import AirbyteInstance, build_airbyte_definitions
from dagster_airbyte_sync.assets.tables.keys import JOB_ID, int_in
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedWorkspace
from helpers.deployment import Deployment


class Company:
    """Sales and Finance have a connection of the same name and tables; Support has another."""

    def __init__(self, airbyte: AirbyteSimulator, sync_seconds: float = 10.0) -> None:
        self.airbyte = airbyte
        self.sales = airbyte.workspaces[0]
        airbyte.rename_workspace(self.sales, "Sales EU")
        self.finance = airbyte.add_workspace("Finance")
        self.support = airbyte.add_workspace("Support")
        add, fast = airbyte.add_connection, sync_seconds
        shop = ["orders", "users"]
        self.shop = add("shop", shop, workspace=self.sales, sync_seconds=fast)
        self.books = add("shop", shop, workspace=self.finance, sync_seconds=fast)
        self.desk = add("desk", ["tickets"], workspace=self.support, sync_seconds=fast)

    @property
    def workspaces(self) -> list[SimulatedWorkspace]:
        return [self.sales, self.finance, self.support]

    def instance_of(
        self, workspaces: Sequence[SimulatedWorkspace] | None = None, **options: Any
    ) -> AirbyteInstance:
        ids = None if workspaces is None else [each.workspace_id for each in workspaces]
        return AirbyteInstance(
            **self.airbyte.instance_config(),
            workspace_ids=ids,
            poll_interval=0.02,
            request_retry_delay=0.01,
            **options,
        )

    def deployed(
        self,
        instance: dg.DagsterInstance,
        resource: AirbyteInstance | None = None,
        *more: dg.AssetsDefinition,
        **options: Any,
    ) -> Deployment:
        """Definitions of all that there is now, in a deployment that has not ticked yet."""
        workspace = resource or self.instance_of()
        built = build_airbyte_definitions(workspace, **{"checks": False, **options})
        defs = dg.Definitions.merge(built, dg.Definitions(assets=list(more)))
        return Deployment(self.airbyte, workspace, defs, instance)


def paths(airbyte: AirbyteSimulator) -> list[str]:
    """What was asked of Airbyte since requests were forgotten, but for tokens."""
    asked = (each.path for each in airbyte.requests if not each.path.endswith("/token"))
    return [path.removeprefix("/api/").removeprefix("public/") for path in asked]


def reported(deployment: Deployment, key: str) -> list[int | None]:
    """The job ids of all materializations of an asset, in the order Dagster stored them."""
    page = deployment.instance.fetch_materializations(dg.AssetKey(key.split("/")), limit=1_000)
    made = [each.asset_materialization for each in reversed(page.records)]
    return [int_in(each.metadata, JOB_ID) for each in made if each is not None]
