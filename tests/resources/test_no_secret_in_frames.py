"""No frame of a traceback has a secret in a local: error trackers store the locals of all frames.

Every kind of error, by every kind of credentials, over real sockets: frames of `requests` count.
"""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteCloudWorkspace, AirbyteResource, AirbyteWorkspace
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    AirbyteRefused,
    AirbyteSettings,
    AirbyteSettingsError,
    AirbyteUnavailable,
    OutOfTime,
    TimeBudget,
    find_workspace,
    load_catalog,
)
from dagster_airbyte_sync.resources.errors import (
    AirbyteRedirected,
    AirbyteUnauthorized,
    AirbyteUnreadable,
    NoAnswer,
    TokenRefused,
    TokensNotGiven,
)
from dagster_airbyte_sync.resources.http import bodies
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault
from helpers.frame_secrets import frames_of, leaks
from helpers.relays import http_proxy

SECRET = "hun&ter 2/ü"
HEADER = "t0ken of a gateway"
ELSEWHERE = {"Location": "http://else.test"}
WORKSPACE = "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"


@dataclasses.dataclass(frozen=True)
class Reached:
    """An Airbyte, the settings that lead to it, and what of them nobody may see."""

    airbyte: AirbyteSimulator
    settings: AirbyteSettings
    secrets: tuple[str, ...]

    def but(self, **changes: Any) -> AirbyteSettings:
        return dataclasses.replace(self.settings, **changes)

    def all_secrets(self) -> set[str]:
        sent = (r.headers.get("Authorization", "") for r in self.airbyte.requests)
        tokens = {header.partition(" ")[2] for header in sent}
        return {secret for secret in {*self.secrets, *tokens} if secret}


@contextmanager
def reached(by: str) -> Iterator[Reached]:
    auth: Any = {"application": "oauth", "user": "basic"}.get(by, "none")
    with ExitStack() as stack:
        airbyte = stack.enter_context(AirbyteSimulator(auth=auth))
        given: dict[str, Any] = {**airbyte.workspace_config(), "request_retry_delay": 0}
        secrets = (airbyte.password,) if by == "user" else (airbyte.client_secret,)
        if by == "header":
            given["request_headers"] = (("X-Gateway", f"Bearer {HEADER}"),)
            secrets = (HEADER,)
        if by == "proxy":
            proxy = stack.enter_context(http_proxy(user=("me", "pr0xy-pass")))
            given["proxies"] = (("http", proxy.url.replace("://", "://me:pr0xy-pass@")),)
            secrets = ("pr0xy-pass",)
        yield Reached(airbyte, AirbyteSettings(**given), secrets)


@pytest.fixture(params=["application", "user", "header", "proxy"])
def there(request: pytest.FixtureRequest) -> Iterator[Reached]:
    with reached(request.param) as there:
        yield there


def fails(kind: type[BaseException], do: Callable[[], object]) -> BaseException:
    with pytest.raises(kind) as failed:
        do()
    return failed.value


def echoes(there: Reached) -> str:
    return " ".join(["denied:", *there.secrets])


REFUSALS: dict[str, tuple[Callable[[str], Fault], type[AirbyteError]]] = {
    "400": (lambda echo: Fault.status(400, echo), AirbyteRefused),
    "401": (lambda echo: Fault.unauthorized(), AirbyteUnauthorized),
    "403": (lambda echo: Fault.status(403, {"message": echo}), AirbyteSettingsError),
    "302": (
        lambda echo: Fault.status(302, "", ELSEWHERE),
        AirbyteRedirected,
    ),
    "429": (lambda echo: Fault.rate_limited(), AirbyteUnavailable),
    "500": (lambda echo: Fault.status(500, {"detail": echo}), AirbyteUnavailable),
    "a page": (lambda echo: Fault.html(), AirbyteUnreadable),
    "half an answer": (lambda echo: Fault.half_json(), AirbyteUnreadable),
    "dropped": (lambda echo: Fault.drop(), AirbyteUnavailable),
}


@pytest.mark.parametrize(("make", "kind"), REFUSALS.values(), ids=REFUSALS)
def test_an_answer_that_is_none(
    there: Reached, make: Callable[[str], Fault], kind: type[AirbyteError]
) -> None:
    there.airbyte.add_fault(make(echoes(there)), path="/workspaces/", times=None)
    error = fails(kind, AirbyteClient(there.settings).check_workspace)
    assert leaks(error, there.all_secrets()) == []


