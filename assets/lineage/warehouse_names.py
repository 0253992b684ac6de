"""How warehouses see the names of tables: which of those that are written apart are one. Pure.

Of unquoted names Snowflake and Oracle make upper case, PostgreSQL lower case. Airbyte's connectors
quote, and Snowflake's and Oracle's write upper case themselves; most put an underscore for whatever
is no letter, digit or underscore (airbyte, `toAlphanumericAndUnderscore`), and before a digit.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

# Airbyte's destination types, and dbt's adapter types where these have another word.
_UPPER = {"snowflake", "oracle"}
_LOWER = {"postgres"}
# Where a name is what is written, quoted or not. MySQL is so on Linux.
_AS_WRITTEN = {"bigquery", "clickhouse", "mysql"}
# All others, such as Redshift, Databricks, SQL Server and DuckDB, do not tell case apart.

# Where Airbyte writes all streams to the one schema of the destination, and which that is if the
# destination does not say (airbyte, `destination-motherduck`).
ONE_SCHEMA = {"motherduck": "main", "duckdb": "main"}

# Warehouses whose dbt adapter has Airbyte's own word for them.
_SAME_WORD = {"bigquery", "clickhouse", "databricks", "mysql", "postgres", "redshift", "snowflake"}


@dataclass(frozen=True)
class Name:
    """A name as somebody writes it in SQL."""

    text: str
    is_quoted: bool = True


@dataclass(frozen=True)
class Relation:
    """A table in a warehouse; what is not known, or what the warehouse does not have, is None."""

    database: Name | None
    schema: Name
    name: Name


def folding(warehouse: str | None) -> Callable[[Name], str]:
    """What a warehouse (Airbyte's type of destination) takes a name for."""
    if warehouse in _AS_WRITTEN:
        return lambda name: name.text
    if warehouse in _UPPER:
        return lambda name: name.text if name.is_quoted else name.text.upper()
    if warehouse in _LOWER:
        return lambda name: name.text if name.is_quoted else name.text.lower()
    return lambda name: name.text.lower()


def written_by_airbyte(warehouse: str | None, name: str) -> tuple[Name, ...]:
    """How Airbyte's connector may have written a name; versions of it differ."""
    plain = _letters_only(name)
    # Most have a letter or an underscore first.
    every = (name, plain, f"_{plain}") if plain[:1].isdigit() else (name, plain)
    return tuple(Name(each, is_quoted=warehouse not in _UPPER) for each in dict.fromkeys(every))


def _letters_only(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[^A-Za-z0-9_]", "_", re.sub(r"\s+", "_", plain))


def are_apart(destination_type: str | None, adapter_type: str | None) -> bool:
    """Whether Airbyte's type of destination and dbt's adapter are of two kinds of warehouse."""
    kinds = {destination_type, adapter_type}
    return len(kinds) == 2 and kinds <= _SAME_WORD
