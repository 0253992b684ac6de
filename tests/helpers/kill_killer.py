"""Kills parts of a deployment at random moments, and starts them again."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from helpers.kill_deployment import Deployment
from helpers.kill_moments import Moments
from helpers.kill_run_ends import RUN_ENDS, RunEnd
from helpers.kill_runs import Runs, is_sync
from helpers.kill_ticks import Ticks
from helpers.waiting import wait_until

# Shares of six kills. Everything: as when the machine loses its power.
_SERVERS = {"daemon": 3, "code server": 2, "everything": 1}
# Runs are brought to an end meanwhile, by one of this many kills.
_RUNS = 2
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
        executor: str,
        rng: random.Random,
    ) -> None:
        self._deployment = deployment
        self._runs = runs
        self._ticks = ticks
        self._moments = moments
        self._run_ends = RUN_ENDS[executor]
        self._rng = rng
        self.crashes: Counter[str] = Counter()

    def kill(self, times: int) -> None:
        runs = times // _RUNS
        with ThreadPoolExecutor(1) as meanwhile:
            deaths = meanwhile.submit(self._end_runs, runs)
            self._kill_servers(times - runs)
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

    def _end_runs(self, times: int) -> None:
        """In each of the ways in turn."""
        for name, end in itertools.islice(itertools.cycle(self._run_ends.items()), times):
            wait_until(
                partial(self._end_run, end),
                "a run that Dagster executes",
                seconds=_RUN_PATIENCE,
                every=0,
            )
            self._note(name, "at work")

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
        self._runs.kill_all()
        self._deployment.start_code_server()
        self._deployment.start_daemon()

    def _end_run(self, end: RunEnd) -> bool:
        """One that is following a sync, or has just followed it to its end, if there is any."""
        if self._rng.random() < 0.5:
            self._moments.wait_for_following(_PATIENCE)
            pause = self._rng.uniform(0.0, 2.0)
        else:
            self._moments.wait_for_reporting(_PATIENCE)
            pause = self._rng.uniform(0.0, 0.2)
        workers = [worker for worker in self._runs.workers() if is_sync(worker.run)]
        time.sleep(pause)
        return any(end(self._runs, worker) for worker in self._rng.sample(workers, len(workers)))

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
