"""What a cursor must name, as short text: thousands of jobs fit into a few kB."""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

# More than any cursor holds; a cursor may be edited, and a few bytes could unpack to gigabytes.
_MOST_BYTES = 1_000_000


class NotPacked(ValueError):
    """Raised for a text that was not packed here."""


def pack(numbers: Iterable[int]) -> str:
    """Whole numbers as text: shortest where each is close to the one before it."""
    raw = bytearray()
    before = 0
    for number in numbers:
        raw += _as_bytes(number - before)
        before = number
    return _compressed(bytes(raw))


def unpack(packed: str) -> list[int]:
    """The numbers that were packed. Raises NotPacked."""
    return list(_numbers(_decompressed(packed)))


def pack_text(text: str) -> str:
    return _compressed(text.encode())


def unpack_text(packed: str) -> str:
    """The text that was packed. Raises NotPacked."""
    return _decompressed(packed).decode("utf-8", "replace")


def pack_rows(rows: Mapping[int, Sequence[int]]) -> str:
    """Rows of whole numbers, all of one length, by a number of their own."""
    # Column by column: neighbours are then alike.
    table = [(number, *rows[number]) for number in sorted(rows)]
    return pack(chain.from_iterable(zip(*table, strict=True)))


def unpack_rows(packed: str, width: int) -> dict[int, tuple[int, ...]]:
    """The rows that were packed, of so many numbers each. Raises NotPacked."""
    numbers = unpack(packed)
    height, rest = divmod(len(numbers), width + 1)
    if rest:
        raise NotPacked
    columns = [numbers[place * height : (place + 1) * height] for place in range(width + 1)]
    return {row[0]: row[1:] for row in zip(*columns, strict=True)}


def _compressed(raw: bytes) -> str:
    return urlsafe_b64encode(zlib.compress(raw, 9)).decode()


def _decompressed(packed: str) -> bytes:
    try:
        unzip = zlib.decompressobj()
        raw = unzip.decompress(urlsafe_b64decode(packed), _MOST_BYTES)
    except (ValueError, zlib.error):
        raise NotPacked from None
    if unzip.unconsumed_tail or not unzip.eof:
        raise NotPacked
    return raw


def _as_bytes(step: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    rest = step * 2 if step >= 0 else -step * 2 - 1
    parts = bytearray()
    while rest > 127:
        parts.append(rest & 127 | 128)
        rest >>= 7
    parts.append(rest)
    return bytes(parts)


def _numbers(raw: bytes) -> Iterable[int]:
    total = value = shift = 0
    for byte in raw:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            total += -((value + 1) // 2) if value % 2 else value // 2
            yield total
            value = shift = 0
