"""The log of one attempt (Configuration API, since 1.0): lines of text, or events since 1.2.

Airbyte answers with all of it, up to a million lines; the last ones are the end of the log.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from dagster_airbyte_sync.resources.http.bodies import MEGABYTE
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings
from dagster_airbyte_sync.resources.http.transport import Call
from dagster_airbyte_sync.resources.json_values import (
    Json,
    as_datetime,
    as_int,
    as_text,
    object_at,
    word_of,
)

# Some 150,000 lines. Of a longer log nothing is read: its end would come last.
_LONGEST_LOG = 32 * MEGABYTE
# Lines at the end that are looked at, most of which are not shown.
_LOOKED_AT = 100
# What a line of a stack trace begins with if it says what happened, and not where.
_CAUSES = ("Caused by:", "Suppressed:")


def log_of(settings: AirbyteSettings, job_id: int, attempt: int) -> Call:
    """An attempt, numbered from 0, with its log; more than 32 MB are AirbyteUnreadable."""
    url = f"{settings.configuration_api_base_url}/attempt/get_for_job"
    body = {"jobId": job_id, "attemptNumber": attempt}
    return Call("POST", url, body=body, at_once=True, longest=_LONGEST_LOG)


def read_end(answer: object) -> Sequence[str] | None:
    """The last hundred lines of an `AttemptInfoRead`, raw, oldest first; None if it has no log.

    Which of its two shapes a log has is seen by what is there: `logType` is missing before 1.2.
    """
    logs = object_at(answer, "logs")
    events, lines = logs.get("events"), logs.get("logLines")
    if isinstance(events, list):
        backwards = _backwards(events, _lines_of_event)
    elif isinstance(lines, list):
        backwards = _backwards(lines, _lines_of_text)
    else:
        return None
    return list(islice(backwards, _LOOKED_AT))[::-1]


def _backwards(
    entries: Sequence[object], lines_of: Callable[[object], Sequence[str]]
) -> Iterator[str]:
    return (line for entry in reversed(entries) for line in reversed(lines_of(entry)))


def _lines_of_text(entry: object) -> Sequence[str]:
    return (as_text(entry) or "").splitlines()


def _lines_of_event(entry: object) -> Sequence[str]:
    """As Airbyte itself writes it in text; of a stack trace what happened, and not where."""
    event = object_at(entry)
    first, *rest = (as_text(event.get("message")) or "").splitlines() or [""]
    trace = (as_text(event.get("stackTrace")) or "").splitlines()
    causes = [line for line in trace[1:] if line.strip().startswith(_CAUSES)]
    return [f"{_head(event)} > {first}", *rest, *trace[:1], *causes]


def _head(event: Json) -> str:
    level = word_of(event.get("level")).upper()
    words = (_moment(event.get("timestamp")), word_of(event.get("logSource")), level)
    return " ".join(filter(None, words))


def _moment(value: object) -> str:
    milliseconds = as_int(value)
    moment = None if milliseconds is None else as_datetime(milliseconds // 1_000)
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")
