"""Something to do before and after each sync of a component."""

from collections.abc import Iterable

import dagster as dg
from dagster_airbyte import AirbyteWorkspace, AirbyteWorkspaceComponent


class LoggedComponent(AirbyteWorkspaceComponent):
    def execute(
        self, context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace
    ) -> Iterable[dg.AssetMaterialization | dg.MaterializeResult]:
        context.log.info("Before the sync")
        yield from super().execute(context, airbyte)
        context.log.info("After the sync")
