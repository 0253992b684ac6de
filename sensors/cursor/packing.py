"""Many whole numbers as a short text, for a cursor: thousands of jobs fit into a few kB."""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable

# More than any cursor holds; a cursor may be edited, and a few bytes could unpack to gigabytes.
_MOST_BYTES = 1_000_000


class NotPacked(ValueError):
    """Raised for a text that `pack` did not make."""


def pack(numbers: Iterable[int]) -> str:
    """The numbers as text: shortest where each is close to the one before it."""
    raw = bytearray()
    before = 0
    for number in numbers:
        raw += _as_bytes(number - before)
        before = number
    return urlsafe_b64encode(zlib.compress(bytes(raw), 9)).decode()


def unpack(packed: str) -> list[int]:
    """The numbers that were packed. Raises NotPacked."""
    try:
        unzip = zlib.decompressobj()
        raw = unzip.decompress(urlsafe_b64decode(packed), _MOST_BYTES)
    except (ValueError, zlib.error):
        raise NotPacked from None
    if unzip.unconsumed_tail or not unzip.eof:
        raise NotPacked
    return list(_numbers(raw))


def _as_bytes(step: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    rest = step * 2 if step >= 0 else -step * 2 - 1
    found = bytearray()
    while rest > 127:
        found.append(rest & 127 | 128)
        rest >>= 7
    found.append(rest)
    return bytes(found)


def _numbers(raw: bytes) -> Iterable[int]:
    total = value = shift = 0
    for byte in raw:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            total += -((value + 1) // 2) if value % 2 else value // 2
            yield total
            value = shift = 0
