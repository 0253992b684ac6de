"""The Dagster resource: what a user may write into its fields, and when it is checked."""

from pathlib import Path
from typing import Any

import certifi
import dagster as dg
import pytest
from pydantic import ConfigDict, Field

from dagster_airbyte_sync import AirbyteCloudWorkspace, AirbyteSettingsError, AirbyteWorkspace
from dagster_airbyte_sync.resources import AirbyteSettings
from dagster_airbyte_sync.testing import AirbyteSimulator

WORKSPACE = "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"
WHERE: dict[str, Any] = {
    "rest_api_base_url": "http://airbyte.test/api/public/v1",
    "configuration_api_base_url": "http://airbyte.test/api/v1",
    "workspace_id": WORKSPACE,
}

# Every field: its value in the environment, what it needs beside it, and what it means then.
TEXTS: list[tuple[str, str, dict[str, Any]]] = [
    ("rest_api_base_url", "https://other.test/v1", {}),
    ("configuration_api_base_url", "https://other.test/v1", {}),
    ("workspace_id", "00000000-0000-4000-8000-000000000002", {}),
    ("client_id", "me", {"client_secret": "s"}),
    ("client_secret", "hunter2", {"client_id": "me"}),
    ("username", "me", {"password": "s"}),
    ("password", "hunter2", {"username": "me"}),
    ("ui_url", "https://other.test", {}),
]
NUMBERS: list[tuple[str, str, float]] = [
    ("request_max_retries", "7", 7),
    ("max_items_per_page", "7", 7),
    ("request_retry_delay", "0.5", 0.5),
    ("request_timeout", "7.5", 7.5),
    ("catalog_ttl", "7", 7),
    ("poll_interval", "0.5", 0.5),
    ("poll_timeout", "7.5", 7.5),
    ("wait_timeout", "7.5", 7.5),
    ("outage_timeout", "7.5", 7.5),
]
SWITCHES = [
    (field, text, meaning)
    for field in ("cancel_on_termination", "poll_previous_running_sync")
    for text, meaning in (("false", False), ("true", True))
]


def workspace(**fields: Any) -> AirbyteWorkspace:
    return AirbyteWorkspace(**{**WHERE, **fields})


def resolved(given: AirbyteWorkspace) -> AirbyteSettings:
    with given.resolved() as ready:
        return ready.settings()


def in_a_run(given: AirbyteWorkspace, field: str) -> object:
    """What an asset finds in the field while a run executes it."""
    seen: list[object] = []

    @dg.asset
    def reader(airbyte: dg.ResourceParam[AirbyteWorkspace]) -> None:
        seen.append(getattr(airbyte, field))
        seen.append(airbyte.settings())

    assert dg.materialize([reader], resources={"airbyte": given}).success
    assert isinstance(seen[1], AirbyteSettings)
    return seen[0]


@pytest.mark.parametrize(("field", "text", "beside"), TEXTS, ids=[row[0] for row in TEXTS])
def test_a_text_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, field: str, text: str, beside: dict[str, Any]
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", text)
    given = workspace(**{**beside, field: dg.EnvVar("FROM_OUTSIDE")})
    assert getattr(resolved(given), field) == text
    assert in_a_run(given, field) == text


@pytest.mark.parametrize(
    ("field", "text", "meaning"),
    [*NUMBERS, *SWITCHES],
    ids=[f"{row[0]} {row[1]}" for row in (*NUMBERS, *SWITCHES)],
)
def test_a_number_or_a_switch_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, field: str, text: str, meaning: float
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", text)
    given = workspace(**{field: dg.EnvVar("FROM_OUTSIDE")})
    with given.resolved() as ready:
        read = getattr(ready, field)
    for each in (read, in_a_run(given, field)):
        assert (each, isinstance(each, bool)) == (meaning, isinstance(meaning, bool))


@pytest.mark.parametrize("field", ["request_max_retries", "max_items_per_page"])
def test_a_whole_number_may_be_dagster_s_own_kind_of_variable(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "7")
    assert in_a_run(workspace(**{field: dg.EnvVar.int("FROM_OUTSIDE")}), field) == 7


