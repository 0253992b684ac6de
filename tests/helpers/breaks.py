"""A line of the product made wrong on purpose, to see that a test notices."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Break:
    """One line of the product made wrong, and what notices."""

    invariant: str
    file: str
    line: str
    broken: str
    noticed_by: str
