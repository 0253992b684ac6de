"""Pages of the public API, with all that is wrong with them."""

import random
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlencode

from dagster_airbyte_sync.testing.wire.payload import Json, JsonObject

API_HOST = "http://localhost:8000/api/public"
"""What Helm sets as AIRBYTE_API_HOST: never the host that the client talks to."""

Row = TypeVar("Row")


class UnorderedListing:
    """Rows as Postgres returns them without an ORDER BY.

    Each page is cut from another order of all rows, so a pass over the pages has some rows twice
    and others not at all, and the next pass has others.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._pages = 0

    def page(self, rows: Sequence[Row], limit: int, offset: int) -> list[Row]:
        self._pages += 1
        shuffled = list(rows)
        random.Random(f"{self._seed}/{self._pages}").shuffle(shuffled)
        return shuffled[offset : offset + limit]


def envelope(
    data: Sequence[JsonObject], path: str, kept: dict[str, str], limit: int, offset: int
) -> dict[str, Json]:
    """Rows with links that lead nowhere (`PaginationMapper`).

    The links keep only the filters in `kept`, and there is a next page after any page with rows.
    """
    link = f"{API_HOST}/v1{path}?"
    following = {**kept, "limit": limit, "offset": offset + limit}
    # One builder makes both links, so the second has the limit of the first as well.
    before = [*kept.items(), ("limit", limit), ("limit", limit), ("offset", max(0, offset - limit))]
    return {
        "data": list(data),
        "next": link + urlencode(following) if data else "",
        "previous": link + urlencode(before) if offset else "",
    }
