"""The destination of the shop's syncs: a SQLite file."""

import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

_NAMES = ("Ada", "Bo", "Chidi", "Dara", "Emre", "Fatou", "Goran", "Hana")

Value = int | float | str


class Warehouse:
    """Writes what a sync delivers, each row for real."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, table: str, columns: Mapping[str, str], count: int, *, replace: bool) -> None:
        """Append so many new rows to the table, or with `replace` let it hold only those.

        `columns` has their types, as JSON schema names them.
        """
        names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(f'CREATE TABLE IF NOT EXISTS "{table}" ({names})')
            if replace:
                database.execute(f'DELETE FROM "{table}"')
            (there,) = database.execute(f'SELECT count(*) FROM "{table}"').fetchone()
            rows = [_row(number, columns) for number in range(there + 1, there + count + 1)]
            database.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)


def _row(number: int, columns: Mapping[str, str]) -> Sequence[Value]:
    return [number if name == "id" else _value(kind) for name, kind in columns.items()]


def _value(kind: str) -> Value:
    if kind == "integer":
        return random.randint(1, 40)
    if kind == "number":
        return round(random.uniform(5, 200), 2)
    return random.choice(_NAMES)
