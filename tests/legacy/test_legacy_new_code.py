"""The warning of the former loader is code: run as it is printed, it makes the same assets."""

import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteConnectionMetadata,
    AirbyteResource,
    load_assets_from_airbyte_instance,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from helpers import described_legacy
from helpers.described_legacy import VARIANTS, describe_all
from helpers.simulated import host_and_port

Function = Callable[[str], str]

# Which names the printed code takes from the user's own file.
OWN_NAMES = {"EAGER": described_legacy.EAGER, "by_team": described_legacy.by_team, "dg": dg}


@pytest.fixture
def airbyte(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator() as airbyte:
        hidden = SimulatedStream("hidden", selected=False)
        airbyte.add_connection("Shop/Orders & More", ["orders", "order-lines", hidden], prefix="s_")
        airbyte.add_connection("crm", ["leads", "class"])
        monkeypatch.setenv("AIRBYTE_CLIENT_SECRET", airbyte.client_secret)
        yield airbyte


@pytest.fixture
def resource(airbyte: AirbyteSimulator) -> AirbyteResource:
    return AirbyteResource(
        **host_and_port(airbyte), client_id=airbyte.client_id, client_secret=airbyte.client_secret
    )


def load(resource: AirbyteResource, **arguments: Any) -> tuple[list[dg.AssetsDefinition], str]:
    """What is loaded, and what is said."""
    with pytest.warns(DeprecationWarning, match="have successors") as said:
        loaded = load_assets_from_airbyte_instance(resource, **arguments)
    return list(loaded), str(said[-1].message)


def code_in(text: str) -> str:
    return text[text.index("\n\n") :]


def run(code: str, **names: object) -> dict[str, Any]:
    known: dict[str, Any] = {"__name__": "users_file", **OWN_NAMES, **names}
    exec(compile(code, "printed", "exec"), known)
    return known


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_printed_code_makes_the_same_assets(variant: str, resource: AirbyteResource) -> None:
    with warnings.catch_warnings():
        # Of the policy, which is made a condition in both.
        warnings.filterwarnings("ignore", "Class `AutoMaterializePolicy`")
        loaded, text = load(resource, **VARIANTS[variant])
        code = code_in(text)
        if variant == "a policy":
            code = code.replace("EAGER)", "EAGER.to_automation_condition())")
        made = run(code)
    assert describe_all(made["airbyte_assets"]) == describe_all(loaded)
    assert loaded


def test_the_printed_definitions_load(resource: AirbyteResource) -> None:
    _, text = load(resource, key_prefix="raw")
    dg.Definitions.validate_loadable(run(code_in(text))["defs"])


def test_the_whole_text_is_lines_for_the_end_of_a_file(resource: AirbyteResource) -> None:
    """Nothing in it needs the former names."""
    _, text = load(resource, key_prefix="raw")
    code = code_in(text)
    assert "AirbyteResource" not in code
    assert "load_assets_from_airbyte_instance" not in code


def test_secrets_become_variables(resource: AirbyteResource, airbyte: AirbyteSimulator) -> None:
    _, text = load(resource)
    assert airbyte.client_secret not in text
    assert 'client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET")' in text


def test_headers_and_passwords_of_proxies_become_variables(airbyte: AirbyteSimulator) -> None:
    resource = AirbyteResource(
        **host_and_port(airbyte),
        client_id=airbyte.client_id,
        client_secret=airbyte.client_secret,
        request_additional_params={
            "headers": {"X-Door": "sesame-open"},
            "proxies": {"ftp": "http://me:hunter22@proxy:3128"},
        },
    )
    _, text = load(resource)
    assert "sesame" not in text
    assert "hunter22" not in text
    assert 'request_headers={"X-Door": dg.EnvVar("AIRBYTE_REQUEST_HEADERS_X_DOOR")}' in text
    assert 'proxies={"ftp": dg.EnvVar("AIRBYTE_PROXIES_FTP")}' in text


def test_variables_stay_variables(
    airbyte: AirbyteSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address in two variables becomes one variable, and its value is told."""
    where = host_and_port(airbyte)
    monkeypatch.setenv("AIRBYTE_HOST", where["host"])
    monkeypatch.setenv("APP_SECRET", airbyte.client_secret)
    resource = AirbyteResource(
        host=dg.EnvVar("AIRBYTE_HOST"),
        port=where["port"],
        client_id=airbyte.client_id,
        client_secret=dg.EnvVar("APP_SECRET"),
    )
    loaded, text = load(resource)
    assert 'client_secret=dg.EnvVar("APP_SECRET")' in text
    assert (
        'rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),'
        f"  # http://<AIRBYTE_HOST>:{where['port']}/api/public/v1"
    ) in text
    monkeypatch.setenv("AIRBYTE_REST_API_BASE_URL", airbyte.rest_api_base_url)
    monkeypatch.setenv("AIRBYTE_CONFIGURATION_API_BASE_URL", airbyte.configuration_api_base_url)
    assert describe_all(run(code_in(text))["airbyte_assets"]) == describe_all(loaded)


def test_settings_that_are_not_the_usual_ones_are_kept(airbyte: AirbyteSimulator) -> None:
    resource = AirbyteResource(
        **host_and_port(airbyte),
        client_id=airbyte.client_id,
        client_secret=airbyte.client_secret,
        cancel_sync_on_run_termination=False,
        poll_interval=3,
        request_additional_params={"verify": False, "timeout": 40},
    )
    _, text = load(resource)
    workspace = run(code_in(text))["airbyte"]
    assert workspace.cancel_on_termination is False
    assert workspace.poll_interval == 3
    assert workspace.verify == "false"
    assert workspace.request_timeout == 40
    assert "request_max_retries" not in text


def test_what_a_callback_cannot_ask_any_more_is_told(resource: AirbyteResource) -> None:
    def to_group(meta: AirbyteConnectionMetadata) -> str:
        return str(meta.destination["destinationName"])

    loaded, text = load(resource, connection_to_group_fn=None, connection_meta_to_group_fn=to_group)
    assert {spec.group_name for made in loaded for spec in made.specs} == {"postgres"}
    assert (
        "connection_meta_to_group_fn asks for destination, which is not there any more: props"
        in text
    )


def test_what_a_filter_cannot_ask_any_more_is_told(resource: AirbyteResource) -> None:
    """A selector knows the connection, and no props; also in a comprehension."""

    def is_wanted(meta: AirbyteConnectionMetadata) -> bool:
        return any(meta.destination["name"] == name for name in ("warehouse", "lake"))

    _, text = load(resource, connection_filter=is_wanted)
    assert (
        "connection_filter asks for destination, which is not there any more: a connection" in text
    )
    assert "props has" not in text


class Teams:
    """Functions as users have them, in a class of their module."""

    def of_object(self, name: str) -> str:
        return "of_object"

    @classmethod
    def of_class(cls, name: str) -> str:
        return "of_class"

    @staticmethod
    def of_nobody(name: str) -> str:
        return "of_nobody"


@cache
def decorated(name: str) -> str:
    return "decorated"


def renamed(name: str) -> str:
    return "renamed"


renamed.__qualname__ = "decorated"


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (Teams.of_class, "Teams.of_class(props.connection_name)"),
        (Teams.of_nobody, "Teams.of_nobody(props.connection_name)"),
        (decorated, "decorated(props.connection_name)"),
    ],
    ids=["class method", "static method", "decorated"],
)
def test_a_function_is_called_as_its_module_knows_it(
    resource: AirbyteResource, function: Function, code: str
) -> None:
    loaded, text = load(resource, connection_to_group_fn=function)
    assert code in text
    made = run(code_in(text), Teams=Teams, decorated=decorated)
    assert describe_all(made["airbyte_assets"]) == describe_all(loaded)


@pytest.mark.parametrize(
    "function",
    [Teams().of_object, partial(Teams.of_nobody), renamed],
    ids=["of an object", "no name at all", "a name that means something else now"],
)
def test_a_function_that_no_module_has_a_name_for_keeps_its_argument_s_name(
    resource: AirbyteResource, function: Function
) -> None:
    loaded, text = load(resource, connection_to_group_fn=function)
    assert "connection_to_group_fn stands for the function that you gave" in text
    names = run(code_in(text), connection_to_group_fn=function)
    assert describe_all(names["airbyte_assets"]) == describe_all(loaded)


def test_a_lambda_without_source_keeps_its_argument_s_name(resource: AirbyteResource) -> None:
    made: Any = eval("lambda name: 'x'")
    loaded, text = load(resource, connection_to_group_fn=made)
    names = run(code_in(text), connection_to_group_fn=made)
    assert describe_all(names["airbyte_assets"]) == describe_all(loaded)
