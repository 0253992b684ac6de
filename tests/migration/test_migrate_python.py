"""`migrate --write` in Python: what only has another name or place is changed, and nothing else."""

from pathlib import Path
from textwrap import dedent

import pytest

from helpers.moving import Project


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    return Project(tmp_path, capsys)


# What is written, and what becomes of it.
MOVED = {
    "names that stay": (
        "from dagster_airbyte import AirbyteWorkspace, airbyte_assets\n",
        "from dagster_airbyte_sync import AirbyteWorkspace, airbyte_assets\n",
    ),
    "the form of the import, and comments": (
        """
        from dagster_airbyte import (  # of theirs
            AirbyteWorkspace as Workspace,  # ours now

            airbyte_assets,
        )
        """,
        """
        from dagster_airbyte_sync import (  # of theirs
            AirbyteWorkspace as Workspace,  # ours now

            airbyte_assets,
        )
        """,
    ),
    "a module within it": (
        "from dagster_airbyte.translator import DagsterAirbyteTranslator\n",
        "from dagster_airbyte_sync import DagsterAirbyteTranslator\n",
    ),
    "a module deep within it": (
        "from dagster_airbyte.components.workspace_component.component import (\n"
        "    AirbyteWorkspaceComponent,\n)\n",
        "from dagster_airbyte_sync import (\n    AirbyteWorkspaceComponent,\n)\n",
    ),
    "a name that changes, wherever it is used": (
        """
        from dagster_airbyte.translator import AirbyteConnection

        def is_wanted(connection: AirbyteConnection, AirbyteStream=1) -> bool:
            other.AirbyteConnection(AirbyteConnection=2)
            return isinstance(connection, AirbyteConnection)
        """,
        """
        from dagster_airbyte_sync import Connection

        def is_wanted(connection: Connection, AirbyteStream=1) -> bool:
            other.AirbyteConnection(AirbyteConnection=2)
            return isinstance(connection, Connection)
        """,
    ),
    "a name that changes, where the new one is taken": (
        """
        from dagster_airbyte.translator import AirbyteConnection
        from sqlalchemy import Connection

        def both(a: Connection, b: AirbyteConnection): ...
        """,
        """
        from dagster_airbyte_sync import Connection as AirbyteConnection
        from sqlalchemy import Connection

        def both(a: Connection, b: AirbyteConnection): ...
        """,
    ),
    "a name that changes, and is in a text": (
        """
        from dagster_airbyte.translator import AirbyteConnection

        def is_wanted(connection: "AirbyteConnection"): ...
        """,
        """
        from dagster_airbyte_sync import Connection as AirbyteConnection

        def is_wanted(connection: "AirbyteConnection"): ...
        """,
    ),
    "two names of one thing": (
        "from dagster_airbyte import AirbyteCloudWorkspaceComponent, AirbyteWorkspaceComponent\n"
        "one = AirbyteCloudWorkspaceComponent, AirbyteWorkspaceComponent\n",
        "from dagster_airbyte_sync import AirbyteWorkspaceComponent\n"
        "one = AirbyteWorkspaceComponent, AirbyteWorkspaceComponent\n",
    ),
    "names that go, beside others": (
        """
        import dagster as dg

        # Why.
        from dagster_airbyte import (
            AirbyteWorkspace,
            airbyte_sync_op,
        )  # the end
        """,
        """
        import dagster as dg

        # Why.
        from dagster_airbyte_sync import (
            AirbyteWorkspace,
        )  # the end
        from dagster_airbyte import (
            airbyte_sync_op,
        )
        """,
    ),
    "names that go, in a line of several": (
        "import os; from dagster_airbyte import AirbyteWorkspace, airbyte_sync_op\n",
        "import os; from dagster_airbyte_sync import AirbyteWorkspace; "
        "from dagster_airbyte import airbyte_sync_op\n",
    ),
    "an import within": (
        """
        if TYPE_CHECKING:
            from dagster_airbyte import AirbyteWorkspace

        def load():
            from dagster_airbyte import AirbyteWorkspace, build_airbyte_assets
            return AirbyteWorkspace
        """,
        """
        if TYPE_CHECKING:
            from dagster_airbyte_sync import AirbyteWorkspace

        def load():
            from dagster_airbyte_sync import AirbyteWorkspace
            from dagster_airbyte import build_airbyte_assets
            return AirbyteWorkspace
        """,
    ),
    "the module under another name": (
        """
        import dagster_airbyte as da, os

        airbyte = da.AirbyteWorkspace(da=1)
        specs = da.load_airbyte_cloud_asset_specs(airbyte)
        """,
        """
        import dagster_airbyte_sync as da, os

        airbyte = da.AirbyteWorkspace(da=1)
        specs = da.load_airbyte_asset_specs(airbyte)
        """,
    ),
    "the module itself, and one within": (
        """
        import dagster_airbyte
        import dagster_airbyte.translator
        import dagster_airbyte.resources as r

        airbyte = dagster_airbyte.AirbyteWorkspace.configure_at_launch()
        class Mine(dagster_airbyte.translator.DagsterAirbyteTranslator): ...
        client: r.AirbyteClient
        """,
        """
        import dagster_airbyte_sync
        import dagster_airbyte_sync
        import dagster_airbyte_sync as r

        airbyte = dagster_airbyte_sync.AirbyteWorkspace.configure_at_launch()
        class Mine(dagster_airbyte_sync.DagsterAirbyteTranslator): ...
        client: r.AirbyteClient
        """,
    ),
}


