"""What an error tracker would store of an error: the locals of each frame, searched for secrets."""

import traceback
from collections.abc import Collection, Iterator, Set
from pathlib import Path

from dagster_airbyte_sync.resources import AirbyteSettings, BaseAirbyteWorkspace
from helpers.encoded import ENCODED

_TESTS = str(Path(__file__).parents[1])
# They exist to hold secrets, and hide them from their `repr`.
_HOLDERS = (AirbyteSettings, BaseAirbyteWorkspace)


def errors_of(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that led to it, also what `from None` only suppresses."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            waiting += (one.__cause__, one.__context__)
            yield one


def leaks(error: BaseException, secrets: Collection[str]) -> list[str]:
    """Where in the error, or in a local of any frame outside of the tests, a secret stands."""
    forms = {form(secret) for secret in secrets for form in ENCODED.values()}
    found = []
    for one in errors_of(error):
        for where, text in _reported(one):
            found += [f"{where}: {form}" for form in forms if form in text]
    return found


def frames_of(error: BaseException) -> list[str]:
    """The names of the functions that the error passed, outside of the tests."""
    tracebacks = (one.__traceback__ for one in errors_of(error))
    frames = [frame for tb in tracebacks for frame, _ in traceback.walk_tb(tb)]
    return [frame.f_code.co_name for frame in frames if _is_ours(frame.f_code.co_filename)]


def _reported(error: BaseException) -> Iterator[tuple[str, str]]:
    yield "message", f"{error} {error!r} {error.args}"
    for frame, line in traceback.walk_tb(error.__traceback__):
        if _is_ours(frame.f_code.co_filename):
            for name, value in frame.f_locals.items():
                where = f"{Path(frame.f_code.co_filename).name}:{line} {name}"
                yield from ((where, text) for text in _texts(value))
                yield from ((f"{where}, within", text) for text in _texts_within(value))


def _is_ours(file: str) -> bool:
    return not file.startswith(_TESTS)


def _texts(value: object) -> Iterator[str]:
    """As error trackers do: containers one by one, of everything else the `repr`."""
    if isinstance(value, dict):
        for key, one in list(value.items()):
            yield from (*_texts(key), *_texts(one))
    elif isinstance(value, list | tuple | Set):
        for one in list(value):
            yield from _texts(one)
    elif isinstance(value, bytes | bytearray):
        yield value.decode("latin-1")
    else:
        yield value if isinstance(value, str) else repr(value)


def _texts_within(value: object) -> Iterator[str]:
    if not isinstance(value, (*_HOLDERS, type)) and hasattr(value, "__dict__"):
        yield from _texts(dict(vars(value)))
