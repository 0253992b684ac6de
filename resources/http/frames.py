"""Keeps secrets out of tracebacks: error trackers store the local variables of each frame."""

import sys
import traceback
from collections.abc import Callable, Iterator
from functools import wraps
from types import TracebackType
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")


class forgotten_locals:
    """An error raised within leaves with empty frames: where it happened, but no values.

    The frame with the `with` still runs and keeps its values. An error that was already being
    handled belongs to the caller, and is left alone.
    """

    def __enter__(self) -> None:
        self._before = sys.exc_info()[1]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        for one in _chain(error, self._before):
            traceback.clear_frames(one.__traceback__)


def _chain(error: BaseException | None, end: BaseException | None) -> Iterator[BaseException]:
    """The error, its causes and contexts, up to the one that was there before."""
    seen = {id(end)}
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            waiting += (one.__cause__, one.__context__)
            yield one


def forgets_arguments(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """Decorate a function to leave neither arguments nor locals in a frame if it raises."""

    @wraps(function)
    def forgetful(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        try:
            with forgotten_locals():
                return function(*args, **kwargs)
        finally:
            del args, kwargs

    return forgetful
