"""Settings: what can never work is refused where it is written, in one sentence."""

import math
from collections.abc import Callable

import pytest

from dagster_airbyte_sync.resources import AirbyteSettings, AirbyteSettingsError

MakeSettings = Callable[..., AirbyteSettings]

WORKSPACE = "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"


def refusal(settings: MakeSettings, **wrong: object) -> str:
    with pytest.raises(AirbyteSettingsError) as refused:
        settings(**wrong)
    return str(refused.value)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("client_id", "client_secret"),
        ("client_secret", "client_id"),
        ("username", "password"),
        ("password", "username"),
    ],
)
def test_half_a_credential_is_refused_and_the_other_half_named(
    settings: MakeSettings, given: str, missing: str
) -> None:
    message = refusal(settings, **{given: "hunter2"})
    assert message == f"{given} is set but {missing} is not: set both, or neither."


def test_two_credentials_are_refused(settings: MakeSettings) -> None:
    pairs = {"client_id": "i", "client_secret": "s", "username": "u", "password": "p"}
    assert "remove one pair" in refusal(settings, **pairs)


@pytest.mark.parametrize(
    "credential",
    [{}, {"client_id": "i", "client_secret": "s"}, {"username": "u", "password": "p"}],
    ids=["none", "application", "proxy"],
)
def test_one_whole_credential_or_none_is_accepted(
    settings: MakeSettings, credential: dict[str, str]
) -> None:
    made = settings(**credential)
    assert {name: getattr(made, name) for name in credential} == credential


@pytest.mark.parametrize("field", ["rest_api_base_url", "configuration_api_base_url"])
@pytest.mark.parametrize(
    "url",
    ["", "  ", "localhost:8000/api/v1", "ftp://airbyte.test", "http://", "http://h:99999",
     "http://h:port", "http://h:0", "https:///api", "http://[::1"],
)  # fmt: skip
def test_what_is_no_http_address_is_refused_with_an_example(
    settings: MakeSettings, field: str, url: str
) -> None:
    message = refusal(settings, **{field: url})
    assert message.startswith(field)
    assert "http://localhost:8000/api/" in message


def test_the_example_is_that_of_the_api_in_question(settings: MakeSettings) -> None:
    assert "/api/public/v1" in refusal(settings, rest_api_base_url="x")
    assert "/api/public/v1" not in refusal(settings, configuration_api_base_url="x")


@pytest.mark.parametrize("url", ["http://h/api?workspace=1", "http://h/api#top"])
def test_an_address_with_a_query_or_fragment_is_refused(settings: MakeSettings, url: str) -> None:
    assert "query or fragment" in refusal(settings, rest_api_base_url=url)


def test_a_password_in_an_address_is_refused_and_not_repeated(settings: MakeSettings) -> None:
    message = refusal(settings, rest_api_base_url="http://admin:hunter2@airbyte.test/api")
    assert "use the fields username and password" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "url",
    ["ftp://admin:hunter2@airbyte.test", "admin:hunter2@airbyte.test/api", "http://admin:hunter2@"],
)
def test_a_password_in_what_is_no_address_is_not_repeated_either(
    settings: MakeSettings, url: str
) -> None:
    assert "hunter2" not in refusal(settings, rest_api_base_url=url)


def test_an_address_may_have_spaces_around_and_slashes_behind(settings: MakeSettings) -> None:
    made = settings(rest_api_base_url=" http://airbyte.test/api/public/v1// \n")
    assert made.rest_api_base_url == "http://airbyte.test/api/public/v1"


@pytest.mark.parametrize("workspace_id", ["", " ", "\n"])
def test_an_empty_workspace_id_is_refused_saying_where_to_find_it(
    settings: MakeSettings, workspace_id: str
) -> None:
    assert "Settings > General" in refusal(settings, workspace_id=workspace_id)


def test_a_workspace_id_may_have_spaces_around(settings: MakeSettings) -> None:
    assert settings(workspace_id=f" {WORKSPACE}\n").workspace_id == WORKSPACE


@pytest.mark.parametrize("workspace_id", [WORKSPACE.upper(), WORKSPACE])
def test_a_workspace_id_may_be_in_capitals(settings: MakeSettings, workspace_id: str) -> None:
    assert settings(workspace_id=workspace_id).workspace_id == workspace_id


@pytest.mark.parametrize("value", ["shop", WORKSPACE[:-1], f"{{{WORKSPACE}}}", WORKSPACE + "0"])
def test_a_workspace_id_that_is_no_uuid_is_refused_saying_where_to_find_it(
    settings: MakeSettings, value: str
) -> None:
    message = refusal(settings, workspace_id=value)
    assert repr(value) in message
    assert "Settings > General" in message


@pytest.mark.parametrize(
    ("field", "least", "too_small"),
    [
        ("request_max_retries", 0, -1),
        ("request_retry_delay", 0, -0.1),
        ("request_timeout", 0.1, 0),
        ("max_items_per_page", 1, 0),
        ("catalog_ttl", 0, -1),
    ],
)
def test_a_number_that_is_too_small_is_refused_and_the_least_is_named(
    settings: MakeSettings, field: str, least: float, too_small: float
) -> None:
    assert getattr(settings(**{field: least}), field) == least
    assert refusal(settings, **{field: too_small}) == (
        f"{field} is {too_small}; the minimum is {least:g}."
    )


@pytest.mark.parametrize("field", ["request_retry_delay", "request_timeout", "catalog_ttl"])
def test_a_number_that_is_none_is_refused(settings: MakeSettings, field: str) -> None:
    assert field in refusal(settings, **{field: math.nan})


@pytest.mark.parametrize("seconds", [math.inf, 1e10])
def test_a_timeout_that_no_socket_can_wait_for_is_refused(
    settings: MakeSettings, seconds: float
) -> None:
    assert "request_timeout" in refusal(settings, request_timeout=seconds)


@pytest.mark.parametrize("value", ["hunter2\n", "hunter2\r\nX-Admin: yes", "hunter2 ☃"])
def test_a_header_that_http_cannot_send_is_refused_and_not_repeated(
    settings: MakeSettings, value: str
) -> None:
    message = refusal(settings, request_headers=(("X-Proxy-Token", value),))
    assert "X-Proxy-Token" in message
    assert "hunter2" not in message


@pytest.mark.parametrize("name", ["", "X Y", "X:Y", "X\n", "Grün"])
def test_the_name_of_a_header_is_checked_too(settings: MakeSettings, name: str) -> None:
    assert repr(name) in refusal(settings, request_headers=((name, "value"),))


def test_a_ca_file_that_is_not_there_is_refused(settings: MakeSettings) -> None:
    assert "verify" in refusal(settings, verify="/no/such/ca.pem")


def test_only_cloud_s_own_address_is_cloud(settings: MakeSettings) -> None:
    assert settings(configuration_api_base_url="https://cloud.airbyte.com/api/v1/").is_cloud
    assert not settings().is_cloud


def test_settings_that_are_equal_are_one_key_of_a_dictionary(settings: MakeSettings) -> None:
    headers = (("X-Team", "data"),)
    assert len({settings(request_headers=headers), settings(request_headers=headers)}) == 1
