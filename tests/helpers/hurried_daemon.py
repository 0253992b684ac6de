"""`dagster-daemon` for a time that is skipped: it goes by the clock in the file that `SHARED_CLOCK`
names, and never pauses for long between two looks for sensors that are due."""

import os
from importlib.metadata import entry_points
from pathlib import Path

from helpers.dagster_private import dagster_time, hurried_daemon
from helpers.shared_clock import SharedClock

PAUSE = 0.2


def main() -> None:
    clock = SharedClock(Path(os.environ["SHARED_CLOCK"]))
    (command,) = entry_points(group="console_scripts", name="dagster-daemon")
    with dagster_time(clock.now), hurried_daemon(PAUSE):
        command.load()()


if __name__ == "__main__":
    main()
