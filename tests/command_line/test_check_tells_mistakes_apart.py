"""`check` tells each wrong setting apart from the others, and shows no secret."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspace
from dagster_airbyte_sync.cli.check.causes import WHAT
from dagster_airbyte_sync.cli.check.examine import examine
from dagster_airbyte_sync.cli.check.report import exit_code
from dagster_airbyte_sync.cli.check.seen import Line
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, RealClock
from helpers.cloud import simulated_cloud, tls_context
from helpers.relays import address_of, tls_front

Settings = dict[str, Any]
# What a user has done wrong, given an Airbyte and its right settings.
Wrong = Callable[[AirbyteSimulator], Settings]

ADDRESSES = ("rest_api_base_url", "configuration_api_base_url")
NOBODY: Settings = {"client_id": None, "client_secret": None}


def exchanged(a: AirbyteSimulator) -> Settings:
    return {
        "rest_api_base_url": a.configuration_api_base_url,
        "configuration_api_base_url": a.rest_api_base_url,
    }


def everywhere(a: AirbyteSimulator, instead: str) -> Settings:
    return {
        "rest_api_base_url": a.rest_api_base_url.replace(a.url, instead),
        "configuration_api_base_url": a.configuration_api_base_url.replace(a.url, instead),
    }


WRONG: dict[str, tuple[str, Wrong]] = {
    "exchanged": ("swapped_addresses", exchanged),
    "both public": (
        "same_addresses",
        lambda a: {"configuration_api_base_url": a.rest_api_base_url},
    ),
    "both configuration": (
        "same_addresses",
        lambda a: {"rest_api_base_url": a.configuration_api_base_url},
    ),
    "one for the other": (
        "rest_is_configuration",
        lambda a: {
            "rest_api_base_url": a.configuration_api_base_url,
            "configuration_api_base_url": f"{a.url}/elsewhere",
        },
    ),
    "no path": ("rest_without_path", lambda a: {"rest_api_base_url": a.url}),
    "another path": ("rest_path", lambda a: {"rest_api_base_url": f"{a.url}/api/public"}),
    "https for http": (
        "https_on_http_port",
        lambda a: everywhere(a, a.url.replace("http", "https")),
    ),
    "configuration path": (
        "configuration_path",
        lambda a: {"configuration_api_base_url": f"{a.url}/api"},
    ),
    "no credentials": ("credentials_missing", lambda a: NOBODY),
    "wrong secret": ("credentials_refused", lambda a: {"client_secret": "not-the-secret"}),
    "a user": (
        "user_refused",
        lambda a: {**NOBODY, "username": "airbyte", "password": "my-password"},
    ),
    "another workspace": (
        "workspace",
        lambda a: {"workspace_id": "00000000-0000-4000-8000-000000000000"},
    ),
    "an id that is none": ("settings", lambda a: {"workspace_id": "my workspace"}),
    "nobody there": ("unreachable", lambda a: everywhere(a, "http://127.0.0.1:9")),
}


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.run_sync(airbyte.add_connection("shop", ["orders"]))
        yield airbyte


def checked(airbyte: AirbyteSimulator, **changes: Any) -> list[Line]:
    """The lines for these settings; addresses are read late, as those in variables are."""
    usual: Settings = {**airbyte.workspace_config(), "request_retry_delay": 0}
    settings = {name: value for name, value in (usual | changes).items() if value is not None}
    with pytest.MonkeyPatch.context() as environ:
        for name in ADDRESSES:
            environ.setenv(name.upper(), settings[name])
            settings[name] = dg.EnvVar(name.upper())
        return examine(AirbyteWorkspace(**settings))


def problem_of(lines: list[Line]) -> Line:
    (problem,) = [line for line in lines if line.level == "problem"]
    assert exit_code(lines, strict=False) == 1
    return problem


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_setting_is_one_problem_with_its_own_name(
    airbyte: AirbyteSimulator, what: str
) -> None:
    code, wrong = WRONG[what]
    settings = wrong(airbyte)
    lines = checked(airbyte, **settings)
    assert problem_of(lines).code == code
    assert problem_of(lines).step
    assert lines[0].level == "problem"
    secrets = {airbyte.client_secret, "my-password", "not-the-secret"}
    assert not [line for line in lines for secret in secrets if secret in str(line)]


def test_what_to_set_is_said_letter_by_letter(airbyte: AirbyteSimulator) -> None:
    right = airbyte.workspace_config()
    for wrong in (
        exchanged,
        WRONG["both public"][1],
        WRONG["no path"][1],
        WRONG["https for http"][1],
    ):
        assert right["rest_api_base_url"] in str(
            problem_of(checked(airbyte, **wrong(airbyte))).step
        )


def test_a_wrong_configuration_path_says_the_right_one_and_nothing_of_credentials(
    airbyte: AirbyteSimulator,
) -> None:
    """Those are set; one question alone is asked without."""
    lines = checked(airbyte, configuration_api_base_url=f"{airbyte.url}/api")
    right = airbyte.configuration_api_base_url
    assert problem_of(lines).step == f"Set configuration_api_base_url to {right}"
    said = "\n".join(line.text for line in lines)
    assert "none are set" not in said
    assert ".:" not in said


def test_every_problem_has_words_of_its_own() -> None:
    assert len(set(WHAT.values())) == len(WHAT)


def test_plain_http_on_a_port_of_tls_and_a_certificate_nobody_trusts(
    airbyte: AirbyteSimulator, tmp_path: Path
) -> None:
    context = tls_context(tmp_path / "ca.pem", "127.0.0.1")
    with tls_front(address_of(airbyte.url), context) as (_, port):
        plain = everywhere(airbyte, f"http://127.0.0.1:{port}")
        trusting = checked(airbyte, **plain, verify=str(tmp_path / "ca.pem"))
        assert problem_of(trusting).code == "http_on_https_port"
        secure = everywhere(airbyte, f"https://127.0.0.1:{port}")
        assert problem_of(checked(airbyte, **secure)).code == "certificate"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.html(), "page_not_api"),
        (Fault.status(302, headers={"Location": "https://sso.test"}), "redirected"),
        (Fault.status(502), "broken"),
        (Fault.slow(1.0), "no_answer_in_time"),
        (Fault.unauthorized(), "token_not_accepted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_in_front_of_airbyte_is_told_apart(
    airbyte: AirbyteSimulator, fault: Fault, code: str
) -> None:
    airbyte.add_fault(fault, path="/workspaces/", times=None)
    # A busy machine is slow in all else, too.
    patience = 0.5 if code == "no_answer_in_time" else 15.0
    problem = problem_of(checked(airbyte, request_timeout=patience, request_max_retries=0))
    assert problem.code == code


def test_a_list_that_nearly_takes_too_long_is_a_warning(airbyte: AirbyteSimulator) -> None:
    airbyte.add_fault(Fault.slow(0.3), path="/jobs/list_for_workspaces")
    (slow,) = [line for line in checked(airbyte, request_timeout=0.5) if line.code == "slow"]
    assert (slow.level, slow.subject) == ("warning", "config: jobs")
    assert "Raise request_timeout, which is 0.5 s" in str(slow.step)


def test_an_airbyte_without_connections_and_one_that_is_open_to_all() -> None:
    with AirbyteSimulator(clock=RealClock()) as empty:
        assert problem_of(checked(empty)).code == "no_connections"
    with AirbyteSimulator(clock=RealClock(), auth="none") as open_to_all:
        open_to_all.add_connection("shop", ["orders"])
        assert not [line for line in checked(open_to_all) if line.level in ("problem", "warning")]
        given = checked(open_to_all, client_id="a", client_secret="not-the-secret")
        assert problem_of(given).code == "credentials_not_wanted"


def test_cloud_lets_nobody_into_its_configuration_api_and_that_is_no_warning(
    tmp_path: Path,
) -> None:
    with simulated_cloud(tmp_path, clock=RealClock()) as cloud:
        cloud.airbyte.add_connection("shop", ["orders"])
        lines = examine(cloud.workspace())
        assert exit_code(lines, strict=True) == 0
        texts = {line.subject: line.text for line in lines}
        assert texts["server"] == "Airbyte Cloud"
        assert texts["history"].startswith("from the public API, as always on Cloud")
        assert texts["links"] == "https://cloud.airbyte.com"
