"""Kills parts of a deployment at random moments, and starts them again."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from helpers.kill_deployment import Deployment
from helpers.kill_moments import Moments
from helpers.kill_runs import Runs
from helpers.kill_ticks import Ticks

# Shares of six kills. Everything: as when the machine loses its power.
_SERVERS = {"daemon": 3, "code server": 2, "everything": 1}
# Run workers are killed meanwhile, one of this many kills.
_WORKERS = 4
_PATIENCE = 60.0
# While servers are killed all the time, hardly a run gets as far as a sync.
_RUN_PATIENCE = 300.0


class Killer:
    """What it did is counted in `crashes`, by victim and by what the victim was doing."""

    def __init__(
        self,
        deployment: Deployment,
        runs: Runs,
        ticks: Ticks,
        moments: Moments,
        rng: random.Random,
    ) -> None:
        self._deployment = deployment
        self._runs = runs
        self._ticks = ticks
        self._moments = moments
        self._rng = rng
        self.crashes: Counter[str] = Counter()

    def kill(self, times: int) -> None:
        workers = times // _WORKERS
        with ThreadPoolExecutor(1) as meanwhile:
            deaths = meanwhile.submit(self._kill_workers, workers)
            self._kill_servers(times - workers)
            while not deaths.done():
                # Dead runs would take up all places in the queue.
                self._runs.bury()
                time.sleep(1)
            deaths.result()

    def _kill_servers(self, times: int) -> None:
        deeds: dict[str, Callable[[], None]] = {
            "daemon": self._daemon,
            "code server": self._code_server,
            "everything": self._everything,
        }
        victims = self._victims()
        for _ in range(times):
            deeds[next(victims)]()
            self._runs.bury()
            self._deployment.check()

    def _kill_workers(self, times: int) -> None:
        for _ in range(times):
            until = time.monotonic() + _RUN_PATIENCE
            while not self._run_worker():
                assert time.monotonic() < until, "Dagster executes no runs."

    def _victims(self) -> Iterator[str]:
        names = [name for name, share in _SERVERS.items() for _ in range(share)]
        while True:
            yield from self._rng.sample(names, len(names))

    def _daemon(self) -> None:
        self._wait_into_tick()
        self._note("daemon", self._doing())
        self._deployment.kill_daemon()
        self._deployment.start_daemon()

    def _code_server(self) -> None:
        self._wait_into_tick()
        self._note("code server", self._doing())
        self._deployment.kill_code_server()
        self._deployment.start_code_server()

    def _everything(self) -> None:
        self._wait_into_tick()
        self._note("everything", self._doing())
        self._deployment.kill_daemon()
        self._deployment.kill_code_server()
        for pid in self._runs.workers():
            self._runs.kill(pid)
        self._deployment.start_code_server()
        self._deployment.start_daemon()

    def _run_worker(self) -> bool:
        """One that is following a sync, or has just followed it to its end, if there is any."""
        self._moments.wait_for_following(_PATIENCE)
        workers = self._runs.workers()
        time.sleep(self._rng.uniform(0.0, 2.0))
        killed = bool(workers) and self._runs.kill(self._rng.choice(workers))
        if killed:
            self._note("run worker", "at work")
        return killed

    def _wait_into_tick(self) -> None:
        """Into a tick, mostly: it takes some tenths of a second for each event it stores."""
        if self._rng.random() < 0.8:
            self._moments.wait_for_tick(_PATIENCE)
            time.sleep(self._rng.uniform(0.0, 1.2))
        else:
            time.sleep(self._rng.uniform(0.0, 4.0))

    def _doing(self) -> str:
        in_tick = self._ticks.is_running(since=self._deployment.daemon_since)
        return "in a tick" if in_tick else "between ticks"

    def _note(self, victim: str, doing: str) -> None:
        self.crashes[f"{victim} {doing}"] += 1
