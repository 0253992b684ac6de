"""Whatever Airbyte answers, the client finds a record or raises an AirbyteError: nothing else.

A good answer of the simulator is spoilt in one to three places. `FUZZ_SEED` and `FUZZ_EXAMPLES`
choose how, and how often.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import hypothesis.strategies as st
import pytest
import requests
import responses
from hypothesis import HealthCheck, given, seed, settings

from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    AirbyteSettings,
    Catalog,
    Job,
)
from dagster_airbyte_sync.resources.errors import AirbyteUnreadable
from dagster_airbyte_sync.resources.json_values import as_int
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream

SEED = int(os.environ.get("FUZZ_SEED", "0"))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "120"))

BASE = "http://airbyte.test"
SINCE = datetime(2020, 1, 1, tzinfo=timezone.utc)

Ask = Callable[[AirbyteClient], object]

# What the client does, and the answers of Airbyte that it reads for it.
ASKED: dict[str, tuple[Ask, list[str]]] = {
    "catalog": (lambda client: client.catalog(), ["connections/list", "public/v1/destinations"]),
    "history": (lambda client: list(client.finished_jobs(SINCE)), ["jobs/list_for_workspaces"]),
    "job": (lambda client: client.job(1), ["jobs/get_without_logs"]),
    "status": (lambda client: client.job_status(1), ["public/v1/jobs/1"]),
    "newest": (lambda client: client.newest_jobs("c"), ["public/v1/jobs"]),
    "ui": (lambda client: client.ui_url(), ["instance_configuration"]),
}

spoilt = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["\ud800", "succeeded", "sync", "2026-08-01T00:00Z", "9" * 40, "\x00", " "]),
    st.lists(st.one_of(st.none(), st.integers()), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)


@dataclass(frozen=True)
class Recorded:
    """Good answers, by the end of their path."""

    answers: dict[str, object]
    workspace_id: str

    def client(self) -> AirbyteClient:
        return AirbyteClient(
            AirbyteSettings(
                f"{BASE}/api/public/v1",
                f"{BASE}/api/v1",
                self.workspace_id,
                request_max_retries=0,
            )
        )

    def ask(self, ask: Ask, path: str, body: bytes) -> object:
        """What the client makes of good answers and this one; AirbyteErrors are an answer too."""
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
            mocked.add(responses.GET, f"{BASE}/api/public/v1/workspaces/{self.workspace_id}", "{}")
            for known, answer in self.answers.items():
                sent = body if known == path else json.dumps(answer).encode()
                for method in (responses.GET, responses.POST):
                    mocked.add(method, f"{BASE}/api/{_under(known)}", sent)
            try:
                return ask(self.client())
            except AirbyteError as error:
                return error


def _under(path: str) -> str:
    return path if path.startswith("public") else f"v1/{path}"


@pytest.fixture(scope="module")
def recorded() -> Iterator[Recorded]:
    """A workspace with a bit of everything, in the simulator's words."""
    with AirbyteSimulator() as airbyte:
        shop = airbyte.add_connection(
            "shop",
            streams=["orders", SimulatedStream("users", namespace="audit", rows=3)],
            prefix="raw_",
        )
        airbyte.run_sync(shop, rows=2)
        failed = airbyte.start_sync(shop)
        airbyte.fail(failed)
        wanted = {path for _, paths in ASKED.values() for path in paths}
        asked = {path: _answer(airbyte, path) for path in sorted(wanted)}
        yield Recorded(asked, airbyte.workspace_id)


def _answer(airbyte: AirbyteSimulator, path: str) -> object:
    token = requests.post(
        f"{airbyte.rest_api_base_url}/applications/token",
        json={"client_id": airbyte.client_id, "client_secret": airbyte.client_secret},
        timeout=5,
    ).json()["access_token"]
    is_read = path.startswith("public") or path == "instance_configuration"
    body = {
        "workspaceId": airbyte.workspace_id,
        "workspaceIds": [airbyte.workspace_id],
        "configTypes": ["sync"],
        "id": 1,
        "pagination": {"pageSize": 9, "rowOffset": 0},
    }
    answer = requests.request(
        "GET" if is_read else "POST",
        f"{airbyte.url}/api/{_under(path)}",
        json=None if is_read else body,
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    )
    answer.raise_for_status()
    return answer.json()


