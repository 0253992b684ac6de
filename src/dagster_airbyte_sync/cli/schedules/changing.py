"""Makes changes one by one, and says how far it came, whatever happens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dagster_airbyte_sync.cli.mistakes import Interrupted, Mistake, sentence_of
from dagster_airbyte_sync.cli.tables import show_if_read
from dagster_airbyte_sync.resources import AirbyteError

# What is left and what to do: by how many changes were begun, and what Airbyte refused, if it did.
Then = Callable[[int, AirbyteError | None], str]


class Progress:
    """Prints a line for each change; those go on if nobody reads it."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        self.total, self.begun = total, 0
        self._is_quiet = quiet

    def say(self, line: str) -> None:
        """Note the next change, and print it with its number."""
        self.begun += 1
        if not self._is_quiet:
            show_if_read(f"{self.begun} of {self.total}: {line}")


@contextmanager
def reported(progress: Progress, then: Then) -> Iterator[None]:
    """Turn an end half-way into a Mistake."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted. {then(progress.begun, None)}") from None
    except AirbyteError as error:
        raise Mistake(f"{sentence_of(error)} {then(progress.begun, error)}") from None
    except Mistake as mistake:
        raise Mistake(f"{mistake} {then(progress.begun, None)}") from None
