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
        """Restart Airbyte: all unfinished jobs fail at the same moment. Returns them."""
        with self._world.lock:
            now = self._world.progress()
            unfinished = [job for job in self._world.jobs.values() if not job.is_finished]
            for job in unfinished:
                self._world.fail(job, now, RESTARTED)
            return unfinished

    def upgrade(self, version: str) -> None:
        """Be another release from now on. Jobs continue, as they do in Airbyte's own upgrades.

        For the time in which no server answers, use `add_fault(Fault.status(503), times=None)`, and
        then `clear_faults()`.
        """
        with self._world.lock:
            self._world.version = Version(version)

    def restore(self, to: datetime, *, fail_unfinished: bool = True) -> None:
        """Restore jobs and the sequence of their numbers from a backup of that time.

        Jobs created later are gone, and their numbers are given again to later jobs, with new times
        of creation. Jobs that had not ended then fail now, because nothing carries them out any
        more; with `fail_unfinished=False` they stay as they were. What the backup does not contain
        is in `forgotten_jobs`. Connections, streams and the clock stay as they are now. A job that
        the test holds from before may be another object now: get it again with `job`.
        """
        with self._world.lock:
            now = self._world.progress()
            for job in self._world.restore(aware(to)):
                if fail_unfinished:
                    self._world.fail(job, now, RESTARTED)

    @property
    def forgotten_jobs(self) -> list[SimulatedJob]:
        """Jobs as they were before a restore removed them, or the later part of them.

        Those of the oldest restore come first. A number can occur several times, and in `jobs`
        again.
        """
        with self._world.lock:
            return list(self._world.forgotten)

    def skip_job_ids(self, count: int) -> None:
        """Skip as many job numbers as other workspaces use: a server has one sequence for all."""
        with self._world.lock:
            self._world.next_job_id += count

    def set_clock(self, moment: datetime) -> None:
        """Set the server's clock, forwards or backwards, without time passing.

        The `Date` of answers follows. Times already written stay, and jobs do not take longer or
        shorter.
        """
        with self._world.lock:
            now = self._world.progress()
            self.clock.set(moment)
            for job in self._world.jobs.values():
                job.clock_is_set(aware(moment) - now)
