"""Everything that Dagster stores or prints, searched for what must never be in it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from dagster_airbyte_sync.testing import AirbyteSimulator


class Printed(logging.Handler):
    """All log lines since the last look."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[str] = []
        self._plain = logging.Formatter("%(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self._plain.format(record))

    def take(self) -> str:
        lines, self._lines = self._lines, []
        return "\n".join(lines)


@contextmanager
def printed(*loggers: str) -> Iterator[Printed]:
    """Listens to these loggers, from INFO on."""
    handler = Printed()
    found = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in found]
    for logger in found:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield handler
    finally:
        for logger, level in zip(found, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


class Secrets:
    """The credentials of a simulated Airbyte, and each token it has handed out."""

    def __init__(self, airbyte: AirbyteSimulator) -> None:
        self._airbyte = airbyte
        self._known = {airbyte.client_secret, airbyte.password}
        self._looked = 0

    def check_are_not_in(self, where: str, text: str) -> None:
        for secret in self._all():
            assert secret not in text, f"a secret is in {where}: {text}"

    def _all(self) -> set[str]:
        requests = self._airbyte.requests
        for request in requests[self._looked :]:
            _, _, credential = request.headers.get("Authorization", "").partition(" ")
            if credential:
                self._known.add(credential)
        self._looked = len(requests)
        return self._known
