"""Prints the table of all benchmarks: `make bench`. Arguments are the parts to run."""

import logging
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg

from bench import bench_daemon, bench_definition_load, bench_tick
from bench.table import Row, markdown

# The first one waits most of the time, so the others run beside it.
PARTS: Mapping[str, Callable[[], Iterable[Row]]] = {
    "latency": bench_daemon.latency,
    "load": bench_definition_load.rows,
    "tick": bench_tick.rows,
    "backlog": bench_daemon.backlogs,
    "soak": bench_daemon.an_hour,
}


def main(parts: list[str]) -> None:
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    begun, made = time.monotonic(), list[Row]()
    wanted = [PARTS[part] for part in parts or PARTS]
    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(lambda: list(wanted[0]()))
        for rows in (*wanted[1:], first.result):
            for row in rows():
                print(" | ".join(row.cells()), file=sys.stderr, flush=True)
                made.append(row)
    print(markdown(made))
    print(f"\n{_machine()}; in {(time.monotonic() - begun) / 60:.0f} minutes.")


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB,"
        f" Python {platform.python_version()}, Dagster {dg.__version__}"
    )


def _processor() -> str:
    """Its name where Linux knows it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main(sys.argv[1:])
