"""How long it takes to load the definitions of a workspace, and how many requests.

Wanted: at most 6 requests and less than 3 s for 600 connections of 5 streams at 20 ms an answer,
and time that grows no faster than the number of connections. Run it with `make bench`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    build_airbyte_assets_definitions,
    build_airbyte_definitions,
    load_airbyte_asset_specs,
)
from helpers.airbyte_process import STREAMS, AirbyteProcess, airbyte_process

LATENCY = 0.02
ROUNDS = 3
WHAT: dict[str, Callable[[AirbyteWorkspace], object]] = {
    "specs": load_airbyte_asset_specs,
    "assets": lambda workspace: build_airbyte_assets_definitions(workspace=workspace),
    # All of it, with sensor and checks, as far as the code server needs it to show the graph.
    "definitions": lambda workspace: build_airbyte_definitions(workspace).get_repository_def(),
}


@dataclass(frozen=True)
class Measured:
    seconds: float
    requests: int


def measure(airbyte: AirbyteProcess, load: Callable[[AirbyteWorkspace], object]) -> Measured:
    """One load by a process that knows nothing yet: a new client, an empty catalog."""
    airbyte.forget_requests()
    # Each setting makes a client of its own, and with it a catalog that has yet to be read.
    workspace = airbyte.workspace().model_copy(update={"catalog_ttl": time.time()})
    start = time.perf_counter()
    load(workspace)
    return Measured(time.perf_counter() - start, airbyte.requests())


def best_of(airbyte: AirbyteProcess, load: Callable[[AirbyteWorkspace], object]) -> Measured:
    return min((measure(airbyte, load) for _ in range(ROUNDS)), key=lambda each: each.seconds)


def table(connections: int) -> dict[str, Measured]:
    with airbyte_process(connections, LATENCY) as airbyte:
        measure(airbyte, load_airbyte_asset_specs)
        return {name: best_of(airbyte, load) for name, load in WHAT.items()}


def main() -> None:
    small, large = table(60), table(600)
    print(f"Loading definitions, {STREAMS} streams a connection, {LATENCY * 1000:.0f} ms an answer")
    print(f"{'':12} {'60 connections':>22} {'600 connections':>22} {'per connection':>15}")
    for name in WHAT:
        few, many = small[name], large[name]
        print(
            f"{name:12} {_shown(few):>22} {_shown(many):>22}"
            f" {many.seconds / 10 / few.seconds:>13.2f} x"
        )


def _shown(measured: Measured) -> str:
    return f"{measured.seconds:.2f} s, {measured.requests} requests"


if __name__ == "__main__":
    main()
