"""Asset specs of a workspace of Cloud, by their former name."""

import warnings
from collections.abc import Sequence

import dagster as dg

from dagster_airbyte_sync.assets import (
    ConnectionSelector,
    DagsterAirbyteTranslator,
    load_airbyte_asset_specs,
)
from dagster_airbyte_sync.resources import BaseAirbyteWorkspace, LegacyWarning


def load_airbyte_cloud_asset_specs(
    workspace: BaseAirbyteWorkspace,
    dagster_airbyte_translator: DagsterAirbyteTranslator | None = None,
    connection_selector_fn: ConnectionSelector | None = None,
) -> Sequence[dg.AssetSpec]:
    """Call `load_airbyte_asset_specs`, with a warning to use that instead."""
    warnings.warn(
        "load_airbyte_cloud_asset_specs is load_airbyte_asset_specs: the arguments are the same.",
        LegacyWarning,
        stacklevel=2,
    )
    return load_airbyte_asset_specs(workspace, dagster_airbyte_translator, connection_selector_fn)
