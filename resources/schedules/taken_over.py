"""The schedules that connections had in Airbyte before Dagster took them over, as text to keep."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

from dagster_airbyte_sync.resources.errors import AirbyteSettingsError
from dagster_airbyte_sync.resources.records.catalog import Connection, SyncSchedule

# Begins a line that is not a schedule, so that all output can be kept in one file.
REMARK = "#"
_UNITS = frozenset({"minutes", "hours", "days", "weeks", "months"})


@dataclass(frozen=True)
class TakenSchedule:
    """The schedule that a connection had before it was taken over."""

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
    """The schedules that Dagster has taken over, by connection id.

    Their `text` is one line of JSON for each, exactly as printed by `take_over_schedules`. You can
    join what was printed at different times. Lines that begin with "#" are ignored.
    """

    schedules: Mapping[str, TakenSchedule] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(f"{taken.text}\n" for taken in self.schedules.values())

    @classmethod
    def from_text(cls, text: str) -> "TakenOver":
        """Read what was printed. If a connection has several lines, the last one counts.

        Raises:
            AirbyteSettingsError: If a line was not printed by `take_over_schedules`; it names the
                first.
        """
        return cls({taken.connection_id: taken for taken in _read_lines(text)})

    def before(self, connection: Connection) -> Connection:
        """Return the connection with the schedule that was taken over, if it has none now."""
        taken = self.schedules.get(connection.id)
        if taken is None or connection.schedule.kind != "manual":
            return connection
        return replace(connection, schedule=taken.schedule)


def as_taken_over(value: TakenOver | str | None) -> TakenOver:
    """What users hand over: a result of `take_over_schedules`, its text, or nothing."""
    return TakenOver.from_text(value) if isinstance(value, str) else value or TakenOver()


def _read_lines(text: str) -> Iterator[TakenSchedule]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith(REMARK):
            continue
        try:
            raw = json.loads(line)
            taken = TakenSchedule(**{**raw, "schedule": SyncSchedule(**raw["schedule"])})
            _refuse_what_is_none(taken)
        except (ValueError, TypeError, KeyError) as error:
            raise AirbyteSettingsError(
                f"Line {number} was not printed by take_over_schedules ({_why(error)}):"
                f" {line[:80]!r}"
            ) from None
        yield taken


def _refuse_what_is_none(taken: TakenSchedule) -> None:
    """Raise ValueError that names the field with a value that no schedule of Airbyte has."""
    schedule = taken.schedule
    for name in ("workspace_id", "connection_id", "connection_name"):
        _refuse_unless(isinstance(getattr(taken, name), str), name, getattr(taken, name))
    _refuse_unless(schedule.kind in ("cron", "basic"), "kind", schedule.kind)
    if schedule.kind == "cron":
        cron, zone = schedule.cron_expression, schedule.cron_timezone
        _refuse_unless(isinstance(cron, str), "cron_expression", cron)
        _refuse_unless(isinstance(zone, str | None), "cron_timezone", zone)
    else:
        # JSON's true is an int to Python.
        _refuse_unless(type(schedule.units) is int, "units", schedule.units)
        _refuse_unless(schedule.time_unit in _UNITS, "time_unit", schedule.time_unit)


def _refuse_unless(is_good: bool, name: str, value: object) -> None:
    if not is_good:
        raise ValueError(f"its {name} is {value!r}")


def _why(error: Exception) -> str:
    """The reason if it names a field; what Python and its JSON reader say is of no use."""
    return str(error) if type(error) is ValueError else "it has another form"
