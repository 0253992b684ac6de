"""Reads the body of an answer: in time, unpacked, and never more of it than fits.

Only gzip and deflate are requested. They are unpacked here, piece by piece: where a library unpacks
a whole part at once, a few kilobytes can fill the memory.
"""

import zlib
from collections.abc import Iterable, Iterator

import requests
from requests.utils import guess_json_utf
from urllib3.exceptions import DecodeError, HTTPError

from dagster_airbyte_sync.resources.http.deadline import Deadline

ACCEPTED = "gzip, deflate"

MEGABYTE = 1_048_576
# A catalog of a million columns is some 60 MB.
LONGEST = 256 * MEGABYTE
# The beginning of a refusal is enough.
LONGEST_REFUSAL = MEGABYTE
# Bytes to read, and to unpack, at a time.
_PART = 65_536

_GZIP = b"\x1f\x8b"


class TooSlow(HTTPError):
    """Raised if an answer has not come to its end in time."""


class TooLong(HTTPError):
    """Raised if an answer is longer than what is read."""


def read_body(
    response: requests.Response, deadline: Deadline, longest: int | None = None
) -> bytearray:
    """The body of an answer, whole if its status is good, else its first megabyte.

    A body that is read to its end leaves the connection for the next request. Raises TooSlow after
    the deadline, TooLong above `longest` bytes (256 MB if None), and DecodeError.
    """
    most = (longest or LONGEST) if response.status_code < 300 else LONGEST_REFUSAL
    body = bytearray()
    parts = _received(response, deadline)
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    # Under most other names it is not packed at all.
    if coding in ("gzip", "x-gzip", "deflate"):
        parts = _inflated(parts, is_gzip=coding != "deflate")
    for part in parts:
        body += part
        if len(body) > most:
            response.close()
            if response.status_code < 300:
                raise TooLong
            del body[most:]
            break
    return body


def decoded(body: bytes | bytearray, errors: str = "strict") -> str:
    """The text: JSON is UTF-8, whatever its content type says, unless its first bytes differ."""
    encoding = guess_json_utf(body)  # type: ignore[no-untyped-call]
    return body.decode(encoding or "utf-8", errors)


def _received(response: requests.Response, deadline: Deadline) -> Iterator[bytes]:
    """The body as it was sent."""
    length = 0
    while part := response.raw.read(_PART, decode_content=False):
        length += len(part)
        yield part
        if deadline.is_over:
            response.close()
            raise TooSlow
        # What unpacks to nothing can be endless, too.
        if length > LONGEST:
            response.close()
            raise TooLong


def _inflated(parts: Iterable[bytes], *, is_gzip: bool) -> Iterator[bytes]:
    unpacking = None
    try:
        for part in parts:
            while part:
                if unpacking is None or unpacking.eof:
                    # After the end comes another member, or padding.
                    if unpacking is not None and not (is_gzip and _GZIP.startswith(part[:2])):
                        break
                    unpacking = zlib.decompressobj(_window(part, is_gzip))
                yield unpacking.decompress(part, _PART)
                part = unpacking.unconsumed_tail or unpacking.unused_data
        if unpacking is not None:
            yield unpacking.flush()
    except zlib.error as broken:
        raise DecodeError(str(broken)) from None


def _window(beginning: bytes, is_gzip: bool) -> int:
    """The `wbits` of zlib for this format."""
    if is_gzip:
        return 16 + zlib.MAX_WBITS
    # Some servers leave out the header that "deflate" should have.
    has_header = beginning[0] & 0x0F == 8 and int.from_bytes(beginning[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
