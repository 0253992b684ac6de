"""Times as Airbyte's Java servers write and read them."""

import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d(?::\d\d)?)"
)


def java_time(moment: datetime) -> str:
    """As `OffsetDateTime.toString()` of whole seconds: seconds that are zero are not written."""
    utc = moment.astimezone(timezone.utc)
    return utc.strftime("%Y-%m-%dT%H:%MZ" if utc.second == 0 else "%Y-%m-%dT%H:%M:%SZ")


def java_duration(span: timedelta) -> str:
    """As `Duration.toString()` of whole seconds: hours are never turned into days.

    It can be less than nothing, if a clock was set back, and then each part is.
    """
    total = int(span.total_seconds())
    minutes, seconds = divmod(abs(total), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "-" if total < 0 else ""
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "PT" + ("".join(f"{sign}{number}{unit}" for number, unit in parts if number) or "0S")


def epoch_seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def epoch_milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def read_time(text: str) -> datetime:
    """ISO 8601 with an offset, or RFC 1123; anything else is a ValueError, as in Micronaut."""
    match = _ISO.fullmatch(text)
    return _from_iso(match) if match else _from_rfc_1123(text)


def _from_iso(match: re.Match[str]) -> datetime:
    minute, second, fraction, offset = match.groups()
    microseconds = (fraction or "0").ljust(6, "0")[:6]
    zone = "+00:00" if offset == "Z" else offset
    return datetime.fromisoformat(f"{minute}:{second or '00'}.{microseconds}{zone}")


def _from_rfc_1123(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return moment