@pytest.mark.parametrize("field", ["request_headers", "proxies"])
def test_a_value_of_a_mapping_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "hunter2")
    given = workspace(**{field: {"X-Token": dg.EnvVar("FROM_OUTSIDE")}})
    assert getattr(resolved(given), field) == (("X-Token", "hunter2"),)
    assert in_a_run(given, field) == {"X-Token": "hunter2"}


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("true", True), ("True", True), ("false", False), ("False", False), (" FALSE ", False)],
)
def test_verify_may_be_a_boolean_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, text: str, meaning: bool
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", text)
    given = AirbyteWorkspace(**WHERE, verify=dg.EnvVar("FROM_OUTSIDE"))
    assert resolved(given).verify is meaning
    assert in_a_run(given, "verify") == text


@pytest.mark.parametrize("meaning", [True, False])
def test_verify_may_be_a_boolean(meaning: bool) -> None:
    assert resolved(workspace(verify=meaning)).verify is meaning


def test_verify_may_be_a_ca_file(tmp_path: Path) -> None:
    file = tmp_path / "True CA.pem"
    file.write_text(Path(certifi.where()).read_text())
    assert resolved(workspace(verify=str(file))).verify == str(file)


def test_certificates_are_checked_unless_somebody_says_otherwise() -> None:
    assert resolved(workspace()).verify is True


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    given = workspace(client_id="me", client_secret=dg.EnvVar("NOT_SET"))
    with pytest.raises(dg.DagsterInvalidConfigError, match="NOT_SET"):
        resolved(given)


@pytest.mark.parametrize("field", ["request_timeout", "poll_timeout", "cancel_on_termination"])
def test_a_variable_of_a_number_or_switch_that_is_not_set_is_named(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(AirbyteSettingsError, match=f"{field} .* NOT_SET, which is not set"):
        workspace(**{field: dg.EnvVar("NOT_SET")})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("request_headers", {"X-Token": dg.EnvVar("FROM_OUTSIDE")}),
        ("max_items_per_page", dg.EnvVar.int("FROM_OUTSIDE")),
    ],
    ids=["a value of a mapping", "a whole number"],
)
def test_settings_never_hold_what_was_not_read(field: str, value: object) -> None:
    with pytest.raises(AirbyteSettingsError, match=field):
        workspace(**{field: value}).settings()


def test_settings_of_a_workspace_that_was_not_resolved_never_hold_a_variable_s_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What is sent then is the name of the variable, not its value.
    monkeypatch.setenv("FROM_OUTSIDE", "hunter2")
    given = workspace(client_id="me", client_secret=dg.EnvVar("FROM_OUTSIDE"))
    with pytest.raises(AirbyteSettingsError, match="client_secret"):
        given.settings()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"client_id": "me"}, "client_secret is not"),
        ({"username": "me"}, "password is not"),
        ({"client_id": "a", "client_secret": "b", "username": "c", "password": "d"}, "one pair"),
        ({"rest_api_base_url": "airbyte.test"}, "not an http"),
        ({"configuration_api_base_url": "airbyte.test"}, "not an http"),
        ({"request_timeout": 0}, "the minimum is 0.1"),
        ({"max_items_per_page": 0}, "the minimum is 1"),
        ({"poll_interval": -1}, "poll_interval"),
        ({"poll_timeout": -1.0}, "poll_timeout"),
        ({"wait_timeout": -1}, "wait_timeout"),
        ({"outage_timeout": -1}, "outage_timeout"),
        ({"workspace_id": ""}, "workspace_id is empty"),
        ({"reqest_timeout": 5}, "AirbyteWorkspace has no setting 'reqest_timeout': did you mean r"),
        ({"colour": "red"}, r"AirbyteWorkspace has no setting 'colour'\."),
    ],
    ids=str,
)
def test_what_can_never_work_is_refused_where_it_is_written(
    wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirbyteSettingsError, match=message):
        workspace(**wrong)


