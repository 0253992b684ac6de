"""Which job of each connection a run stands for, in tags that we read again."""

from collections.abc import Mapping
from hashlib import sha256

from dagster_airbyte_sync.sensors.cursor.packing import NotPacked, pack_rows, unpack_rows
from dagster_airbyte_sync.sensors.cursor.pending import JobKey

# Stands for a connection, by its id: hundreds of whole ones would be too long.
Mark = int
_MARK_BYTES = 6

# What begins so Dagster's UI shows nowhere, as it does with what its own code keeps in tags.
HIDDEN = ".dagster/"
# Which workspace's syncs a run follows, whatever the sensor is called that asked for it.
WORKSPACE_TAG = f"{HIDDEN}airbyte_workspace"

# PostgreSQL can have no run with a tag of more than about 2,600 bytes.
_PIECE = 2000


def mark_of(connection_id: str) -> Mark:
    return int.from_bytes(sha256(connection_id.encode()).digest()[:_MARK_BYTES], "big")


def tags_of_jobs(tag: str, jobs: Mapping[Mark, JobKey]) -> dict[str, str]:
    """The jobs, in as many tags as they need; the first has no number."""
    packed = pack_rows(jobs) if jobs else ""
    pieces = [packed[begin : begin + _PIECE] for begin in range(0, len(packed), _PIECE)]
    return {_numbered(tag, place): piece for place, piece in enumerate(pieces)}


def jobs_in_tags(tag: str, tags: Mapping[str, str]) -> Mapping[Mark, JobKey]:
    """What the tags of a run say; empty if they say nothing that can be read."""
    pieces = (tags.get(_numbered(tag, place), "") for place in range(len(tags)))
    try:
        rows = unpack_rows("".join(pieces), 2) if tag in tags else {}
    except NotPacked:
        return {}
    return {mark: (number, created) for mark, (number, created) in rows.items()}


def _numbered(tag: str, place: int) -> str:
    return f"{tag}_{place + 1}" if place else tag
