"""What schedules connections had in Airbyte before Dagster took them over, as text to keep."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

from dagster_airbyte_sync.resources import AirbyteSettingsError, Connection, SyncSchedule


@dataclass(frozen=True)
class TakenSchedule:
    """The schedule that one connection had."""

    workspace_id: str
    connection_id: str
    connection_name: str
    schedule: SyncSchedule

    @property
    def text(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class TakenOver:
    """The schedules that were taken over, by connection id.

    As `text` they are one line of JSON each, the very lines that were printed; text that was
    printed at different times may be joined.
    """

    schedules: Mapping[str, TakenSchedule] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(f"{taken.text}\n" for taken in self.schedules.values())

    @classmethod
    def from_text(cls, text: str) -> "TakenOver":
        """Read what was printed; of two lines for one connection the last counts.

        Raises AirbyteSettingsError that names a line which is not one of those.
        """
        return cls({taken.connection_id: taken for taken in _read_lines(text)})

    def before(self, connection: Connection) -> Connection:
        """The connection with the schedule it had, if that was taken over and Airbyte has none."""
        taken = self.schedules.get(connection.id)
        if taken is None or connection.schedule.kind != "manual":
            return connection
        return replace(connection, schedule=taken.schedule)


def _read_lines(text: str) -> Iterator[TakenSchedule]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                raw = json.loads(line)
                yield TakenSchedule(**{**raw, "schedule": SyncSchedule(**raw["schedule"])})
            except (ValueError, TypeError, KeyError):
                raise AirbyteSettingsError(
                    f"Line {number} is none that take_over_schedules printed: {line[:80]!r}"
                ) from None
