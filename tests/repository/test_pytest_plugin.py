"""The fixture `airbyte_simulator`, as the wheel brings it to everybody's pytest."""

import subprocess
from pathlib import Path

import pytest

from helpers.artefacts import Artefacts
from helpers.clean_environment import CleanEnvironment

# The wheel is built once.
pytestmark = pytest.mark.xdist_group("wheel")

WITHOUT = """
import sys

def test_what_the_plugin_has_imported():
    assert not {"dagster", "flask", "dagster_airbyte_sync"} & set(sys.modules)
"""
USING = "def test_it(airbyte_simulator): pass"
OPTIONS = """
import pytest
import requests

urls = []

def test_it_runs_for_one_test(airbyte_simulator):
    urls.append(airbyte_simulator.url)
    assert requests.get(airbyte_simulator.rest_api_base_url + "/health").ok
    assert airbyte_simulator.connections == []

def test_each_test_has_its_own(airbyte_simulator):
    assert airbyte_simulator.url not in urls
    with pytest.raises(requests.ConnectionError):
        requests.get(urls[0])

@pytest.mark.parametrize("airbyte_simulator_options", [{"version": "1.7.0"}, {"cloud": True}])
def test_options_are_parametrized(airbyte_simulator, airbyte_simulator_options):
    closed = requests.get(airbyte_simulator.configuration_api_base_url + "/health")
    assert closed.ok is not airbyte_simulator_options.get("cloud", False)

class TestOthers:
    @pytest.fixture
    def airbyte_simulator_options(self):
        return {"workspace_id": "0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a"}

    def test_options_are_overridden(self, airbyte_simulator):
        assert airbyte_simulator.workspace_id.startswith("0a0a")
        assert airbyte_simulator.variables()["AIRBYTE_WORKSPACE_ID"].startswith("0a0a")
"""
MISTAKEN = """
import pytest

@pytest.mark.parametrize("airbyte_simulator_options", [{"versoin": "1.7.0"}])
def test_it(airbyte_simulator): pass
"""


@pytest.fixture(scope="module")
def bare(built: Artefacts, tmp_path_factory: pytest.TempPathFactory) -> CleanEnvironment:
    """The wheel and pytest, and nothing else."""
    folder = tmp_path_factory.mktemp("bare") / "environment"
    return _with_wheel(CleanEnvironment.create_with(folder, "pytest"), built)


@pytest.fixture(scope="module")
def complete(built: Artefacts, tmp_path_factory: pytest.TempPathFactory) -> CleanEnvironment:
    folder = tmp_path_factory.mktemp("complete") / "environment"
    return _with_wheel(CleanEnvironment.create(folder), built)


def _with_wheel(environment: CleanEnvironment, built: Artefacts) -> CleanEnvironment:
    environment.install(built.wheel_from_tree)
    return environment


def run(environment: CleanEnvironment, folder: Path, tests: str, *options: str) -> str:
    """What pytest prints of these tests, with every warning an error."""
    (folder / "test_mine.py").write_text(tests)
    command = [environment.python, "-I", "-m", "pytest", "-W", "error", *options, "test_mine.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_pytest_lists_it_with_what_it_is_for(bare: CleanEnvironment, tmp_path: Path) -> None:
    listed = run(bare, tmp_path, WITHOUT, "--fixtures")
    assert "A simulated Airbyte that runs for one test" in listed
    assert "airbyte_simulator_options" in listed


def test_who_does_not_use_it_does_not_notice_it(bare: CleanEnvironment, tmp_path: Path) -> None:
    """Also for coverage: what it imported before that begins would count as never run."""
    assert "1 passed" in run(bare, tmp_path, WITHOUT)


def test_without_the_extra_it_says_what_to_install(bare: CleanEnvironment, tmp_path: Path) -> None:
    printed = run(bare, tmp_path, USING)
    (said,) = (line for line in printed.splitlines() if line.startswith("airbyte_simulator"))
    assert said == "airbyte_simulator needs Flask: pip install 'dagster-airbyte-sync[testing]'"
    assert "Traceback" not in printed


def test_a_test_has_a_simulator_of_its_own_with_its_options(
    complete: CleanEnvironment, tmp_path: Path
) -> None:
    printed = run(complete, tmp_path, OPTIONS)
    assert "5 passed" in printed, printed


def test_an_option_that_there_is_not_is_named(complete: CleanEnvironment, tmp_path: Path) -> None:
    assert "unexpected keyword argument 'versoin'" in run(complete, tmp_path, MISTAKEN)
