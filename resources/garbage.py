"""Python's garbage collector, while much is made that stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock


@dataclass
class _Pause:
    """How many blocks of code want the collector to rest, in all threads; and who began it."""

    blocks: int = 0
    is_ours: bool = False


_lock, _pause = Lock(), _Pause()


@contextmanager
def no_garbage_collected() -> Iterator[None]:
    """Loads within do not look for garbage, which they make none of: a quarter of their time.

    Python counts what was made to know when to look, and then looks through all there is: of
    definitions, again and again. What is in no cycle is freed as ever. It holds for all threads, so
    nothing is to wait within.
    """
    with _lock:
        _pause.blocks += 1
        if _pause.blocks == 1:
            _pause.is_ours = gc.isenabled()
            gc.disable()
    try:
        yield
    finally:
        with _lock:
            _pause.blocks -= 1
            if _pause.blocks == 0 and _pause.is_ours:
                gc.enable()
