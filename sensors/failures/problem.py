"""What went wrong, as a job can read it: in the tags of its run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import AirbyteSettingsError
from dagster_airbyte_sync.resources.json_values import as_datetime, as_int
from dagster_airbyte_sync.sensors.run_requests.arrival import CONNECTION_TAG, JOB_TAG

PROBLEM_TAG = "dagster-airbyte/problem"
OTHERS_TAG = "dagster-airbyte/others"


class ProblemKind(str, Enum):
    """What went wrong with a connection."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    EMPTY = "empty"
    """A sync or refresh succeeded without moving a row."""
    LATE = "late"
    """No sync has made its tables fresh for too long."""


@dataclass(frozen=True)
class SyncProblem:
    """A sync, refresh or clear that failed, was cancelled or was empty, or a late sync.

    Attributes:
        kind: What went wrong.
        connection_id: The connection's id in Airbyte.
        connection_name: The connection's name in Airbyte.
        job_id: The job's id in Airbyte. None for a late sync, which has no job.
        reason: Airbyte's own reason, at most 500 characters.
        job_url: A link to the job in Airbyte; for a late sync, to the connection.
        ended_at: When the job ended, on Airbyte's clock. For a late sync, when the connection's
            tables were last materialized, on Dagster's clock.
        others: How many earlier problems of the same kind and connection this one also stands for.
    """

    kind: ProblemKind
    connection_id: str
    connection_name: str
    job_id: int | None
    reason: str
    job_url: str
    ended_at: datetime | None
    others: int = 0

    def as_tags(self) -> dict[str, str]:
        """Return the tags of a run that is started for this problem."""
        known = {
            PROBLEM_TAG: self.kind.value,
            CONNECTION_TAG: self.connection_id,
            keys.CONNECTION_NAME: self.connection_name,
            JOB_TAG: None if self.job_id is None else str(self.job_id),
            keys.FAILURE_REASON: self.reason,
            keys.JOB_URL: self.job_url,
            keys.SYNC_ENDED_AT: self.ended_at.isoformat() if self.ended_at else None,
            OTHERS_TAG: str(self.others),
        }
        return {key: value for key, value in known.items() if value is not None}

    @classmethod
    def from_run_tags(cls, tags: Mapping[str, str]) -> "SyncProblem":
        """Read the problem that a run was started for. In its ops, `tags` are `context.run.tags`.

        Raises:
            AirbyteSettingsError: If the run was not started for a problem.
        """
        kind, connection_id = tags.get(PROBLEM_TAG), tags.get(CONNECTION_TAG)
        if kind not in list(ProblemKind) or connection_id is None:
            raise AirbyteSettingsError(
                "This run was not started by a sensor of build_airbyte_failure_sensor: it has no"
                f" tags {PROBLEM_TAG} and {CONNECTION_TAG}. If you launch it by hand, give it the"
                " tags of SyncProblem.as_tags()."
            )
        return cls(
            kind=ProblemKind(kind),
            connection_id=connection_id,
            connection_name=tags.get(keys.CONNECTION_NAME, connection_id),
            job_id=as_int(tags.get(JOB_TAG)),
            reason=tags.get(keys.FAILURE_REASON, ""),
            job_url=tags.get(keys.JOB_URL, ""),
            ended_at=as_datetime(tags.get(keys.SYNC_ENDED_AT)),
            others=as_int(tags.get(OTHERS_TAG)) or 0,
        )
