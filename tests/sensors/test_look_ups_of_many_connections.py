"""What a tick asks of the event log grows with connections alone, and is asked a few at a time, in
the order on which "never twice" depends."""

from collections import Counter
from collections.abc import Callable, Sequence
from threading import Barrier, Lock
from typing import NamedTuple

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.deployment import Deployment, deployed
from helpers.look_ups import counted_look_ups

# So many are asked at once.
AT_ONCE = 4
CLAIMS, LAST, HISTORY = "fetch_observations", "get_asset_records", "fetch_materializations"

Asked = Callable[..., object]


def synced(
    airbyte: AirbyteSimulator,
    memory: dg.DagsterInstance,
    connections: int,
    *,
    jobs: int,
    tables: int,
) -> Deployment:
    """Each table was reported once, and its connection has synced so often since."""
    for place in range(connections):
        airbyte.add_connection(f"c{place}", [f"t{place}_{table}" for table in range(tables)])
    deployment = deployed(airbyte, memory)
    deployment.tick()
    for times in (1, jobs):
        for connection in airbyte.connections * times:
            airbyte.run_sync(connection)
        if times != jobs:
            deployment.tick()
            # Of which the pace is measured.
            deployment.tick()
    return deployment


def wrapped(monkeypatch: pytest.MonkeyPatch, name: str, wrap: Callable[[Asked], Asked]) -> None:
    monkeypatch.setattr(dg.DagsterInstance, name, wrap(getattr(dg.DagsterInstance, name)))


@pytest.mark.parametrize(("connections", "jobs", "tables"), [(2, 2, 1), (6, 2, 1), (6, 3, 4)])
def test_two_look_ups_for_each_connection_however_many_jobs_and_tables(
    airbyte: AirbyteSimulator,
    memory: dg.DagsterInstance,
    connections: int,
    jobs: int,
    tables: int,
) -> None:
    deployment = synced(airbyte, memory, connections, jobs=jobs, tables=tables)

    with counted_look_ups() as count:
        tick = deployment.tick()

    assert len(tick.materialized) == connections * jobs * tables
    of_all = {LAST: 2, "get_run_records": 1}
    assert count == Counter({CLAIMS: connections, HISTORY: connections, **of_all})


@pytest.mark.parametrize("name", [CLAIMS, HISTORY])
def test_a_few_connections_are_asked_about_at_once(
    airbyte: AirbyteSimulator,
    memory: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """Each look-up opens the database anew, and mostly waits for it."""
    deployment = synced(airbyte, memory, 2 * AT_ONCE, jobs=2, tables=1)
    # Nobody gets past it alone, and a fifth would never get past it.
    others = Barrier(AT_ONCE)

    def together(asked: Asked) -> Asked:
        def ask(*arguments: object, **named: object) -> object:
            others.wait(timeout=30)
            return asked(*arguments, **named)

        return ask

    wrapped(monkeypatch, name, together)

    assert len(deployment.tick().materialized) == 4 * AT_ONCE
    assert others.n_waiting == 0


class Look(NamedTuple):
    name: str
    begins: bool


def test_who_claims_a_job_is_known_before_the_last_report_is_read_and_that_before_any_history(
    airbyte: AirbyteSimulator, memory: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends in between has stored its events by then."""
    deployment = synced(airbyte, memory, 2 * AT_ONCE, jobs=2, tables=1)
    looks: list[Look] = []
    lock = Lock()

    def seen(name: str) -> Callable[[Asked], Asked]:
        def wrap(asked: Asked) -> Asked:
            def ask(*arguments: object, **named: object) -> object:
                with lock:
                    looks.append(Look(name, begins=True))
                answer = asked(*arguments, **named)
                with lock:
                    looks.append(Look(name, begins=False))
                return answer

            return ask

        return wrap

    for name in (CLAIMS, LAST, HISTORY):
        wrapped(monkeypatch, name, seen(name))

    deployment.tick()

    last_claim = last(looks, Look(CLAIMS, begins=False))
    again = last(looks, Look(LAST, begins=True))
    assert last_claim < again < looks.index(Look(HISTORY, begins=True))


def last(looks: Sequence[Look], look: Look) -> int:
    return max(place for place, each in enumerate(looks) if each == look)


@pytest.mark.parametrize("name", [CLAIMS, HISTORY])
def test_a_look_up_that_fails_fails_the_tick(
    airbyte: AirbyteSimulator,
    memory: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """What it did not say must not be taken for "nothing"."""
    deployment = synced(airbyte, memory, AT_ONCE, jobs=2, tables=1)

    def failing(asked: Asked) -> Asked:
        def ask(instance: object, key: dg.AssetKey, **named: object) -> object:
            if key == dg.AssetKey("t2_0"):
                raise ConnectionError("too many clients already")
            return asked(instance, key, **named)

        return ask

    with monkeypatch.context() as patch:
        wrapped(patch, name, failing)
        with pytest.raises(ConnectionError, match="too many clients"):
            deployment.tick()

    assert len(deployment.tick().materialized) == 2 * AT_ONCE
