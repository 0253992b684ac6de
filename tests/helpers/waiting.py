"""Waiting for what nothing signals: what other processes do."""

import time
from collections.abc import Callable

LONGEST = 120.0


def wait_until(
    is_so: Callable[[], bool],
    what: str,
    *,
    seconds: float = LONGEST,
    every: float = 0.05,
    evidence: Callable[[], str] = str,
) -> None:
    """Look every so many seconds until it is so; after too long, fail with what was waited for.

    `evidence` is shown with it, such as the log of a process.
    """
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(f"Within {seconds:.0f} s there was not {what}. {evidence()}")
        time.sleep(every)