def test_the_frames_are_there_though_empty(there: Reached) -> None:
    there.airbyte.add_fault(Fault.status(400), times=None, path="/workspaces/")
    names = frames_of(fails(AirbyteError, AirbyteClient(there.settings).check_workspace))
    assert names[:2] == ["check_workspace", "send"]
    assert "_once" in names


SLOW: dict[str, Fault] = {
    "silent": Fault.slow(60),
    "headers": Fault.drip_headers(0.05),
    "body": Fault.drip_body(0.05),
}


@pytest.mark.parametrize("fault", SLOW.values(), ids=SLOW)
def test_an_answer_that_does_not_end(there: Reached, fault: Fault) -> None:
    client = AirbyteClient(there.settings)
    client.check_workspace()
    there.airbyte.add_fault(fault, path="/workspaces/", times=None)
    error = fails(OutOfTime, lambda: client.check_workspace(TimeBudget(0.3)))
    assert leaks(error, there.all_secrets()) == []


def test_a_budget_that_is_spent_beforehand(there: Reached) -> None:
    client = AirbyteClient(there.settings)
    error = fails(OutOfTime, lambda: client.check_workspace(TimeBudget(0)))
    assert leaks(error, there.secrets) == []


def test_an_answer_that_is_too_long(there: Reached, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LONGEST", bodies.MEGABYTE)
    there.airbyte.add_fault(Fault.gzip_bomb(2), path="/workspaces/", times=None)
    error = fails(AirbyteUnreadable, AirbyteClient(there.settings).check_workspace)
    assert leaks(error, there.all_secrets()) == []


def test_nobody_there(there: Reached) -> None:
    nowhere = there.but(rest_api_base_url="http://127.0.0.1:1/api", request_max_retries=0)
    error = fails(NoAnswer, AirbyteClient(nowhere).check_workspace)
    assert leaks(error, there.secrets) == []


def test_a_ca_file_that_is_not_there(there: Reached, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/ca.pem")
    secure = there.but(rest_api_base_url="https://127.0.0.1:1/api", request_max_retries=0)
    error = fails(AirbyteSettingsError, AirbyteClient(secure).check_workspace)
    assert leaks(error, there.secrets) == []


def test_a_run_that_is_terminated_amid_a_request(there: Reached) -> None:
    """Wherever an interrupt hits, frames of requests hold the headers."""
    client = AirbyteClient(there.settings)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    client._http._session.hooks["response"].append(interrupted)
    error = fails(KeyboardInterrupt, client.check_workspace)
    assert "request" in frames_of(error)
    assert leaks(error, there.all_secrets()) == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.status(400, {"message": "no"}), TokenRefused),
        (Fault.status(404), TokensNotGiven),
        (Fault.status(302, "", ELSEWHERE), AirbyteRedirected),
        (Fault.status(500), AirbyteUnavailable),
        (Fault.status(200, {"expires_in": 5}), AirbyteUnreadable),
        (Fault.html(), AirbyteUnreadable),
        (Fault.drop(), AirbyteUnavailable),
    ],
    ids=["400", "404", "302", "500", "no token", "a page", "dropped"],
)
def test_a_token_that_is_not_given(fault: Fault, kind: type[AirbyteError]) -> None:
    with reached("application") as there:
        there.airbyte.add_fault(fault, path="/token", times=None)
        error = fails(kind, AirbyteClient(there.settings).check_workspace)
        assert leaks(error, there.secrets) == []


def test_a_server_with_several_workspaces_or_one_of_an_odd_name(there: Reached) -> None:
    odd: dict[str, Any] = {"data": [{"workspaceId": "odd", "name": "Odd"}]}
    both: dict[str, Any] = {"data": [*odd["data"], {"workspaceId": WORKSPACE, "name": "Two"}]}
    for rows in (odd, both):
        there.airbyte.add_fault(Fault.status(200, rows), path="/workspaces", times=None)
        error = fails(AirbyteSettingsError, lambda: find_workspace(there.settings))
        assert leaks(error, there.all_secrets()) == []
        there.airbyte.clear_faults()


