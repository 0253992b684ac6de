"""Fresh tables, and by which job they became so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import JobRef
from dagster_airbyte_sync.sensors.cursor.pending import job_key
from dagster_airbyte_sync.sensors.run_requests.jobs_in_tags import (
    HIDDEN,
    mark_of,
    tags_of_jobs,
)

CONNECTION_TAG = keys.CONNECTION_ID
CONNECTION_NAME_TAG = keys.CONNECTION_NAME
JOB_TAG = keys.JOB_ID
JOB_URL_TAG = keys.JOB_URL
OTHERS_TAG = "dagster-airbyte/other_syncs"
# The last job that a run follows of each connection, for us to read: with what has no partition,
# and with its own partition.
FOLLOWS_TAG = f"{HIDDEN}airbyte_follows"
FOLLOWS_IN_PARTITION_TAG = f"{HIDDEN}airbyte_follows_in_partition"

# So many other syncs are named in a tag.
_MOST_SHOWN = 20
# In characters.
_LONGEST_TEXT = 500
_FIRST = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Arrival:
    """Tables of one connection that a job has made fresh.

    `keys` are those that count for what follows. With `was_waiting` an earlier tick reported it and
    left the runs that follow to a later one.
    """

    connection_id: str
    connection_name: str
    job: JobRef
    job_url: str
    keys: frozenset[dg.AssetKey]
    was_waiting: bool = False

    @property
    def ended_at(self) -> datetime | None:
        """On Airbyte's clock."""
        return self.job.ended_at

    @property
    def tags(self) -> dict[str, str]:
        """What a run shows of the sync that it follows."""
        return {
            CONNECTION_TAG: self.connection_id,
            CONNECTION_NAME_TAG: tag_text(self.connection_name),
            JOB_TAG: str(self.job.id),
            JOB_URL_TAG: self.job_url,
        }


def tag_text(text: str) -> str:
    """A text of Airbyte, as a tag may have it: the tags of a run are read in every list of runs."""
    # PostgreSQL refuses the NUL character, and with it the run, at each tick again.
    whole = text.replace("\x00", "")
    return whole if len(whole) <= _LONGEST_TEXT else f"{whole[: _LONGEST_TEXT - 4]} ..."


def name_of_connection(tables: Iterable[Table], connection_id: str) -> str:
    """The connection's name, as its tables have it; else its id."""
    names = (keys.text_in(table.spec.metadata, keys.CONNECTION_NAME) for table in tables)
    return next(filter(None, names), connection_id)


def newest_of_each(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """The last arrival of each connection, the newest of all last; they come in reporting order."""
    last = {arrival.connection_id: arrival for arrival in arrivals}
    return sorted(last.values(), key=lambda arrival: (arrival.ended_at or _FIRST, arrival.job.id))


def tags_of(newest: Sequence[Arrival]) -> dict[str, str]:
    """What a run shows that follows several syncs: the newest, and the names of the others."""
    *others, last = newest
    return {**last.tags, OTHERS_TAG: _shown(others)} if others else last.tags


def follows_tags(tag: str, arrivals: Sequence[Arrival]) -> dict[str, str]:
    """What `FollowedBefore` reads again: the newest job of each connection."""
    newest = {mark_of(each.connection_id): job_key(each.job) for each in newest_of_each(arrivals)}
    return tags_of_jobs(tag, newest)


def _shown(arrivals: Sequence[Arrival]) -> str:
    shown = [f"{each.connection_name} {each.job.id}" for each in arrivals[-_MOST_SHOWN:]]
    rest = len(arrivals) - len(shown)
    return tag_text(", ".join(shown)) + (f" and {rest} more" if rest else "")


def run_key_of(workspace_id: str, newest: Sequence[Arrival]) -> str:
    """The same for the same jobs, whenever they are asked for: so Dagster runs them once."""
    *others, last = newest
    key = f"airbyte:{workspace_id}:{last.job.name}"
    if not others:
        return key
    names = ",".join(f"{each.connection_id}:{each.job.name}" for each in newest)
    return f"{key}+{sha256(names.encode()).hexdigest()[:16]}"
