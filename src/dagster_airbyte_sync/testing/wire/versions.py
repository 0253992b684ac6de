"""Which release of Airbyte is being simulated, and what that release can do."""

import re
from dataclasses import dataclass

_NEWEST = (9999, 0, 0)


@dataclass(frozen=True)
class Version:
    """A release of Airbyte; a text without numbers, as `dev`, is newer than all releases."""

    text: str

    @property
    def numbers(self) -> tuple[int, ...]:
        match = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", self.text)
        return tuple(int(number or 0) for number in match.groups()) if match else _NEWEST

    def since(self, *numbers: int) -> bool:
        return self.numbers >= numbers

    @property
    def answers_before_running(self) -> bool:
        """After 2.1.0, starting a job answers as soon as the job has an id."""
        return self.numbers > (2, 1, 0)
