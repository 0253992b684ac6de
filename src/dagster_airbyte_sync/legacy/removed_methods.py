"""What the former AirbyteResource could do, and what does it now. Pure."""

from dagster_airbyte_sync.resources import AirbyteSettingsError

_CATALOG = "fetch_catalog() has connections, with their streams, and destinations"
_NOTHING = "nothing here sends requests for you: requests.post(...) does"

SUCCESSORS = {
    "start_sync": "get_client().start_sync(connection_id) returns the Job",
    "get_job_status": "get_client().job(job_id) returns the Job",
    "cancel_job": "get_client().cancel(job_id) does the same",
    "get_connection_details": _CATALOG,
    "get_default_workspace": "settings().workspace_id is its id",
    "get_source_schema": _CATALOG,
    "make_request": _NOTHING,
    "make_request_cached": _NOTHING,
}


def no_more(name: str) -> AirbyteSettingsError:
    """The error for a method that is gone."""
    return AirbyteSettingsError(f"AirbyteResource.{name} is no more: {SUCCESSORS[name]}.")


def no_sync_by_id() -> AirbyteSettingsError:
    """The error for `sync_and_poll` where there is no asset, as in an op."""
    return AirbyteSettingsError(
        "sync_and_poll(connection_id) is no more: it takes the context of an asset, whose tables it"
        " reports. Sync a connection in a job with build_airbyte_start_job, or with"
        " dg.define_asset_job of its assets; the polling sensor reports any other sync."
    )
