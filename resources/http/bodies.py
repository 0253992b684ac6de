"""Reads the body of an answer: in time, unpacked, and never more of it than fits.

Only gzip and deflate are asked for. They are unpacked here, piece by piece: a library that unpacks
a whole part at once can be made to fill the memory by a few kilobytes.
"""

import codecs
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import requests
from urllib3.exceptions import DecodeError, HTTPError

from dagster_airbyte_sync.resources.http.deadline import Deadline

ACCEPTED = "gzip, deflate"

MEGABYTE = 1_048_576
# A catalog of a million columns is some 60 MB.
LONGEST = 256 * MEGABYTE
# Of a refusal the beginning is enough.
LONGEST_REFUSAL = MEGABYTE
# Bytes that are read, and unpacked, at a time.
_PART = 65_536

_GZIP = b"\x1f\x8b"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark it begins with.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class TooSlow(HTTPError):
    """Raised if an answer has not come to its end in time."""


class TooLong(HTTPError):
    """Raised if an answer is longer than what is read."""


def read_body(response: requests.Response, deadline: Deadline) -> bytearray:
    """The whole body of a good answer, the beginning of another's; TooSlow or TooLong if need be.

    A body that is read to its end leaves the connection for the next request.
    """
    most = LONGEST if response.status_code < 300 else LONGEST_REFUSAL
    body = bytearray()
    for part in _unpacked(_received(response, deadline), _coding(response)):
        body += part
        if len(body) > most:
            response.close()
            if response.status_code < 300:
                raise TooLong
            del body[most:]
            break
    return body


def decoded(body: bytes | bytearray, errors: str = "strict") -> str:
    """The text: JSON is UTF-8 whatever its content type says, unless a byte order mark differs."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return str(memoryview(body)[len(mark) :], name, errors)
    return body.decode("utf-8", errors)


def _coding(response: requests.Response) -> str:
    return response.headers.get("Content-Encoding", "").strip().lower()


def _received(response: requests.Response, deadline: Deadline) -> Iterator[bytes]:
    """The body as it was sent."""
    length = 0
    while part := response.raw.read(_PART, decode_content=False):
        length += len(part)
        yield part
        if deadline.is_over:
            response.close()
            raise TooSlow
        # Packed emptiness has no end either.
        if length > LONGEST:
            response.close()
            raise TooLong


def _unpacked(parts: Iterable[bytes], coding: str) -> Iterable[bytes]:
    if coding in ("gzip", "x-gzip"):
        return _inflated(parts, is_gzip=True)
    if coding == "deflate":
        return _inflated(parts, is_gzip=False)
    # Of what else it may be called, most is not packed at all.
    return parts


def _inflated(parts: Iterable[bytes], *, is_gzip: bool) -> Iterator[bytes]:
    unpacking = None
    for part in parts:
        while part:
            if unpacking is None:
                unpacking = zlib.decompressobj(_window(part, is_gzip))
            elif unpacking.eof:
                # What follows the end is another member, or nothing of ours.
                if not (is_gzip and _GZIP.startswith(part[:2])):
                    break
                unpacking = zlib.decompressobj(_window(part, is_gzip))
            with _as_http_errors():
                yield unpacking.decompress(part, _PART)
            part = unpacking.unconsumed_tail or unpacking.unused_data
    if unpacking is not None:
        with _as_http_errors():
            yield unpacking.flush()


@contextmanager
def _as_http_errors() -> Iterator[None]:
    try:
        yield
    except zlib.error as broken:
        raise DecodeError(str(broken)) from None


def _window(beginning: bytes, is_gzip: bool) -> int:
    """What to give zlib for this format."""
    if is_gzip:
        return 16 + zlib.MAX_WBITS
    # Some servers leave out the header that "deflate" should have.
    has_header = beginning[0] & 0x0F == 8 and int.from_bytes(beginning[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
