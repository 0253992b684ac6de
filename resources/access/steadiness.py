"""Whether Airbyte is there to take jobs: not while it does not answer, nor while it is upgraded.

Pure: `server.py` looks, and this is what its looks come to.
"""

from dataclasses import dataclass, replace

# Seconds. A look is good for so long; after an outage, or in another version, a second one must
# find the same so much later: pods of the old and the new version answer by turns.
_GOOD_FOR = 30.0
_SAME_FOR = 10.0


@dataclass(frozen=True)
class Steadiness:
    """What was seen until `looked_at` (seconds of the client's clock).

    `version` is what Airbyte last said it is, "" if it does not say. `problem` is why it was not
    there at the last look; `came_up_at` when it was first seen after that, or in this version, and
    `after` what was before.
    """

    version: str = ""
    looked_at: float | None = None
    problem: str = ""
    came_up_at: float | None = None
    after: str = ""

    @property
    def is_steady(self) -> bool:
        return not self.problem and self.came_up_at is None

    def is_due(self, now: float) -> bool:
        """Whether one should look again."""
        return not self.is_steady or self.looked_at is None or now - self.looked_at >= _GOOD_FOR

    def gone(self, problem: str, now: float) -> "Steadiness":
        return Steadiness(self.version, now, problem)

    def seen(self, version: str, now: float) -> "Steadiness":
        if self.version and version and version != self.version:
            other = f"Airbyte was version {self.version} and is {version} now"
            return Steadiness(version, now, came_up_at=now, after=other)
        known = replace(self, version=version or self.version, looked_at=now)
        if self.problem:
            return replace(
                known, problem="", came_up_at=now, after=f"The last problem: {self.problem}"
            )
        if self.came_up_at is None or now - self.came_up_at >= _SAME_FOR:
            return Steadiness(known.version, now)
        return known

    @property
    def words(self) -> str:
        """Why no job should be started now."""
        return f"Airbyte is unavailable: {self.problem}" if self.problem else self.after
