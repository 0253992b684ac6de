"""The spellings in which a server may repeat a secret."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus


def _percent(text: str) -> str:
    return quote(text, safe="")


def _every_byte(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _decimal(text: str) -> str:
    return "".join(f"&#{ord(letter)};" for letter in text)


def _hexadecimal(text: str) -> str:
    return "".join(f"&#x{ord(letter):X};" for letter in text)


def _base64(before: str = "", after: str = "") -> Callable[[str], str]:
    return lambda text: base64.b64encode(f"{before}{text}{after}".encode()).decode()


def _urlsafe(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _in_json(text: str) -> str:
    return json.dumps({"client_secret": text})


ENCODED: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "json": lambda text: json.dumps(text),
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "percent": _percent,
    "percent, small": lambda text: _percent(text).lower() if text.islower() else _every_byte(text),
    "percent, every byte": _every_byte,
    "percent, twice": lambda text: _percent(_percent(text)),
    "form": quote_plus,
    "form, twice": lambda text: quote_plus(quote_plus(text)),
    "html": html.escape,
    "html, twice": lambda text: html.escape(html.escape(text)),
    "html, decimal": _decimal,
    "html, hexadecimal": _hexadecimal,
    "html in json": lambda text: json.dumps(html.escape(text)).replace("&", r"\u0026"),
    "percent in html": lambda text: html.escape(_percent(text)),
    "base64": _base64(),
    "base64, urlsafe, unpadded": _urlsafe,
    "base64 of a user": _base64("me:"),
    "base64, second place": _base64("a"),
    "base64, third place": _base64("ab"),
    "base64 of more": _base64("a", ", and more of it"),
    "base64 of json": lambda text: _base64()(_in_json(text)),
    "base64 in a form": lambda text: quote_plus(_base64("?>")(text)),
    "base64 in json": lambda text: json.dumps(_base64("?>")(text)).replace("/", r"\/"),
    "base64 of base64": lambda text: _base64("x")(_base64("y")(text)),
    "base64 in lines": lambda text: base64.encodebytes(("x" * 50 + text).encode()).decode(),
}
