"""Times as a user writes them: 30d, 12h, 2026-11-01, 2026-11-01T10:00+01:00; and what `--since` and
`--until` mean for every command."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import click

from dagster_airbyte_sync.cli.tables import moment

# A time with a zone, or how long ago it is.
When = datetime | timedelta

_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_AGO = re.compile(r"(\d+)\s*([mhdw])")
_FIRST = datetime(1970, 1, 1, tzinfo=timezone.utc)


def when(text: str) -> When:
    """How long ago (`30m`, `12h`, `7d`, `2w`, `now`), or a time in ISO 8601, in UTC unless it says
    so.

    As the type of an option. Raises click.BadParameter.
    """
    try:
        return _read(text)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is not a time: write how long ago (30m, 12h, 7d, 2w), or a date or time"
            " (2026-11-01, 2026-11-01T10:00; UTC unless a zone is given)."
        ) from None


def _read(text: str) -> When:
    if text == "now":
        return timedelta()
    ago = _AGO.fullmatch(text)
    if ago:
        return int(ago.group(1)) * _UNITS[ago.group(2)]
    # Python 3.10 does not read the letter.
    found = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text)
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def moment_at(meant: When, now: datetime) -> datetime:
    """The time that was meant, as of now; what is before all there can be is that."""
    if isinstance(meant, datetime):
        return meant
    return now - meant if meant < now - _FIRST else _FIRST


@dataclass(frozen=True)
class Span:
    """The syncs that ended at `since` or later, and before `until` (Airbyte's clock).

    `now` is the time at which they are asked for.
    """

    since: datetime
    until: datetime
    now: datetime

    def has(self, ended: datetime | None) -> bool:
        return ended is not None and self.since <= ended < self.until

    @property
    def seen_until(self) -> datetime:
        """Up to when there is anything to be seen."""
        return min(self.until, self.now)


def span_of(since: When, until: When | None, now: datetime) -> Span:
    """What `--since` and `--until` mean, as of now. Raises UsageError if no time is between.

    Without `until`, as with `--until now`, what ended in this second is there.
    """
    first = moment_at(since, now)
    # Airbyte's times have whole seconds: what ended in this one is there, too.
    last = moment_at(until, now) if until else now + timedelta(seconds=1)
    if first < last:
        return Span(first, last, now)
    if not until:
        raise click.UsageError(
            f"--since is {moment(first)}, but by Airbyte's clock it is only {moment(now)}."
        )
    raise click.UsageError(
        f"--since ({moment(first)}) must be earlier than --until ({moment(last)})."
    )
