"""When to send a request again, and after how long; `transport.py` waits and sends."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import requests
from urllib3.exceptions import HTTPError, InvalidHeader, MaxRetryError, NewConnectionError
from urllib3.util import Retry

from dagster_airbyte_sync.resources.errors import AirbyteUnavailable

# Seconds. A longer wait inside one call helps nobody: the caller tries again later.
_LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential back-off: `delay`, 2 * `delay`, 4 * `delay`... seconds, each cut by up to half.

    The cut is random, so that many clients do not come back at once.
    """

    max_retries: int
    delay: float
    jitter: Callable[[], float] = random.random

    def wait(self, tries: int, error: AirbyteUnavailable) -> float | None:
        """Seconds to wait before the next try after `tries` failures, or None to give up."""
        if tries > self.max_retries:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= _LONGEST_WAIT else None
        longest = min(self.delay * 2.0 ** min(tries - 1, 30), _LONGEST_WAIT)
        return longest * (0.5 + self.jitter() / 2)


def retry_after_seconds(header: str | None) -> float | None:
    """A Retry-After header (a number or an HTTP date) in seconds; None if it says nothing."""
    try:
        return float(Retry().parse_retry_after(header)) if header else None
    except (InvalidHeader, OverflowError, ValueError):
        return None


def was_never_sent(error: requests.RequestException | HTTPError) -> bool:
    """Whether no byte can have reached Airbyte, so that even a sync start may be repeated."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError)