@pytest.mark.parametrize(
    ("field", "text", "beside"),
    [
        ("rest_api_base_url", "airbyte.test", {}),
        ("workspace_id", " ", {}),
        ("client_secret", "", {"client_id": "me"}),
    ],
)
def test_what_a_variable_holds_is_checked_when_it_is_read(
    monkeypatch: pytest.MonkeyPatch, field: str, text: str, beside: dict[str, Any]
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", text)
    given = workspace(**{**beside, field: dg.EnvVar("FROM_OUTSIDE")})
    with pytest.raises(AirbyteSettingsError, match=field):
        resolved(given)


def test_a_cloud_workspace_needs_an_application_and_knows_where_cloud_is() -> None:
    made = AirbyteCloudWorkspace(
        workspace_id=WORKSPACE, client_id="me", client_secret="s"
    ).settings()
    assert made.is_cloud
    assert made.rest_api_base_url == "https://api.airbyte.com/v1"
    with pytest.raises(AirbyteSettingsError, match="client_secret is not"):
        AirbyteCloudWorkspace(workspace_id=WORKSPACE, client_id="me", client_secret="")


def test_a_cloud_workspace_does_not_ignore_the_address_of_another_airbyte() -> None:
    fields: dict[str, Any] = {"rest_api_base_url": "http://airbyte/api/public/v1"}
    with pytest.raises(AirbyteSettingsError, match="no setting 'rest_api_base_url'"):
        AirbyteCloudWorkspace(workspace_id=WORKSPACE, client_id="me", client_secret="s", **fields)


class OfATeam(AirbyteWorkspace):
    """A user's own, with a field that is given by another name."""

    team: str = Field(default="", alias="owned_by")


class WithAnything(AirbyteWorkspace):
    model_config = ConfigDict(extra="allow")


@pytest.mark.parametrize(("kind", "field"), [(OfATeam, "owned_by"), (WithAnything, "colour")])
def test_what_a_subclass_takes_is_a_setting(kind: type[AirbyteWorkspace], field: str) -> None:
    values = {**WHERE, field: "blue"}
    assert kind(**values).model_dump(by_alias=True)[field] == "blue"


def test_a_resource_in_a_run_reads_the_catalog(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop", streams=["orders"])
    names: list[str] = []

    @dg.op
    def read(airbyte: dg.ResourceParam[AirbyteWorkspace]) -> None:
        names.extend(c.name for c in airbyte.fetch_catalog().connections.values())

    @dg.job(resource_defs={"airbyte": simulated(airbyte)})
    def reading() -> None:
        read()

    assert reading.execute_in_process().success
    assert names == ["shop"]


def test_a_resource_may_be_configured_at_launch(airbyte: AirbyteSimulator) -> None:
    airbyte.add_connection("shop")
    names: list[str] = []

    @dg.asset
    def reader(workspace: AirbyteWorkspace) -> None:
        names.extend(c.name for c in workspace.fetch_catalog().connections.values())

    launched = {"resources": {"workspace": {"config": airbyte.workspace_config()}}}
    resources = {"workspace": AirbyteWorkspace.configure_at_launch()}
    assert dg.materialize([reader], resources=resources, run_config=launched).success
    assert names == ["shop"]


def test_resources_that_are_equal_share_one_client(airbyte: AirbyteSimulator) -> None:
    assert simulated(airbyte).get_client() is simulated(airbyte).get_client()


def test_resources_that_differ_do_not(airbyte: AirbyteSimulator) -> None:
    other = simulated(airbyte, request_timeout=3.0)
    assert simulated(airbyte).get_client() is not other.get_client()


def simulated(airbyte: AirbyteSimulator, **fields: Any) -> AirbyteWorkspace:
    return AirbyteWorkspace(**{**airbyte.workspace_config(), **fields})


# Without Dagster's own way, which builds an instance


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was done with an instance."""
    built: list[object] = []
    make = dg.DagsterInstance.ephemeral

    def noted() -> dg.DagsterInstance:
        built.append(instance := make())
        return instance

    monkeypatch.setattr(dg.DagsterInstance, "ephemeral", noted)
    return built


def test_reading_variables_builds_no_instance(
    built: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "hunter2")
    given = workspace(
        client_id="me",
        client_secret=dg.EnvVar("FROM_OUTSIDE"),
        request_headers={"X-Token": dg.EnvVar("FROM_OUTSIDE")},
    )
    read = resolved(given)
    assert (read.client_secret, read.request_headers) == ("hunter2", (("X-Token", "hunter2"),))
    assert built == []


class FromAVault(AirbyteWorkspace):
    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        object.__setattr__(self, "client_secret", "from the vault")


class Vault(dg.ConfigurableResource[object]):
    name: str


class WithAVault(AirbyteWorkspace):
    vault: Vault


def test_a_workspace_that_sets_itself_up_is_left_to_dagster(built: list[object]) -> None:
    read = resolved(FromAVault(**WHERE, client_id="me", client_secret="unknown"))
    assert (read.client_secret, len(built)) == ("from the vault", 1)


def test_a_workspace_with_a_resource_of_its_own_is_left_to_dagster(
    built: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "prod")
    with WithAVault(**WHERE, vault=Vault(name=dg.EnvVar("FROM_OUTSIDE"))).resolved() as ready:
        assert ready.vault.name == "prod"
    assert len(built) == 1
