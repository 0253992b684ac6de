"""From when on each sensor owes a report: since it began, or since what was reported before."""

from dataclasses import dataclass, field
from datetime import datetime

from helpers.model_jobs import EndedJob

# A time on Airbyte's clock and the same on Dagster's: a clock that was set may not lose what only
# one of them knows.
Both = tuple[datetime, datetime]


def is_since(job: EndedJob, begin: Both) -> bool:
    return job.ended >= begin[0] and job.ended_really >= begin[1]


@dataclass(frozen=True)
class Coverage:
    """What a sensor that began without a cursor goes back to: `begin`, and for each connection the
    end of the last job that was reported then; for one that never was, `sensors_until`, the end of
    the last job that a sensor had reported of any."""

    begin: Both
    last_ends: dict[str, Both] = field(default_factory=dict)
    sensors_until: Both | None = None

    def has(self, job: EndedJob) -> bool:
        last = self.last_ends.get(job.connection_id, self.sensors_until)
        return is_since(job, self.begin) or (last is not None and is_since(job, last))
