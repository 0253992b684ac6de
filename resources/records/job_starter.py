"""Who started a job, as far as Airbyte's timeline says."""

from dataclasses import dataclass
from enum import Enum


class StarterKind(str, Enum):
    """What kind of thing started a job.

    A click in Airbyte's UI and a request to its API look the same: both are `PERSON`, or `SOMEBODY`
    where Airbyte has no accounts or names nobody. `AIRBYTE` is what it does by itself and not by a
    schedule, such as a refresh after a change of a schema.
    """

    PERSON = "person"
    SOMEBODY = "somebody"
    SCHEDULE = "schedule"
    AIRBYTE = "airbyte"


@dataclass(frozen=True)
class JobStarter:
    """Who started a job. A person has a name, an address, or both."""

    kind: StarterKind
    name: str | None = None
    email: str | None = None

    @property
    def by_schedule(self) -> bool:
        return self.kind is StarterKind.SCHEDULE
