"""Keeps secrets out of what is told: messages of Airbyte, and addresses. Pure."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

HIDDEN = "***"

# Shorter values are no secrets, and to hide each "1" or "on" would garble every message.
_SHORTEST_SECRET = 4
_USER_OF_ADDRESS = re.compile(r"^([\w+.-]+://)?.*@", re.DOTALL)
_PASSWORD_OF_ADDRESS = re.compile(r"(?:[\w+.-]+://)?[^:]*:(?!//)(.*)@", re.DOTALL)


def without_secrets(told: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it hidden."""
    # The longest first: one secret may hold another.
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            told = told.replace(secret, HIDDEN)
    return told


def bare_address(address: str) -> str:
    """The address without a query or fragment, and with its user and password hidden.

    What is no address at all is treated alike: everything before an `@` may be a password.
    """
    return _USER_OF_ADDRESS.sub(rf"\1{HIDDEN}@", re.split("[?#]", address, maxsplit=1)[0])


def passwords_in(address: str) -> tuple[str, ...]:
    """The password of an address like `http://user:password@host`, as written and as meant."""
    found = _PASSWORD_OF_ADDRESS.match(address)
    return (found[1], unquote(found[1])) if found else ()
