"""The Compose file is one that Docker takes: it fits the schema of the Compose Specification, and
what it names is there. `docker compose config` would say the same."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from helpers.production_deployment import EXAMPLE, LOCATIONS, compose

FILE = EXAMPLE / "compose.yaml"
COMPOSE = compose()
SERVICES = COMPOSE["services"]
DAGSTER = [*LOCATIONS, "daemon", "webserver"]


def fits_the_schema(file: Path) -> bool:
    command = [sys.executable, "-m", "check_jsonschema"]
    command += ["--builtin-schema", "vendor.compose-spec", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True)
    # 1 is a file that does not fit, whatever else went wrong has another code.
    assert checked.returncode in (0, 1), checked.stderr
    assert "schema" in checked.stdout.lower() or "validation done" in checked.stdout
    return checked.returncode == 0


def test_it_fits_the_schema_of_the_compose_specification() -> None:
    assert fits_the_schema(FILE)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("depends_on:", "depend_on:", id="a key that does not exist"),
        pytest.param("condition: service_healthy", "condition: healthy", id="a word for another"),
        pytest.param("interval: 5s", "interval: [5]", id="a list for a time"),
    ],
)
def test_a_mistake_would_be_seen(right: str, wrong: str, tmp_path: Path) -> None:
    mistaken = tmp_path / "compose.yaml"
    mistaken.write_text(FILE.read_text().replace(right, wrong))

    assert mistaken.read_text() != FILE.read_text()
    assert not fits_the_schema(mistaken)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_an_image_and_starts_after_what_is_there(service: str) -> None:
    settings = SERVICES[service]
    assert settings["image"]
    assert settings["restart"] == "always"
    for name, wanted in settings.get("depends_on", {}).items():
        assert wanted == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[name]


@pytest.mark.parametrize("service", DAGSTER)
def test_all_processes_of_dagster_have_the_same_image_which_is_built_here(service: str) -> None:
    assert SERVICES[service]["image"] == SERVICES["daemon"]["image"]
    assert (EXAMPLE / SERVICES[service]["build"] / "Dockerfile").is_file()
    assert SERVICES[service]["depends_on"].keys() == {"postgres"}


@pytest.mark.parametrize("service", DAGSTER)
def test_a_command_names_files_of_the_image(service: str) -> None:
    command = SERVICES[service]["command"]
    files = [word for word in command if word.endswith((".py", ".yaml"))]
    copied = re.findall(r"^COPY (.*) \./$", (EXAMPLE / "Dockerfile").read_text(), flags=re.M)
    assert len(files) == 1
    assert {*files} <= {*copied[0].split()}


def mounts() -> Iterator[tuple[str, str]]:
    for settings in SERVICES.values():
        for mount in settings.get("volumes", []):
            name, folder = mount.split(":")
            yield name, folder


def test_what_is_mounted_is_declared_and_nothing_else() -> None:
    assert {name for name, _ in mounts()} == COMPOSE["volumes"].keys()
    # Without any, all services are in the default one, and find each other by their names.
    assert not any("networks" in settings for settings in SERVICES.values())


def test_the_logs_are_where_dagster_is_told_to_write_them_in_a_folder_of_the_image() -> None:
    (logs,) = {folder for name, folder in mounts() if name == "logs"}
    assert {SERVICES[name]["environment"]["DAGSTER_LOGS"] for name in DAGSTER} == {logs}
    home = SERVICES["daemon"]["environment"].get("DAGSTER_HOME", "/opt/dagster/app")
    assert Path(logs) == Path(home).parent / "logs"
    assert "mkdir ../logs" in (EXAMPLE / "Dockerfile").read_text()


def test_the_database_has_the_address_that_it_is_given_and_a_driver_that_is_installed() -> None:
    postgres = SERVICES["postgres"]["environment"]
    address = (
        f"postgres:5432/{postgres['POSTGRES_DB']}",
        f"{postgres['POSTGRES_USER']}:{postgres['POSTGRES_PASSWORD']}",
    )
    for name in DAGSTER:
        url = SERVICES[name]["environment"]["DAGSTER_POSTGRES_URL"]
        scheme, _, rest = url.partition("://")
        assert rest == f"{address[1]}@{address[0]}"
        assert create_engine(f"{scheme}://{address[0]}").dialect.driver == "psycopg2"


def test_a_health_check_asks_the_port_on_which_its_code_server_listens() -> None:
    for name in LOCATIONS:
        command, check = SERVICES[name]["command"], SERVICES[name]["healthcheck"]["test"]
        assert port_in(check) == port_in(command)


def test_the_webserver_is_published_to_its_own_machine_only() -> None:
    (published,) = SERVICES["webserver"]["ports"]
    port = port_in(SERVICES["webserver"]["command"])
    assert published == f"127.0.0.1:{port}:{port}"
    assert not any("ports" in SERVICES[name] for name in SERVICES if name != "webserver")


def port_in(command: list[str]) -> str:
    return command[command.index("--port") + 1]