def places(value: object) -> list[tuple[Any, Any]]:
    """Every list or object in the value with every key or index in it."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [(value, key) for key, _ in items] + [place for _, v in items for place in places(v)]


def spoil(answer: object, draw: st.DataObject) -> object:
    spoiling = json.loads(json.dumps(answer))
    for _ in range(draw.draw(st.integers(1, 3))):
        found = places(spoiling)
        if not found:
            return spoiling
        holder, key = found[draw.draw(st.integers(0, len(found) - 1))]
        if draw.draw(st.booleans()):
            holder.pop(key)
        else:
            holder[key] = draw.draw(spoilt)
    return spoiling


CASES = [(ask, path) for ask, paths in ASKED.values() for path in paths]
names = pytest.mark.parametrize(("ask", "path"), CASES, ids=[path for _, path in CASES])


@names
@seed(SEED)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(draw=st.data())
def test_a_spoilt_answer_is_read_leniently_or_refused_in_words(
    recorded: Recorded, ask: Ask, path: str, draw: st.DataObject
) -> None:
    answer = spoil(recorded.answers[path], draw)

    found = recorded.ask(ask, path, json.dumps(answer).encode())

    assert isinstance(found, Catalog | Job | list | str | AirbyteError)
    if isinstance(found, list):
        assert all(is_true_of(job, answer) for job in found)


def is_true_of(job: Job, answer: object) -> bool:
    """A job that succeeded must have been called so, by that id."""
    values = [holder[key] for holder, key in places(answer)]
    is_named = any(as_int(value) == job.id for value in values)
    return is_named and (not job.succeeded or "succeeded" in values)


NESTED = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


@names
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(NESTED, id="nested 100,000 deep"),
        pytest.param(b'{"data":"' + b"x" * 10_000_000 + b'"}', id="10 MB in one string"),
        pytest.param(b"[" + b"[]," * 100_000 + b"[]]", id="100,001 lists"),
        pytest.param(b'{"jobs":{"0":1},"connections":3,"data":"none"}', id="no lists"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
    ],
)
def test_an_answer_that_makes_no_sense_at_all_is_refused_in_words(
    recorded: Recorded, ask: Ask, path: str, body: bytes
) -> None:
    found = recorded.ask(ask, path, body)

    # Without its own words for where its UI is, Airbyte's address is a good guess.
    assert isinstance(found, AirbyteUnreadable) or path == "instance_configuration"


def test_rows_that_are_no_jobs_are_counted_and_hide_none_of_the_others(recorded: Recorded) -> None:
    path = "jobs/list_for_workspaces"
    good = recorded.answers[path]
    assert isinstance(good, dict)
    body = {"jobs": [None, *good["jobs"], {}, 7, {"job": {"id": 9}}]}
    counted: list[int] = []

    def history(client: AirbyteClient) -> list[Job]:
        return list(client.finished_jobs(SINCE, unreadable=counted.append))

    found = recorded.ask(history, path, json.dumps(body).encode())

    assert isinstance(found, list)
    assert [job.id for job in found] == [1, 2]
    assert counted == [4]


def test_a_list_that_is_missing_is_not_taken_for_an_empty_workspace(recorded: Recorded) -> None:
    error = recorded.ask(lambda client: client.catalog(), "connections/list", b"{}")

    assert isinstance(error, AirbyteUnreadable)
    assert "without connections" in str(error)


@pytest.mark.parametrize("end", [None, 0, 1_600_000_000])
def test_a_server_that_sends_the_same_page_for_ever_is_not_asked_for_ever(
    recorded: Recorded, end: int | None
) -> None:
    job = {"configId": "c", "status": "succeeded", "updatedAt": end}
    rows = [{"job": {"id": n, **job}} for n in range(100)]

    def history(client: AirbyteClient) -> list[Job]:
        return list(client.finished_jobs(SINCE))

    body = json.dumps({"jobs": rows}).encode()
    found = recorded.ask(history, "jobs/list_for_workspaces", body)

    # Nor is it taken for all there is.
    assert isinstance(found, AirbyteUnreadable)
