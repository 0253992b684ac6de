"""Which queue a run and what it writes down belong to: two code locations, or two resources, may
have jobs and sensors of the same names, and two servers workspaces of the same id."""

from dataclasses import dataclass

import dagster as dg

from dagster_airbyte_sync.assets.tables import keys

# Dagster's tag of runs that come from a code location; one that a person executes in a process of
# their own has none.
_CODE_LOCATION = "dagster/code_location"
# Dagster's tag of how often it retries a run that has failed.
_MAX_RETRIES = "dagster/max_retries"


@dataclass(frozen=True)
class QueueName:
    """The workspace (`scope`), the key of its resource, and the code location.

    The last two are empty where they are not known; earlier versions wrote neither down.
    """

    scope: str
    resource_key: str = ""
    location: str = ""

    def may_be(self, other: "QueueName") -> bool:
        """Whether both can be the same: what is not known is no difference."""
        return (
            _may_be(self.scope, other.scope)
            and _may_be(self.resource_key, other.resource_key)
            and _may_be(self.location, other.location)
        )

    @property
    def tags(self) -> dict[str, str]:
        """Of a run that the queue asks for. Dagster itself adds the code location, and is not to
        retry the run: the queue asks again for what it has left, and for no more."""
        return {**self._name_tags, _MAX_RETRIES: "0"}

    @property
    def tags_of_starts(self) -> dict[str, str]:
        """By these the runs that it has asked for are found."""
        return {**self._name_tags, **({_CODE_LOCATION: self.location} if self.location else {})}

    @property
    def _name_tags(self) -> dict[str, str]:
        return {
            keys.QUEUE_TAG: keys.QUEUE_STARTS,
            keys.WAITS_IN: self.scope,
            keys.QUEUE_RESOURCE: self.resource_key,
        }


def queue_of_start(run: dg.DagsterRun) -> QueueName:
    """The queue that has asked for a run, by its tags."""
    tags = run.tags
    scope, resource_key = tags.get(keys.WAITS_IN, ""), tags.get(keys.QUEUE_RESOURCE, "")
    return QueueName(scope, resource_key, location_of(run))


def location_of(run: dg.DagsterRun) -> str:
    return run.tags.get(_CODE_LOCATION, "")


def _may_be(one: str, other: str) -> bool:
    return not one or not other or one == other
