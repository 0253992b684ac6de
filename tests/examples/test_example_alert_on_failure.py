"""examples/alert_on_failure.py, with Dagster's own sensor daemon, real runs and a chat."""

import json
import runpy
import threading
import traceback
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.checkout import ROOT
from helpers.dagster_private import RUNS_AT_ONCE, SensorDaemon, sensor_daemon
from helpers.local_instance import local_instance
from helpers.simulated import clock_from_now
from helpers.variables import variables

EXAMPLE = ROOT / "examples" / "alert_on_failure.py"
REASON = "Could not connect to the database"


@dataclass
class ChatServer:
    """What a chat is for those who post to it."""

    url: str
    messages: list[dict[str, str]]


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    messages: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            messages.append(json.loads(self.rfile.read(length)))
            self.send_response(404 if self.path.endswith("nowhere") else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        chat = ChatServer(f"http://127.0.0.1:{server.server_port}/services/T0/s3cret", messages)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield chat
        server.shutdown()
        thread.join()


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=clock_from_now()) as airbyte:
        airbyte.add_connection("shop", ["orders"])
        yield airbyte


@pytest.fixture
def instance(tmp_path: Path, empty_storage: Path) -> Iterator[dg.DagsterInstance]:
    with local_instance(tmp_path, empty_storage, RUNS_AT_ONCE) as instance:
        yield instance


@pytest.fixture
def daemon(
    airbyte: AirbyteSimulator, chat: ChatServer, instance: dg.DagsterInstance, tmp_path: Path
) -> Iterator[SensorDaemon]:
    environ = {**variables(airbyte.workspace_config()), "CHAT_WEBHOOK_URL": chat.url}
    # Dagster imports a file once for each module name, so every test needs its own.
    location = tmp_path / f"example_{uuid.uuid4().hex}.py"
    location.write_text(EXAMPLE.read_text())
    with sensor_daemon(instance, location, environ) as daemon:
        yield daemon


def test_a_sync_that_fails_is_a_message_in_the_chat(
    airbyte: AirbyteSimulator, chat: ChatServer, daemon: SensorDaemon, instance: dg.DagsterInstance
) -> None:
    shop = airbyte.connection("shop")
    job = airbyte.fail(airbyte.start_sync(shop), reason=REASON)

    daemon.iterate()

    (run,) = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.SUCCESS
    (message,) = chat.messages
    assert message["connection"] == "shop"
    assert message["problem"] == "failed"
    assert message["reason"] == REASON
    link = f"/connections/{shop.connection_id}/timeline?jobId={job.job_id}&openLogs=true"
    assert message["link"].endswith(link)
    assert message["text"] == f"Airbyte: shop: failed. {REASON}\n{message['link']}"


@pytest.mark.parametrize("at", ["http://127.0.0.1:9", "the chat"])
def test_the_address_of_a_chat_that_does_not_take_a_message_stays_secret(
    airbyte: AirbyteSimulator, chat: ChatServer, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    for name, value in variables(airbyte.workspace_config()).items():
        monkeypatch.setenv(name, value)
    address = f"{chat.url}/nowhere" if at == "the chat" else f"{at}/s3cret"
    example = runpy.run_path(str(EXAMPLE))
    with pytest.raises(dg.Failure) as refused:
        example["Chat"](webhook_url=address).post({"text": "x"})
    assert refused.value.description in (
        "The chat gave no answer: ConnectionError",
        "The chat answered 404",
    )
    assert "s3cret" not in "".join(traceback.format_exception(refused.value))
