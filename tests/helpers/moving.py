"""A project of somebody who moves over from dagster-airbyte, and what `migrate` says of it."""

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from dagster_airbyte_sync.cli import main


class Project:
    """Files in a folder, in which the command is called."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def has(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), newline="")

    def text(self, name: str) -> str:
        return (self.folder / name).read_bytes().decode()

    def calls(self, *options: str) -> tuple[int, str]:
        """The exit code, and what is printed."""
        code = main(["migrate", str(self.folder), *options])
        return code, self._capsys.readouterr().out

    def says(self, *options: str) -> dict[str, Any]:
        """The JSON, with paths below the folder; `exit_code` is in it."""
        code, printed = self.calls("--json", *options)
        said: dict[str, Any] = json.loads(printed)
        for file in said["files"]:
            file["path"] = Path(file["path"]).relative_to(self.folder).as_posix()
        return {**said, "exit_code": code}

    def left(self, *options: str) -> dict[str, list[tuple[int, str]]]:
        """Line and thing of all that is left to do by hand, by file."""
        return {
            file["path"]: [
                (each["line"], each["what"])
                for each in file["changes"]
                if each["kind"] == "by hand"
            ]
            for file in self.says(*options)["files"]
        }

    def moved(self, text: str) -> str:
        """The text of a Python file after `--write`."""
        self.has("project.py", text)
        self.calls("--write")
        return self.text("project.py")
