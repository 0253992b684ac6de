"""What happens to a whole Airbyte: restarts, backups, clocks that are wrong."""

from datetime import datetime

from dagster_airbyte_sync.testing.clock import Clock, aware
from dagster_airbyte_sync.testing.wire.versions import Version
from dagster_airbyte_sync.testing.world.jobs import SimulatedJob
from dagster_airbyte_sync.testing.world.plans import Failure
from dagster_airbyte_sync.testing.world.world import World

RESTARTED = Failure("The platform was restarted", "airbyte_platform", "system_error")


class IncidentControls:
    """What a test can do to the server as a whole."""

    _world: World
    clock: Clock

    def restart(self) -> list[SimulatedJob]:
        """Restart the platform: each unfinished job fails, all at one moment. Returns them."""
        with self._world.lock:
            now = self._world.progress()
            unfinished = [job for job in self._world.jobs.values() if not job.is_finished]
            for job in unfinished:
                self._world.fail(job, now, RESTARTED)
            return unfinished

    def upgrade(self, version: str) -> None:
        """Serve as another release from now on; jobs go on, as they do in Airbyte's own upgrades.

        For the time in which no server answers: `add_fault(Fault.status(503), times=None)`, until
        `clear_faults()`.
        """
        with self._world.lock:
            self._world.version = Version(version)

    def restore(self, to: datetime, *, fail_unfinished: bool = True) -> None:
        """Put a backup of that time in the place of all jobs and of the sequence of their numbers.

        Jobs created later are gone, and later jobs get their numbers, with new creation times.
        Jobs that had not ended then fail now, as nothing carries them out any more; without
        `fail_unfinished` they are what they were. What a backup does not hold, here or by then,
        is in `forgotten_jobs`. Connections and streams stay what they are now, and so does the
        clock. A job that a test holds from before may be another object now: ask `job` for it.
        """
        with self._world.lock:
            now = self._world.progress()
            for job in self._world.restore(aware(to)):
                if fail_unfinished:
                    self._world.fail(job, now, RESTARTED)

    @property
    def forgotten_jobs(self) -> list[SimulatedJob]:
        """Jobs as they were before a restore took them, or their later part, away.

        The oldest restore comes first; a number may be in the list, and in `jobs`, again.
        """
        with self._world.lock:
            return list(self._world.forgotten)

    def skip_job_ids(self, count: int) -> None:
        """Let other workspaces use so many numbers: there is one sequence for a whole server."""
        with self._world.lock:
            self._world.next_job_id += count

    def set_clock(self, moment: datetime) -> None:
        """Set the server's clock, back as well: no time passes by that.

        The `Date` of answers follows; what has been written keeps its times, and jobs take no
        longer or shorter for it.
        """
        with self._world.lock:
            now = self._world.progress()
            self.clock.set(moment)
            for job in self._world.jobs.values():
                job.clock_is_set(aware(moment) - now)
