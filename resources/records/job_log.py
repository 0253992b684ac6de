"""The end of what an attempt wrote to its log."""

from dataclasses import dataclass


@dataclass(frozen=True)
class JobLog:
    """The last lines of one attempt's log (numbered from 0), without secrets and colours.

    `lines` are twenty at most, of some kilobytes in all, and never none.
    """

    attempt: int
    lines: tuple[str, ...]
