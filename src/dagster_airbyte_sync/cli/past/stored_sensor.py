"""What Dagster's instance has stored of a sensor: whether it is on, and its cursor.

Dagster's own commands use the same methods of the instance. They load the code location for that,
which must be named just as the daemon names it; here the name of the sensor is enough.
"""

import time
from collections.abc import Iterator
from enum import Enum

import click
import dagster as dg

from dagster_airbyte_sync.cli.asking import may_go_on
from dagster_airbyte_sync.cli.mistakes import Mistake

_DAEMON = "SENSOR"
# No tick takes longer, with what is stored after it; one that seems to has died with its daemon.
_LONGEST_TICK = 600.0


class Activity(Enum):
    """Whether a sensor's ticks may report syncs now."""

    OFF = "off"
    ON = "on"
    LAST_TICK = "off, but its last tick is not over"
    NO_DAEMON = "on, but no daemon is running"
    UNKNOWN = "on in one code location, and off in another"


class StoredSensor:
    """A sensor by its name, and by its code location if one is given."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        name: str,
        is_on_by_default: bool,
        location: str | None,
        module: str,
    ) -> None:
        self.name = name
        self._instance, self._is_on_by_default = instance, is_on_by_default
        self._location, self._module = location, module

    @property
    def locations(self) -> list[str]:
        """The code locations in which Dagster has stored something of the sensor."""
        return sorted(location for location, _, _ in self._states())

    def activity(self) -> Activity:
        """As of now."""
        are_on = {is_on for _, is_on, _ in self._states()} or {self._is_on_by_default}
        if True not in are_on:
            is_ticking = self._has_daemon() and self._is_ticking()
            return Activity.LAST_TICK if is_ticking else Activity.OFF
        if not self._has_daemon():
            return Activity.NO_DAEMON
        return Activity.ON if are_on == {True} else Activity.UNKNOWN

    def refuse_running(self, what: str) -> None:
        """Raise Mistake while the sensor's ticks may report what `what` is about to."""
        activity = self.activity()
        if activity is Activity.LAST_TICK:
            raise Mistake(
                f"The last tick of the sensor {self.name} is not over, and {what}: try again in a"
                " minute."
            )
        if activity is Activity.ON:
            raise Mistake(
                f"The sensor {self.name} is running, and {what}: stop it first, with"
                f" `{self.how_to_stop()}` or in Dagster's pages, and start it again afterwards."
            )
        if activity is Activity.UNKNOWN:
            raise Mistake(
                f"The sensor {self.name} is on in some code locations and off in others. If it runs"
                f" where it reports these tables, {what}: give --location, one of"
                f" {', '.join(self.locations)}."
            )

    def may_be_off(self, what: str, *, yes: bool) -> bool:
        """Asks the user where no daemon is seen; `what` is what happens if one starts meanwhile."""
        if self.activity() is not Activity.NO_DAEMON:
            return True
        said = (
            f"The sensor {self.name} is on, and no daemon that would run it was seen for half an"
            f" hour. If one starts before this is over, {what}: stop the sensor first, with"
            f" `{self.how_to_stop()}`, unless you know that none will."
        )
        if yes:
            # A script's log tells of it, too.
            click.echo(said, err=True)
        return may_go_on(f"{said} Go on?", yes=yes)

    def how_to_stop(self) -> str:
        return f"dagster sensor stop {self.name} {self._arguments()}"

    def how_to_set(self, cursor: str) -> str:
        return f"dagster sensor cursor {self.name} --set '{cursor}' {self._arguments()}"

    def cursor(self) -> str | None:
        """The cursor; None if it has none yet. Raises Mistake if several locations have one."""
        known = {location: cursor for location, _, cursor in self._states() if cursor}
        if len(known) > 1:
            raise Mistake(
                f"{len(known)} code locations have a sensor {self.name}: give --location, one of"
                f" {', '.join(sorted(known))}."
            )
        return next(iter(known.values()), None)

    def set_cursor(self, cursor: str) -> None:
        """Raises Mistake if Dagster has stored nothing of the sensor yet."""
        self.cursor()
        is_set = False
        for state in self._instance.all_instigator_state():
            data = state.sensor_instigator_data
            if data is not None and self._is_mine(state.name, state.selector.location_name):
                new = data._replace(cursor=cursor)
                self._instance.update_instigator_state(state.with_data(new))
                is_set = True
        if not is_set:
            raise Mistake(
                f"Dagster has stored nothing of the sensor {self.name} yet, as it was never"
                f" switched on or off. Its first cursor can be set with `{self.how_to_set(cursor)}`"
            )

    def _states(self) -> Iterator[tuple[str, bool, str | None]]:
        """Code location, whether it is on, and cursor, for each that has stored something."""
        for state in self._instance.all_instigator_state():
            location = state.selector.location_name
            if state.instigator_type.value == _DAEMON and self._is_mine(state.name, location):
                data = state.sensor_instigator_data
                yield location, state.is_running, data.cursor if data else None

    def _is_ticking(self) -> bool:
        """Whether a tick that began before the sensor was stopped may still be stored."""
        for state in self._instance.all_instigator_state():
            if self._is_mine(state.name, state.selector.location_name):
                ticks = self._instance.get_ticks(
                    state.instigator_origin_id, state.selector_id, limit=1
                )
                since = time.time() - _LONGEST_TICK
                if any(t.status.value == "STARTED" and t.timestamp > since for t in ticks):
                    return True
        return False

    def _is_mine(self, name: str, location: str) -> bool:
        return name == self.name and self._location in (None, location)

    def _has_daemon(self) -> bool:
        """Whether a daemon was seen in the last half an hour, which is when Dagster gives it up."""
        status = self._instance.get_daemon_statuses([_DAEMON]).get(_DAEMON)
        return status is not None and status.healthy is not False

    def _arguments(self) -> str:
        """How Dagster's commands find the code location, as the daemon has named it."""
        (location, *_) = [*self.locations, self._module]
        if location == self._module:
            return f"-m {self._module}"
        is_file = location.endswith(".py")
        return f"-f {location}" if is_file else f"-w workspace.yaml -l {location}"