@pytest.mark.parametrize("what", MOVED)
def test_it_moves(project: Project, what: str) -> None:
    before, after = (dedent(text) for text in MOVED[what])
    assert project.moved(before) == after.lstrip("\n")


@pytest.mark.parametrize("what", MOVED)
def test_a_second_time_it_changes_nothing(project: Project, what: str) -> None:
    once = project.moved(dedent(MOVED[what][0]))
    project.calls("--write")
    assert project.text("project.py") == once


# What stays as it is, and what is said to be left.
LEFT = {
    "a name that is gone": (
        "from dagster_airbyte import build_airbyte_assets\n",
        [(1, "build_airbyte_assets")],
    ),
    "a connection described in code, which shares its name with another": (
        "from dagster_airbyte import AirbyteConnection\n",
        [(1, "AirbyteConnection")],
    ),
    "one of the generated connectors": (
        "from dagster_airbyte.managed.generated.sources import FakerSource\n",
        [(1, "FakerSource")],
    ),
    "a name that nobody knows": (
        "from dagster_airbyte import no_such_name\n",
        [(1, "no_such_name")],
    ),
    "all names at once": (
        "from dagster_airbyte import *\n",
        [(1, "from dagster_airbyte import *")],
    ),
    "a module as a name": (
        "from dagster_airbyte import translator\nt = translator.DagsterAirbyteTranslator\n",
        [(1, "dagster_airbyte.translator")],
    ),
    "a module of which one name is gone": (
        "import dagster_airbyte as da\na = da.AirbyteWorkspace\nb = da.airbyte_sync_op\n",
        [(3, "da.airbyte_sync_op")],
    ),
    "a module that is handed on": (
        "import dagster_airbyte\nprint(vars(dagster_airbyte))\n",
        [(2, "dagster_airbyte")],
    ),
    "a name in a text": (
        "mock.patch('dagster_airbyte.resources.AirbyteClient')\n",
        [(1, "dagster_airbyte.resources.AirbyteClient")],
    ),
    "a dependency in setup.py": (
        "setup(install_requires=['dagster-airbyte>=0.26', 'dagster-airbyte-sync'])\n",
        [(1, "dagster-airbyte>=0.26")],
    ),
    "a dependency that is written with spaces": (
        "setup(install_requires=['dagster-airbyte >= 0.26, < 1'], name='our dagster-airbyte')\n",
        [(1, "dagster-airbyte >= 0.26, < 1")],
    ),
}


@pytest.mark.parametrize("what", LEFT)
def test_it_leaves_and_lists(project: Project, what: str) -> None:
    before, left = LEFT[what]
    assert project.moved(before) == before
    assert project.left() == {"project.py": left}
    assert project.says()["exit_code"] == 1


def test_what_works_with_a_warning_is_moved_and_listed_with_all_that_it_was_given(
    project: Project,
) -> None:
    moved = project.moved(
        """
        from dagster_airbyte import AirbyteResource, load_assets_from_airbyte_instance
        airbyte = AirbyteResource(
            host="airbyte",
            username="me",
            forward_logs=True,
        )
        assets = load_assets_from_airbyte_instance(airbyte, key_prefix="raw", key="x")
        other(host=1)
        """
    )
    assert moved.startswith("from dagster_airbyte_sync import AirbyteResource, load_assets")
    left = [
        (1, "AirbyteResource"),
        (1, "load_assets_from_airbyte_instance"),
        (3, "host="),
        (5, "forward_logs="),
        (7, "key_prefix="),
    ]
    assert project.left() == {"project.py": left}


def test_calls_of_a_client_are_listed_in_files_of_either_package(project: Project) -> None:
    """Not those of other clients, whose methods may have the same names."""
    calls = """
        def run(workspace):
            client = workspace.get_client()
            client.get_connections()
            workspace.get_client().cancel_job(1)
            bigquery.cancel_job(1)
            client.sync_and_poll(connection_id="c")
            with workspace.process_config_and_initialize_cm_cached() as ready:
                ready.sync_and_poll(context=1)
        """
    project.has("other.py", f"# not of dagster_airbyte{dedent(calls)}")
    project.has("theirs.py", f"import dagster_airbyte{dedent(calls)}")
    project.has("ours.py", f"from dagster_airbyte_sync import AirbyteWorkspace{dedent(calls)}")
    left = [
        (4, "get_connections(...)"),
        (5, "cancel_job(...)"),
        (7, "sync_and_poll(connection_id=...)"),
        (8, "process_config_and_initialize_cm_cached(...)"),
    ]
    assert project.left() == {"ours.py": left, "theirs.py": left}


def test_the_successor_is_said_in_the_words_of_the_error(project: Project) -> None:
    project.has("project.py", "from dagster_airbyte import airbyte_sync_op\n")
    ((change,),) = (file["changes"] for file in project.says()["files"])
    assert change["instead"] == "build_airbyte_start_job(...), or dg.define_asset_job of the assets"
    assert change["why"] == "not in this package"


def test_ends_of_lines_and_encodings_stay(project: Project) -> None:
    coding, use = "# -*- coding: latin-1 -*-\r\n", "x = AirbyteWorkspace, '\u00e9'\r\n"
    text = f"{coding}from dagster_airbyte import AirbyteWorkspace\r\n{use}"
    (project.folder / "old.py").write_bytes(text.encode("latin-1"))
    assert project.calls("--write")[0] == 0
    after = (project.folder / "old.py").read_bytes().decode("latin-1")
    assert after == text.replace("dagster_airbyte", "dagster_airbyte_sync")
