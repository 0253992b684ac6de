"""Keeps secrets out of what is shown: messages of Airbyte, and addresses. Pure."""

import re
from base64 import b64decode
from collections.abc import Iterable
from urllib.parse import unquote

from dagster_airbyte_sync.resources.http.encodings import BASE64_RUN, ENCODINGS, base64_texts

HIDDEN = "***"

# Shorter values are no secrets, and hiding each "1" or "on" would garble every message.
_SHORTEST_SECRET = 4
# How deep encodings are nested at most.
_DEEPEST = 4
# Letters of a text to look at, at most.
_LOOKED_AT = 4000
# Letters that a byte of a secret becomes at most, encoded once or twice.
_LONGEST_BYTE = 12
_USER_OF_ADDRESS = re.compile(r"^([\w+.-]+://)?.*@", re.DOTALL)
_PASSWORD_OF_ADDRESS = re.compile(r"(?:[\w+.-]+://)?[^:]*:(?!//)(.*)@", re.DOTALL)


class Redactor:
    """Knows secrets and hides them in texts. Its `repr` shows none of them."""

    __slots__ = ("_longest", "_secrets")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        # In a form or a query, a space is a plus.
        forms = known | {secret.replace(" ", "+") for secret in known}
        # The longest first: one secret may hold another.
        self._secrets = sorted(forms, key=len, reverse=True)
        sizes = (len(secret.encode("utf-8", "surrogatepass")) for secret in forms)
        self._longest = _LONGEST_BYTE * max(sizes, default=0)

    def also(self, secrets: Iterable[str]) -> "Redactor":
        """A Redactor that knows these as well."""
        return Redactor((*self._secrets, *secrets))

    def quoted(self, text: str, most: int) -> str:
        """The beginning of the text, at most `most` letters, without secrets or parts of one."""
        seen = text[: max(_LOOKED_AT, most) + self._longest]
        hidden = self.hidden(seen)
        if len(seen) < len(text):
            # It may end in half a secret, which cannot be recognised.
            hidden = hidden[: max(len(hidden) - self._longest, 0)]
        return hidden[:most]

    def hidden(self, text: str) -> str:
        """The text with every secret in it hidden, whatever encoding it is in.

        Where one was in an encoding, the text comes back decoded.
        """
        return self._hidden(text, _DEEPEST)

    def _hidden(self, text: str, depth: int) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        if depth == 0 or not self._secrets:
            return text
        text = BASE64_RUN.sub(lambda run: self._run_hidden(run[0], depth - 1), text)
        for plain_of in ENCODINGS:
            plain = plain_of(text)
            if plain != text:
                read = self._hidden(plain, depth - 1)
                text = text if read == plain else read
        return text

    def _run_hidden(self, run: str, depth: int) -> str:
        has_secret = any(self._hidden(text, depth) != text for text in base64_texts(run))
        return HIDDEN if has_secret else run


NO_SECRETS = Redactor()


def bare_address(address: str) -> str:
    """The address without a query or fragment, and with its user and password hidden.

    Even if it is no address: everything before an `@` may be a password.
    """
    return _USER_OF_ADDRESS.sub(rf"\1{HIDDEN}@", re.split("[?#]", address, maxsplit=1)[0])


def secrets_in_header(value: str) -> tuple[str, ...]:
    """The secrets in a header's value: all of it, and of `Bearer token` the token.

    Of `Basic credentials` also the password in them, and of `name=value; name=value` each value.
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
    """The password of an address like `http://user:password@host`, as written and decoded."""
    match = _PASSWORD_OF_ADDRESS.match(address)
    return (match[1], unquote(match[1])) if match else ()
