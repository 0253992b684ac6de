"""How much a process holds, as /proc tells it."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Size:
    """Of one process at one moment."""

    megabytes: float
    descriptors: int
    threads: int


def size_of(pid: int) -> Size:
    folder = Path("/proc") / str(pid)
    status = (folder / "status").read_text()
    kilobytes, threads = (
        int(re.findall(rf"^{field}:\s*(\d+)", status, re.MULTILINE)[0])
        for field in ("VmRSS", "Threads")
    )
    return Size(kilobytes / 1024, len(list((folder / "fd").iterdir())), threads)
