"""The logs of attempts as the Configuration API writes them: events since 1.2, or lines of text."""

from datetime import datetime, timezone

from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject
from dagster_airbyte_sync.testing.wire.times import epoch_milliseconds
from dagster_airbyte_sync.testing.wire.versions import Version
from dagster_airbyte_sync.testing.world.jobs import AttemptLog, LogEntry, SimulatedAttempt

_COLOURS = {"source": "\x1b[44m", "destination": "\x1b[43m"}
_OTHER_COLOUR, _NO_COLOUR = "\x1b[46m", "\x1b[0m"


def log_read(attempt: SimulatedAttempt, version: Version) -> dict[str, Json]:
    """`logs`, and from 1.2 on `logType`; a log without any event is an empty one of text."""
    log = attempt.log or AttemptLog(_usual(attempt), structured=version.since(1, 2))
    is_structured = log.structured and bool(log.entries)
    return {
        "logType": ("structured" if is_structured else "formatted")
        if version.since(1, 2)
        else None,
        "logs": _events(attempt, log) if is_structured else _text(attempt, log),
    }


def _usual(attempt: SimulatedAttempt) -> tuple[LogEntry, ...]:
    first = LogEntry(f"Attempt {attempt.number} started")
    last = LogEntry(f"Attempt {attempt.number} {attempt.status}")
    failure = attempt.failure
    return (first, last, LogEntry(failure.reason, "error", "source")) if failure else (first, last)


def _events(attempt: SimulatedAttempt, log: AttemptLog) -> JsonObject:
    return {"version": "1", "events": [_event(attempt, each) for each in log.entries]}


def _event(attempt: SimulatedAttempt, entry: LogEntry) -> JsonObject:
    return {
        "timestamp": epoch_milliseconds(attempt.updated_at),
        "message": entry.message,
        "level": entry.level,
        "logSource": entry.source,
        "caller": {"className": "io.airbyte.Worker", "methodName": "run", "lineNumber": 42},
        "stackTrace": entry.stack_trace,
    }


def _text(attempt: SimulatedAttempt, log: AttemptLog) -> JsonObject:
    return {"logLines": [_line(attempt.updated_at, each) for each in log.entries]}


def _line(moment: datetime, entry: LogEntry) -> str:
    """In colours (`LogEventLayout`); what has several lines is one of them here."""
    colour = _COLOURS.get(entry.source, _OTHER_COLOUR)
    when = moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    trace = f"\n{entry.stack_trace}" if entry.stack_trace else ""
    return f"{when} {colour}{entry.source}{_NO_COLOUR} > {entry.message}{trace}"
