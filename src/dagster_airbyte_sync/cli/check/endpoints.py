"""The lines of `check` on each endpoint, and on which API the sensor will use. Pure."""

from collections.abc import Iterator

from dagster_airbyte_sync.cli.check.seen import Level, Line, Seen
from dagster_airbyte_sync.cli.tables import counted, duration
from dagster_airbyte_sync.resources import AirbyteRequestError, Answer

_LONGEST_REASON = 160

# What is lost if an endpoint of the Configuration API is closed, by its name.
_LOST = {
    "connections": "the columns of tables are unknown (before Airbyte 1.7 namespaces, too)",
    "jobs": "rows and bytes come without streams, and failures without a reason",
    "one job": "runs report no rows by stream",
}
# The same of those that the public API has nothing for.
_ONLY_THERE = {
    "timeline": "who started a sync is unknown",
    "stream statuses": "which tables of a failed sync are complete is unknown",
    "attempt log": "failures come without the end of their log",
}
# What a row of each list is.
_ROWS = {
    "workspaces": "workspace",
    "connections": "connection",
    "destinations": "destination",
    "sources": "source",
    "jobs": "job",
    "running jobs": "running job",
    "timeline": "event",
}
# The questions that the sensor has, and the endpoint that answers each.
_QUESTIONS = {"history": "jobs", "catalog": "connections", "job details": "one job"}


def endpoint_lines(seen: Seen) -> Iterator[Line]:
    """One line for each endpoint that the package reads."""
    instance = [seen.instance] if seen.instance else []
    for answer in [*_of(seen, "public"), *instance, *_of(seen, "configuration")]:
        yield _endpoint_line(seen, answer)


def _of(seen: Seen, api: str) -> list[Answer]:
    return [each for each in seen.answers if each.api == api]


def _endpoint_line(seen: Seen, answer: Answer) -> Line:
    subject = f"{'public' if answer.api == 'public' else 'config'}: {answer.name}"
    if answer.not_asked:
        return Line("-", subject, f"not asked: {answer.not_asked}")
    if not answer.is_good:
        lost = f": {_ONLY_THERE[answer.name]}" if answer.name in _ONLY_THERE else ""
        refusal = _refusal(answer).rstrip(".")
        return Line(_level_of_refusal(seen, answer), subject, f"{refusal}{lost}")
    text = f"{_count(answer)}{duration(answer.seconds)}"
    limit = seen.settings.request_timeout
    if answer.seconds * 2 < limit:
        return Line("ok", subject, text)
    step = f"Raise request_timeout, which is {limit:g} s: this Airbyte takes long to list."
    return Line("warning", subject, text, step, "slow")


def _count(answer: Answer) -> str:
    noun = _ROWS.get(answer.name)
    return f"{counted(answer.rows or 0, noun)}, " if noun else ""


def _level_of_refusal(seen: Seen, answer: Answer) -> Level:
    """Cloud lets nobody into its Configuration API, and the list of workspaces is never needed."""
    is_expected = seen.settings.is_cloud and answer.api == "configuration"
    return "-" if is_expected or answer.name == "workspaces" else "warning"


def _refusal(answer: Answer) -> str:
    error = answer.error
    if not isinstance(error, AirbyteRequestError):
        return str(error)
    if answer.name == "instance" and error.status in (401, 403):
        # Not what the others would say of credentials, which may well be set.
        return f"{error.status}: refused; only this one is requested without credentials"
    status = f"{error.status}: " if error.status else ""
    token = "no token: " if answer.is_without_token else ""
    return f"{token}{status}{error.reason}"[:_LONGEST_REASON]


def source_lines(seen: Seen) -> Iterator[Line]:
    """Which API the sensor will ask for what, and why."""
    for subject, name in _QUESTIONS.items():
        ours, theirs = seen.answer("configuration", name), seen.answer("public", name)
        if ours is not None and theirs is not None and not ours.not_asked:
            yield _source(seen, subject, ours, theirs)
    timeline = seen.answer("configuration", "timeline")
    if timeline is not None and timeline.is_good:
        yield Line("ok", "started by", "from the timeline, in the Configuration API")


def _source(seen: Seen, subject: str, ours: Answer, theirs: Answer) -> Line:
    if ours.is_good:
        return Line("ok", subject, "from the Configuration API, which answers")
    if not ours.is_closed:
        text = "from the Configuration API, which fails now: the public one is not used for that"
        return Line("warning", subject, text, "Look at Airbyte's own logs, and check again.")
    if not theirs.is_good:
        text = "from neither API: both refuse"
        return Line("problem", subject, text, _ASK_FOR_ACCESS, "no_api")
    lost = _LOST.get(ours.name, "")
    if seen.settings.is_cloud:
        return Line("ok", subject, f"from the public API, as always on Cloud: {lost}")
    text = f"from the public API, because the other refuses ({ours.status or 'a page'}): {lost}"
    return Line("warning", subject, text, _OPEN_IT, "configuration_closed")


_OPEN_IT = (
    "Let the application read the Configuration API too (its user's role; a proxy that hides"
    " /api/v1), to get what the public API lacks."
)
_ASK_FOR_ACCESS = "Give the application's user a role that may read this workspace."
