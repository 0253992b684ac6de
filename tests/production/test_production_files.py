"""The files of examples/production say the same: what runs for real in the test beside this one,
the Compose file, and the values for Dagster's Helm chart."""

import re
from collections.abc import Iterator
from importlib.metadata import requires
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from sqlalchemy import create_engine

from helpers.production_deployment import EXAMPLE, LOCATIONS, compose

SERVICES = compose()["services"]
SETTINGS = yaml.safe_load((EXAMPLE / "dagster.yaml").read_text())
WORKSPACE = yaml.safe_load((EXAMPLE / "workspace.yaml").read_text())
VALUES = yaml.safe_load((EXAMPLE / "helm-values.yaml").read_text())
DEPLOYMENTS = {each["name"]: each for each in VALUES["dagster-user-deployments"]["deployments"]}
DOCKERFILE = (EXAMPLE / "Dockerfile").read_text()
HOME = re.findall(r"DAGSTER_HOME=(\S+)", DOCKERFILE)[0]


def variables_of(file: str) -> set[str]:
    return set(re.findall(r"^(\w+)=", (EXAMPLE / file).read_text(), flags=re.M))


def env_in(settings: object) -> Iterator[str]:
    """The variables from which Dagster takes settings."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            yield from [value] if key == "env" else env_in(value)
    elif isinstance(settings, list):
        for each in settings:
            yield from env_in(each)


def test_compose_has_each_process_and_its_database() -> None:
    assert SERVICES.keys() == {"postgres", *LOCATIONS, "daemon", "webserver"}


def test_what_compose_takes_from_the_environment_is_in_the_example_and_nothing_else() -> None:
    taken = set(re.findall(r"\$\{(\w+)", (EXAMPLE / "compose.yaml").read_text()))
    assert taken == variables_of(".env.example")


@pytest.mark.parametrize("service", [*LOCATIONS, "daemon", "webserver"])
def test_each_process_has_what_dagster_reads_from_the_environment(service: str) -> None:
    asked = {*env_in(SETTINGS), *env_in(WORKSPACE)}
    assert asked
    assert asked <= SERVICES[service]["environment"].keys()


def test_only_the_location_that_asks_airbyte_has_its_secrets() -> None:
    code = {name: (EXAMPLE / f"{name}.py").read_text() for name in LOCATIONS}
    asked = {name: set(re.findall(r'EnvVar\("(\w+)"\)', text)) for name, text in code.items()}
    had = {
        name: {each for each in SERVICES[name].get("environment", {}) if each.startswith("AIRBYTE")}
        for name in SERVICES
    }
    assert len(asked["ingest"]) == 5
    assert had == {name: asked.get(name, set()) for name in SERVICES}


def test_the_environment_has_all_secrets_of_the_values() -> None:
    assert DEPLOYMENTS["ingest"]["envSecrets"] == [{"name": "airbyte"}]
    assert "envSecrets" not in DEPLOYMENTS["analytics"]
    assert VALUES["generatePostgresqlPasswordSecret"] is False
    assert "password" not in str(VALUES).lower().replace("generatepostgresqlpasswordsecret", "")


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_code_location_is_the_same_everywhere(location: str) -> None:
    (server,) = (
        each["grpc_server"]
        for each in WORKSPACE["load_from"]
        if each["grpc_server"]["location_name"] == location
    )
    service, deployment = SERVICES[location], DEPLOYMENTS[location]
    port = service["environment"][server["port"]["env"]]

    assert service["environment"][server["host"]["env"]] == location
    assert service["command"][3:] == [
        *("--host", "0.0.0.0", "--port", str(port), "--python-file", f"{location}.py")
    ]
    assert deployment["port"] == port
    assert deployment["dagsterApiGrpcArgs"] == ["--python-file", f"{HOME}/{location}.py"]


def test_the_image_has_the_code_the_settings_and_the_snapshot() -> None:
    copied = re.findall(r"^COPY (.*) \./$", DOCKERFILE, flags=re.M)[0].split()
    code = [f"{location}.py" for location in LOCATIONS]
    assert sorted(copied) == sorted([*code, "dagster.yaml", "workspace.yaml", "airbyte.json"])
    assert re.findall(r"^WORKDIR (.*)$", DOCKERFILE, flags=re.M) == [HOME]


def test_the_image_and_the_chart_have_one_version_of_dagster_that_this_package_takes() -> None:
    (version,) = re.findall(r"^ARG DAGSTER_VERSION=(\S+)$", DOCKERFILE, flags=re.M)
    installed = DOCKERFILE.partition("RUN pip install")[2].partition("&&")[0]
    pinned = re.findall(r'"([\w-]+)==\$DAGSTER_VERSION"', installed)
    (ours,) = (
        each
        for each in map(Requirement, requires("dagster-airbyte-sync") or [])
        if each.name == "dagster"
    )

    assert pinned == ["dagster", "dagster-webserver"]
    assert version in ours.specifier
    assert f" --version {version} " in (EXAMPLE / "helm-values.yaml").read_text()


def test_the_chart_finds_the_same_database_by_the_same_driver() -> None:
    ours, theirs = SERVICES["postgres"]["environment"], VALUES["postgresql"]
    assert theirs["postgresqlUsername"] == ours["POSTGRES_USER"]
    assert theirs["postgresqlDatabase"] == ours["POSTGRES_DB"]
    scheme, host = theirs["postgresqlScheme"], theirs["postgresqlHost"]
    url = f"{scheme}://{host}:{theirs['service']['port']}"
    assert create_engine(url).dialect.driver == "psycopg2"
    assert SERVICES["daemon"]["environment"]["DAGSTER_POSTGRES_URL"].startswith(f"{scheme}://")


def test_how_many_runs_there_are_at_once_is_said_in_one_place() -> None:
    """In two, the chart refuses its values, and Dagster its settings."""
    assert "config" not in VALUES["dagsterDaemon"]["runCoordinator"]
    assert "additionalInstanceConfig" not in VALUES
    assert "config" not in SETTINGS["run_coordinator"]


def test_there_is_one_daemon() -> None:
    daemons = [each for each in SERVICES.values() if "dagster-daemon" in each.get("command", [])]
    assert len(daemons) == 1
    assert "deploy" not in daemons[0]
    assert "replicaCount" not in VALUES["dagsterDaemon"]


# What the chart calls the settings of dagster.yaml.
_DAEMON = VALUES["dagsterDaemon"]
IN_VALUES = {
    "concurrency": VALUES["concurrency"],
    "run_monitoring": _DAEMON["runMonitoring"],
    "run_retries": _DAEMON["runRetries"],
    "sensors": _DAEMON["sensors"],
    "telemetry": VALUES["telemetry"],
}
# Runs that die with their code server: where each is a pod of its own, none does.
NOT_IN_VALUES = {"run_monitoring": {"max_runtime_seconds"}}


@pytest.mark.parametrize("setting", IN_VALUES)
def test_settings_are_the_same_in_the_values_of_the_chart(setting: str) -> None:
    ours = {
        name: value
        for name, value in SETTINGS[setting].items()
        if name not in NOT_IN_VALUES.get(setting, ())
    }
    theirs = snake(IN_VALUES[setting])
    # The chart has a switch where dagster.yaml says it by being there.
    if "enabled" not in ours:
        assert theirs.pop("enabled", True)
    assert theirs == ours


def test_the_other_settings_are_those_that_a_pod_has_of_its_own() -> None:
    assert SETTINGS.keys() - IN_VALUES.keys() == {
        *("storage", "run_coordinator", "run_launcher", "compute_logs")
    }
    coordinator = SETTINGS["run_coordinator"]["class"]
    assert VALUES["dagsterDaemon"]["runCoordinator"]["type"] == coordinator
    assert VALUES["runLauncher"]["type"] == "K8sRunLauncher"


def snake(values: dict[str, Any]) -> dict[str, Any]:
    return {
        re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name): (
            snake(value) if isinstance(value, dict) else value
        )
        for name, value in values.items()
    }
