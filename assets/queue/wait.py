"""A sync that waits for a place in Airbyte: an observation of one table of its connection."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import dagster as dg

from dagster_airbyte_sync.assets.queue.queue_name import QueueName
from dagster_airbyte_sync.assets.tables import keys

# They stand where claims have their status (`sync_claim.py`), but claim no sync.
_WAITING, _WAITS_AGAIN = "waiting", "waits_again"
_QUEUE = (keys.WAITS_IN, keys.QUEUE_RESOURCE, keys.QUEUE_LOCATION)


@dataclass(frozen=True)
class Wait:
    """A run wants a sync of a connection as soon as fewer than `places` connections are busy.

    It waits for `limit` seconds at most. What Dagster stores beside it: the run and its job, when
    (`since`, Dagster's clock, epoch seconds), and a number that grows in the order of storage.
    """

    connection_id: str
    name: str
    queue: QueueName
    table: dg.AssetKey
    places: int
    limit: float
    run_id: str = ""
    job_name: str = ""
    since: float = 0.0
    order: int = 0

    def __str__(self) -> str:
        return f"{self.name!r} ({self.connection_id})"

    @property
    def until(self) -> float:
        return self.since + self.limit

    def is_in(self, queue: QueueName, has_job: Callable[[str], bool]) -> bool:
        """Whether the sensor of that queue starts it; `has_job` says what its code location has.

        A job may be gone or have another name by now. Where one does not know where the run came
        from, its name is all there is to tell.
        """
        is_certain = bool(self.queue.location and queue.location)
        return self.queue.may_be(queue) and (is_certain or has_job(self.job_name))

    def to_observation(self) -> dg.AssetObservation:
        metadata: dict[str, keys.Entry] = {
            keys.JOB_STATUS: _WAITING,
            keys.CONNECTION_ID: self.connection_id,
            keys.CONNECTION_NAME: self.name,
            keys.WAITS_IN: self.queue.scope,
            keys.QUEUE_RESOURCE: self.queue.resource_key,
            keys.QUEUE_LOCATION: self.queue.location,
            keys.MAX_RUNNING: self.places,
            keys.WAIT_LIMIT: self.limit,
        }
        return dg.AssetObservation(self.table, f"A sync of the connection {self.words}", metadata)

    @property
    def words(self) -> str:
        if self.places == 1:
            return "waits until nothing else runs in Airbyte"
        return f"waits for one of {self.places} places in Airbyte"

    @classmethod
    def from_record(cls, record: dg.EventLogRecord) -> "Wait | None":
        """What an event of a run says, or None for any other event."""
        observed, entry = record.asset_observation, record.event_log_entry
        metadata = observed.metadata if observed else {}
        is_wait = keys.text_in(metadata, keys.JOB_STATUS) == _WAITING and bool(entry.run_id)
        places = keys.int_in(metadata, keys.MAX_RUNNING)
        limit = keys.float_in(metadata, keys.WAIT_LIMIT)
        connection_id = keys.text_in(metadata, keys.CONNECTION_ID)
        if not (observed and is_wait and places and limit and connection_id):
            return None
        return cls(
            connection_id,
            keys.text_in(metadata, keys.CONNECTION_NAME) or connection_id,
            QueueName(*(keys.text_in(metadata, each) or "" for each in _QUEUE)),
            observed.asset_key,
            places,
            limit,
            entry.run_id,
            entry.job_name or "",
            record.timestamp,
            record.storage_id,
        )

    def with_places(self, places: int) -> "Wait":
        return replace(self, places=places)


def waits_again(connection_id: str, table: dg.AssetKey, reason: str) -> dg.AssetObservation:
    """A run that was to start the sync says that it did not, whatever it has said of it before."""
    return dg.AssetObservation(
        table,
        f"Airbyte has not started the sync of the connection, which is still waiting: {reason}",
        metadata={keys.JOB_STATUS: _WAITS_AGAIN, keys.CONNECTION_ID: connection_id},
    )


def connection_that_waits_again(record: dg.EventLogRecord) -> str | None:
    """The connection of which an event says so."""
    metadata = record.asset_observation.metadata if record.asset_observation else {}
    if keys.text_in(metadata, keys.JOB_STATUS) != _WAITS_AGAIN:
        return None
    return keys.text_in(metadata, keys.CONNECTION_ID)
