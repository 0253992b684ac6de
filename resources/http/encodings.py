"""The encodings in which a text may hide in another: JSON, percent signs, HTML, base64. Pure."""

import binascii
import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

# Six letters hold four bytes. Mail breaks base64 into lines.
BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{6,}(?:\r?\n[A-Za-z0-9+/_-]+)*={0,2}")
_LINE_ENDS = str.maketrans({"\r": None, "\n": None, "=": None, "-": "+", "_": "/"})


def from_json(text: str) -> str:
    """The text without the escapes of JSON."""
    if "\\" not in text:
        return text
    plain = _ESCAPED.sub(_meant, text)
    # JSON writes what is beyond 16 bits as two escapes.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _meant(escape: re.Match[str]) -> str:
    code, letter = escape.groups()
    return chr(int(code, 16)) if code else _CONTROLS.get(letter, letter)


ENCODINGS: tuple[Callable[[str], str], ...] = (from_json, unquote, html.unescape)


def base64_texts(run: str) -> Iterator[str]:
    """What letters of the base64 alphabet may decode to, wherever in them the base64 begins.

    Base64 comes in groups of four letters, so one of four beginnings is right.
    """
    letters = run.translate(_LINE_ENDS)
    for begin in range(4):
        part = letters[begin:]
        # One letter alone is no byte.
        part = part[:-1] if len(part) % 4 == 1 else part
        padded = part + "=" * (-len(part) % 4)
        yield binascii.a2b_base64(padded).decode("utf-8", "replace")
