"""Keeps secrets out of what is told: messages of Airbyte, and addresses. Pure."""

import re
from base64 import b64decode
from collections.abc import Iterable
from urllib.parse import unquote

HIDDEN = "***"

# Shorter values are no secrets, and to hide each "1" or "on" would garble every message.
_SHORTEST_SECRET = 4
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_USER_OF_ADDRESS = re.compile(r"^([\w+.-]+://)?.*@", re.DOTALL)
_PASSWORD_OF_ADDRESS = re.compile(r"(?:[\w+.-]+://)?[^:]*:(?!//)(.*)@", re.DOTALL)


def without_secrets(told: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it hidden, also where JSON spells it with escapes."""
    # The longest first: one secret may hold another.
    known = sorted((s for s in secrets if len(s) >= _SHORTEST_SECRET), key=len, reverse=True)
    hidden = read = _hide(told, known)
    # A JSON text may hold another one.
    while (plain := _unescaped(read)) != read:
        read = _hide(plain, known)
        if read != plain:
            hidden = read
    return hidden


def _hide(told: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        told = told.replace(secret, HIDDEN)
    return told


def _unescaped(told: str) -> str:
    if "\\" not in told:
        return told
    plain = _ESCAPED.sub(_meant, told)
    # JSON writes what is beyond 16 bits as two escapes.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _meant(escape: re.Match[str]) -> str:
    code, letter = escape.groups()
    return chr(int(code, 16)) if code else _CONTROLS.get(letter, letter)


def bare_address(address: str) -> str:
    """The address without a query or fragment, and with its user and password hidden.

    What is no address at all is treated alike: everything before an `@` may be a password.
    """
    return _USER_OF_ADDRESS.sub(rf"\1{HIDDEN}@", re.split("[?#]", address, maxsplit=1)[0])


def secrets_in_header(value: str) -> tuple[str, ...]:
    """What of a header's value is secret: all of it, and of `Bearer token` the token.

    Of `Basic credentials` the password in them, too; of `name=value; name=value` each value.
    """
    _, _, credentials = value.partition(" ")
    cookies = (pair.partition("=")[2].strip() for pair in value.split(";"))
    return tuple(filter(None, (value, credentials.strip(), _basic_password(credentials), *cookies)))


def _basic_password(credentials: str) -> str:
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def passwords_in(address: str) -> tuple[str, ...]:
    """The password of an address like `http://user:password@host`, as written and as meant."""
    found = _PASSWORD_OF_ADDRESS.match(address)
    return (found[1], unquote(found[1])) if found else ()
