"""Requests for refreshes and clears, and what was sent to Airbyte for them."""

from typing import Any

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import JobRequest, JobType, StreamId
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedConnection
from helpers.deployment import Deployment

REFRESH, CLEAR = "/api/v1/connections/refresh", "/api/v1/connections/clear"
JOBS = "/api/public/v1/jobs"
STARTS = (REFRESH, CLEAR, f"{CLEAR}/stream", JOBS)


def refresh_of(shop: SimulatedConnection, *streams: str, keep_records: bool = True) -> JobRequest:
    return _request(shop, JobType.REFRESH, streams, keep_records)


def clear_of(shop: SimulatedConnection, *streams: str) -> JobRequest:
    return _request(shop, JobType.CLEAR, streams, True)


def sync_of(shop: SimulatedConnection) -> JobRequest:
    return JobRequest(shop.connection_id)


def _request(
    shop: SimulatedConnection, kind: JobType, streams: tuple[str, ...], keep_records: bool
) -> JobRequest:
    ids = tuple(map(StreamId, streams)) or None
    return JobRequest(shop.connection_id, kind, ids, keep_records)


def sent(airbyte: AirbyteSimulator) -> list[tuple[str, dict[str, Any]]]:
    """The requests that start something, with what they say beside the connection."""
    return [
        (each.path, {key: v for key, v in (each.body or {}).items() if key != "connectionId"})
        for each in airbyte.requests
        if each.method == "POST" and each.path in STARTS
    ]


def run(deployment: Deployment, *names: str, **config: object) -> dg.ExecuteInProcessResult:
    """A real run of these assets, with that config of the op that syncs them."""
    job = deployment.defs.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=deployment.instance,
        asset_selection=[dg.AssetKey(name) for name in names],
        run_config={"ops": {"airbyte_shop": {"config": config}}} if config else None,
        raise_on_error=False,
    )


def noted(deployment: Deployment, name: str) -> list[tuple[str | None, int | None]]:
    """What observations say of ended jobs, oldest first: type and number."""
    records = deployment.instance.fetch_observations(dg.AssetKey(name), limit=100).records
    found = [each.asset_observation for each in reversed(records) if each.asset_observation]
    return [
        (keys.text_in(each.metadata, keys.JOB_TYPE), keys.int_in(each.metadata, keys.JOB_ID))
        for each in found
        if keys.JOB_TYPE in each.metadata
    ]
