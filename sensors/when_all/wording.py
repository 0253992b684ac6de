"""How far a round is, in words: the line that the UI shows beside a tick."""

from datetime import datetime, timezone

from dagster_airbyte_sync.sensors.when_all.progress import Progress

# So many of the missing are named.
_MOST_NAMED = 20


def waiting_line(progress: Progress, now: int) -> str:
    """Who is in, and who is waited for; times are in UTC, by Dagster's clock."""
    unknown = progress.members.unknown
    lost = f" Nothing here matches {', '.join(unknown)}." if unknown else ""
    if not progress.present and not progress.partly:
        return f"Waiting for the first of {progress.members.count}.{lost}"
    return f"{count_in(progress, now)}: waiting for {missing_names(progress)}.{lost}"


def count_in(progress: Progress, now: int) -> str:
    """How many are in, since when, and how late it is."""
    since = progress.state.since
    begun = "" if since is None else f" since {_time(since, now)}"
    late = progress.late_since
    is_late = "" if late is None else f", late since {_time(late, now)}"
    return f"{len(progress.present)} of {progress.members.count} in{begun}{is_late}"


def missing_names(progress: Progress) -> str:
    shown = [
        f"{name} (being reported)" if name in progress.partly else name
        for name in progress.missing[:_MOST_NAMED]
    ]
    rest = len(progress.missing) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def started_line(progress: Progress, now: int) -> str:
    without = f", without {missing_names(progress)}" if progress.missing else ""
    return f"Started: {count_in(progress, now)}{without}."


def no_run_line(progress: Progress, now: int, why: str) -> str:
    without = f", without {missing_names(progress)}" if progress.missing else ""
    return f"No run: {count_in(progress, now)}{without}, but {why}. Waiting for the next round."


def late_line(name: str, progress: Progress, now: int) -> str:
    return f"{name}: {waiting_line(progress, now)} It continues to wait; this is reported once."


def _time(moment: int, now: int) -> str:
    """The hour, and the day as well if that is another."""
    then, today = (datetime.fromtimestamp(each, timezone.utc) for each in (moment, now))
    return f"{then:%H:%M} UTC" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M} UTC"
