"""What a command says besides its rows, where it could not see everything. Pure."""

from collections.abc import Iterable
from datetime import datetime

from dagster_airbyte_sync.cli.tables import moment
from dagster_airbyte_sync.resources import Job

_CLOSED = (
    "Airbyte's Configuration API is closed: its public API, used instead, gives no reasons for"
    " failures and no attempts."
)


def public_note(jobs: Iterable[Job]) -> str | None:
    """Why there are no reasons, if there are none."""
    finished = [job for job in jobs if job.is_finished]
    has_all = any(job.attempts is not None or job.streams is not None for job in finished)
    return _CLOSED if finished and not has_all else None


def strange_note(jobs: Iterable[Job], *, is_by_default: bool, knows: bool) -> str | None:
    """Why nothing at all seems to be reported, if the assets were guessed."""
    if knows or not is_by_default or not any(job.wrote_tables for job in jobs):
        return None
    return (
        "Dagster's event log has none of the assets that the workspace has by default: if yours"
        " have other keys, give --definitions."
    )


def down_note(error: str) -> str:
    """Why the command failed."""
    return f"Airbyte cannot be asked. {error}"


def last_known_note(as_of: datetime | None) -> str:
    """What is shown where Airbyte does not answer; `as_of` is when it last did."""
    if as_of is None:
        return (
            "Airbyte does not answer: all of this is what was last reported to Dagster, and may be"
            " out of date."
        )
    return f"Airbyte does not answer: all of this is as it was at {moment(as_of)}."