def test_a_catalog_that_cannot_be_loaded_for_definitions(there: Reached) -> None:
    """The frames of Dagster that resolve the resource count, too."""
    fields = {f.name: getattr(there.settings, f.name) for f in dataclasses.fields(there.settings)}
    for name in ("request_headers", "proxies"):
        fields[name] = dict(fields[name])
    known = AirbyteWorkspace.model_fields
    workspace = AirbyteWorkspace(**{name: fields[name] for name in fields if name in known})
    there.airbyte.add_fault(Fault.status(404), times=None)
    error = fails(AirbyteError, lambda: load_catalog(workspace))
    assert leaks(error, there.all_secrets()) == []


CREDENTIALS: dict[str, dict[str, Any]] = {
    "application": {"client_id": "me", "client_secret": SECRET},
    "user": {"username": "me", "password": SECRET},
    "header": {"request_headers": {"X-Gateway": HEADER + SECRET}},
    "proxy": {"proxies": {"http": f"http://me:{SECRET}@proxy.test"}},
}
MISTAKES: dict[str, dict[str, Any]] = {
    "address": {"rest_api_base_url": "ftp://airbyte.test"},
    "user in the address": {"rest_api_base_url": f"http://me:{SECRET}@airbyte.test"},
    "workspace": {"workspace_id": ""},
    "number": {"request_timeout": -1},
    "both": {"client_id": "me", "client_secret": SECRET, "username": "me", "password": SECRET},
    "half": {"client_id": None, "client_secret": SECRET, "username": None, "password": None},
}
all_mistakes = pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
all_credentials = pytest.mark.parametrize("given", CREDENTIALS.values(), ids=CREDENTIALS)
GOOD: dict[str, Any] = {
    "rest_api_base_url": "http://airbyte.test/api/public/v1",
    "configuration_api_base_url": "http://airbyte.test/api/v1",
    "workspace_id": WORKSPACE,
}


@all_mistakes
@all_credentials
def test_a_resource_with_a_mistake_in_its_settings(
    given: dict[str, Any], mistake: dict[str, Any]
) -> None:
    error = fails(AirbyteSettingsError, lambda: AirbyteWorkspace(**{**GOOD, **given, **mistake}))
    assert leaks(error, [SECRET]) == []


@all_mistakes
@all_credentials
def test_settings_with_a_mistake(given: dict[str, Any], mistake: dict[str, Any]) -> None:
    made = {**GOOD, **given, **mistake}
    plain: dict[str, Any] = {
        k: tuple(v.items()) if isinstance(v, dict) else v for k, v in made.items()
    }
    error = fails(AirbyteSettingsError, lambda: AirbyteSettings(**plain))
    assert leaks(error, [SECRET]) == []


@pytest.mark.parametrize("value", [f"{SECRET}\n", f"{SECRET} ☃"])
def test_a_header_that_cannot_be_sent(value: str) -> None:
    made = AirbyteWorkspace(**GOOD, request_headers={"X-Gateway": value})
    error = fails(AirbyteSettingsError, made.settings)
    assert leaks(error, [SECRET]) == []


def test_a_variable_that_holds_a_mistake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRBYTE_SECRET", SECRET)
    monkeypatch.setenv("AIRBYTE_ADDRESS", "nowhere")
    made = AirbyteWorkspace(
        rest_api_base_url=dg.EnvVar("AIRBYTE_ADDRESS"),
        configuration_api_base_url=dg.EnvVar("AIRBYTE_ADDRESS"),
        workspace_id=WORKSPACE,
        client_id="me",
        client_secret=dg.EnvVar("AIRBYTE_SECRET"),
    )
    error = fails(AirbyteError, lambda: load_catalog(made))
    assert leaks(error, [SECRET]) == []


def test_a_secret_in_the_wrong_field() -> None:
    fields: dict[str, Any] = {"workspace_id": WORKSPACE, "client_id": "me", "client_secret": SECRET}
    error = fails(Exception, lambda: AirbyteCloudWorkspace(**{**fields, "request_timeout": SECRET}))
    assert leaks(error, [SECRET]) == []


def test_the_former_resource_with_a_mistake() -> None:
    fields: dict[str, Any] = {"host": "airbyte.test", "port": "0", "password": SECRET}
    error = fails(AirbyteSettingsError, lambda: AirbyteResource(**fields, username="me").settings())
    assert leaks(error, [SECRET]) == []
