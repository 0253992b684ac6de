"""What a body may be: packed or not, in UTF-8 whatever its label, and no longer than fits."""

import codecs
import gzip
import json
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import responses

from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteRefused,
    AirbyteSettings,
    TimeBudget,
)
from dagster_airbyte_sync.resources.errors import AirbyteUnauthorized, AirbyteUnreadable, NoAnswer
from dagster_airbyte_sync.resources.http import bodies
from dagster_airbyte_sync.resources.http import responses as answers
from dagster_airbyte_sync.resources.http.transport import Call, Http
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault
from helpers.raw_servers import saying, speaking

MakeSettings = Callable[..., AirbyteSettings]

URL = "http://airbyte.test/api/public/v1/jobs"
READ = Call("GET", URL)
STREET = {"name": "Straße 北 𝄞"}
UTF8 = json.dumps(STREET, ensure_ascii=False).encode()
ISO = "application/json; charset=ISO-8859-1"


def raw_deflate(content: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(content) + packing.flush()


# Labels and marks


@pytest.mark.parametrize("label", [ISO, "application/json; charset=utf-16", "text/html", "", "x"])
def test_json_is_utf_8_whatever_its_label_says(
    http: Http, mocked: responses.RequestsMock, label: str
) -> None:
    mocked.get(URL, body=UTF8, content_type=label)
    assert http.send(READ) == STREET


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_is_believed(
    http: Http, mocked: responses.RequestsMock, mark: bytes, encoding: str
) -> None:
    mocked.get(URL, body=mark + UTF8.decode().encode(encoding), content_type=ISO)
    assert http.send(READ) == STREET


def test_what_is_not_utf_8_is_unreadable_and_not_guessed(
    http: Http, mocked: responses.RequestsMock
) -> None:
    mocked.get(URL, body=b'{"name": "Stra\xdfe"}', content_type=ISO)
    with pytest.raises(AirbyteUnreadable):
        http.send(READ)


@pytest.mark.parametrize("body", [b'{"message": "Stra\xc3\x9fe"}', b"Stra\xc3\x9fe"])
def test_a_refusal_is_quoted_in_utf_8(
    http: Http, mocked: responses.RequestsMock, body: bytes
) -> None:
    mocked.get(URL, status=400, body=body, content_type=ISO)
    with pytest.raises(AirbyteRefused) as failed:
        http.send(READ)
    assert failed.value.reason == "Straße"


def test_a_refusal_in_another_encoding_is_quoted_as_far_as_it_is_read(
    http: Http, mocked: responses.RequestsMock
) -> None:
    mocked.get(URL, status=400, body=b"Stra\xdfe", content_type=ISO)
    with pytest.raises(AirbyteRefused, match="Stra\ufffde"):
        http.send(READ)


def test_a_wrong_charset_changes_no_name_of_a_table(
    airbyte: AirbyteSimulator, connect: Callable[..., AirbyteClient]
) -> None:
    airbyte.add_connection("Zürich", streams=["Straße"])
    airbyte.add_fault(Fault.wrong_charset(), times=None)
    (connection,) = connect(airbyte).catalog().connections.values()
    assert connection.name == "Zürich"
    assert list(connection.streams) == ["Straße"]


# Packed answers


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        ("gzip", lambda content: gzip.compress(content[:5]) + gzip.compress(content[5:])),
        ("gzip", lambda content: gzip.compress(content) + b"\0" * 100_000),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
        ("utf-8", bytes),
    ],
)
@pytest.mark.parametrize("size", [0, 65_536, 3_000_000])
def test_a_packed_answer_is_unpacked(
    settings: MakeSettings, coding: str, pack: Callable[[bytes], bytes], size: int
) -> None:
    content = {**STREET, "rows": "".join(map(str, range(size // 6)))}
    body = pack(json.dumps(content).encode())
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    with speaking(saying(head.encode(), body)) as url:
        assert Http(settings()).send(Call("GET", url)) == content


NOT_READ = (NoAnswer, AirbyteUnreadable)


@pytest.mark.parametrize("body", [b"{}", gzip.compress(b"{}")[:4] + b"x" * 30], ids=["not", "ill"])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_cannot_be_unpacked_is_no_answer(
    settings: MakeSettings, coding: str, body: bytes
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    with speaking(saying(head.encode(), body)) as url, pytest.raises(NOT_READ):
        Http(settings(request_max_retries=0)).send(Call("GET", url))


def test_half_of_a_packed_answer_is_unreadable(settings: MakeSettings) -> None:
    body = gzip.compress(json.dumps({"rows": list(range(1000))}).encode())[:500]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 500\r\n\r\n"
    with speaking(saying(head, body)) as url, pytest.raises(AirbyteUnreadable):
        Http(settings(request_max_retries=0)).send(Call("GET", url))


def test_only_what_is_unpacked_in_pieces_is_asked_for(
    http: Http, mocked: responses.RequestsMock
) -> None:
    mocked.get(URL, json={})
    http.send(READ)
    assert mocked.calls[0].request.headers["Accept-Encoding"] == "gzip, deflate"


def test_an_honest_simulator_may_pack_all_it_says(
    airbyte: AirbyteSimulator, connect: Callable[..., AirbyteClient]
) -> None:
    airbyte.add_connection("shop", streams=["orders"])
    airbyte.add_fault(Fault.gzipped(), times=None)
    assert [c.name for c in connect(airbyte).catalog().connections.values()] == ["shop"]


# Answers without end


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight megabytes are the most, so that this is quick."""
    monkeypatch.setattr(bodies, "LONGEST", 8 * bodies.MEGABYTE)


def fed(piece: bytes, head: bytes) -> Any:
    """Says the piece without end."""

    def speak(client: Any, is_over: threading.Event) -> None:
        client.sendall(head)
        while not is_over.is_set():
            client.sendall(piece)

    return speak


SPACES = b" " * 100_000
OK = b"HTTP/1.1 200 OK\r\n"
GZIP = OK + b"Content-Encoding: gzip\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LONG = {
    "plain": fed(SPACES, OK + b"\r\n{"),
    "in chunks": fed(b"186a0\r\n" + SPACES + b"\r\n", CHUNKED),
    "gzip": fed(gzip.compress(SPACES), GZIP),
    "empty gzip": fed(gzip.compress(b"") * 1000, GZIP),
}  # fmt: skip


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("speak", LONG.values(), ids=LONG)
def test_an_answer_without_end_is_unreadable(settings: MakeSettings, speak: Any) -> None:
    with speaking(speak) as url, pytest.raises(AirbyteUnreadable, match="more than 256 MB"):
        Http(settings(request_max_retries=0)).send(Call("GET", url), TimeBudget(10))


def test_a_bomb_is_refused_before_it_fills_the_memory(
    airbyte: AirbyteSimulator, connect: Callable[..., AirbyteClient], small: None
) -> None:
    client = connect(airbyte, request_max_retries=0)
    client.check_workspace()
    airbyte.add_fault(Fault.gzip_bomb(1024), path="/workspaces/", times=None)
    tracemalloc.start()
    try:
        with pytest.raises(AirbyteUnreadable, match="more than 256 MB, unpacked"):
            client.check_workspace()
        assert tracemalloc.get_traced_memory()[1] < 30 * bodies.MEGABYTE
    finally:
        tracemalloc.stop()
    airbyte.clear_faults()
    client.check_workspace()


def test_json_of_too_many_parts_is_refused_before_it_is_parsed(
    http: Http, mocked: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MOST_PARTS", 1000)
    mocked.get(URL, body=b"[" + b"[]," * 998 + b"{}]")
    assert http.send(READ) == [[]] * 998 + [{}]
    mocked.replace("GET", URL, body=b"[" + b"[]," * 999 + b"{}]")
    with pytest.raises(AirbyteUnreadable, match=r"more than 10,000,000 objects and lists"):
        http.send(READ)


def test_what_just_fits_is_read(
    airbyte: AirbyteSimulator, connect: Callable[..., AirbyteClient], small: None
) -> None:
    airbyte.add_fault(Fault.gzip_bomb(7), path="/workspaces/", times=None)
    connect(airbyte, request_max_retries=0).check_workspace()


@pytest.mark.parametrize(("status", "kind"), [(401, AirbyteUnauthorized), (400, AirbyteRefused)])
def test_a_refusal_without_end_is_a_refusal(
    settings: MakeSettings, status: int, kind: type[AirbyteRefused]
) -> None:
    head = f"HTTP/1.1 {status} No\r\n\r\nNo, because. ".encode()
    begun = time.monotonic()
    with speaking(fed(SPACES, head)) as url, pytest.raises(kind, match=r"No, because\.( \(|$)"):
        Http(settings()).send(Call("GET", url))
    assert time.monotonic() - begun < 5
