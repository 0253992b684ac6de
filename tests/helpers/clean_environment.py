"""Virtual environments into which a built package is installed as users install it."""

import json
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CleanEnvironment:
    """An environment of its own, which only borrows the dependencies that are installed here.

    What is borrowed lies behind a path entry, for which Python does not read `.pth` files: an
    editable install of the package that runs the tests stays invisible.
    """

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> "CleanEnvironment":
        _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
        made = cls(folder)
        site_packages = Path(made.answer("import sysconfig; print(sysconfig.get_path('purelib'))"))
        borrowed = sysconfig.get_path("purelib")
        (site_packages / "borrowed.pth").write_text(f"{borrowed}\n", encoding="utf-8")
        return made

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def install(self, artefact: Path) -> None:
        """Install a wheel or sdist, without its dependencies."""
        pip = (sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet")
        _run(*pip, "--no-deps", "--ignore-installed", "--disable-pip-version-check", str(artefact))

    def answer(self, program: str) -> str:
        """What a program prints that runs in this environment, outside of any checkout."""
        return _run(self.python, "-I", "-c", program, cwd=self.folder).strip()

    def json(self, program: str) -> object:
        found: object = json.loads(self.answer(program))
        return found


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
