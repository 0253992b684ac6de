"""Reading what clients send, as leniently or strictly as Micronaut does."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from werkzeug.datastructures import MultiDict

from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.times import read_time

Word = TypeVar("Word", bound=str)


class Query:
    """The parameters of a GET."""

    def __init__(self, values: "MultiDict[str, str]") -> None:
        self._values = values

    def text(self, name: str) -> str | None:
        return self._values.get(name)

    def number(self, name: str, default: int) -> int:
        text = self._values.get(name)
        try:
            return int(text) if text else default
        except ValueError:
            raise problems.unbound(name, str(text)) from None

    def flag(self, name: str) -> bool:
        return self._values.get(name, "").lower() == "true"

    def one_of(self, name: str, allowed: Collection[str]) -> str | None:
        """A single value; several, joined or not in the enumeration, are refused."""
        text = self._values.get(name)
        if text is not None and text not in allowed:
            raise problems.unbound(name, text)
        return text

    def ids(self, name: str) -> list[str]:
        """A list, repeated or joined with commas."""
        found = [part for text in self._values.getlist(name) for part in text.split(",") if part]
        for text in found:
            if not is_uuid(text):
                raise problems.unbound(name, text)
        return found

    def time(self, name: str) -> datetime | None:
        return time_or_refusal(name, self._values.get(name))


class Body:
    """The JSON object of a POST."""

    def __init__(self, content: object) -> None:
        self._content: Mapping[str, object] = content if isinstance(content, dict) else {}

    def text(self, name: str) -> str:
        """A value that must be there."""
        value = self._content.get(name)
        if not isinstance(value, str):
            raise problems.unbound(name, str(value))
        return value

    def optional(self, name: str) -> str | None:
        return self.text(name) if self._content.get(name) is not None else None

    def one_of(self, name: str, allowed: Sequence[Word]) -> Word:
        """A value that must be one of these words."""
        text = self.text(name)
        found = next((word for word in allowed if word == text), None)
        if found is None:
            raise problems.unbound(name, text)
        return found

    def number(self, name: str, default: int | None = None) -> int:
        value = self._content.get(name, default)
        if not isinstance(value, int):
            raise problems.unbound(name, str(value))
        return value

    def value(self, name: str) -> object:
        return self._content.get(name)

    def has(self, name: str) -> bool:
        return self._content.get(name) is not None

    def part(self, name: str) -> "Body":
        return Body(self._content.get(name))

    def texts(self, name: str) -> list[str] | None:
        value = self._content.get(name)
        return [str(item) for item in value] if isinstance(value, list) else None

    def parts(self, name: str) -> list["Body"]:
        value = self._content.get(name)
        return [Body(item) for item in value] if isinstance(value, list) else []

    def time(self, name: str) -> datetime | None:
        return time_or_refusal(name, self.optional(name))


def time_or_refusal(name: str, text: str | None) -> datetime | None:
    try:
        return read_time(text) if text else None
    except (ValueError, TypeError):
        raise problems.unbound(name, str(text)) from None


def is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
