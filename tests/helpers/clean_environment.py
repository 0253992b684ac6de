"""Virtual environments into which a built package is installed as users install it."""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class CleanEnvironment:
    """An environment of its own, which only borrows the dependencies that are installed here.

    What is borrowed lies behind a path entry, for which Python does not read `.pth` files: an
    editable install of the package that runs the tests stays invisible.
    """

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> "CleanEnvironment":
        made = cls._empty(folder)
        borrowed = sysconfig.get_path("purelib")
        (made.site_packages / "borrowed.pth").write_text(f"{borrowed}\n", encoding="utf-8")
        return made

    @classmethod
    def create_with(cls, folder: Path, *names: str) -> "CleanEnvironment":
        """With nothing but these distributions and what they need."""
        made = cls._empty(folder)
        for found in _with_needs(names):
            for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
                link = made.site_packages / top
                if not link.exists():
                    link.symlink_to(found.locate_file(top))  # type: ignore[arg-type]
        return made

    @classmethod
    def _empty(cls, folder: Path) -> "CleanEnvironment":
        _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
        return cls(folder)

    @property
    def site_packages(self) -> Path:
        return Path(self.answer("import sysconfig; print(sysconfig.get_path('purelib'))"))

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


def _with_needs(names: Iterable[str]) -> list[Distribution]:
    """Distributions that are installed here, and all that these need without any extra."""
    found: dict[str, Distribution] = {}
    open_names = [*names]
    while open_names:
        name = canonicalize_name(open_names.pop())
        if name not in found:
            found[name] = distribution(name)
            needs = map(Requirement, found[name].requires or ())
            open_names += [need.name for need in needs if _is_needed(need)]
    return list(found.values())


def _is_needed(need: Requirement) -> bool:
    return need.marker is None or need.marker.evaluate({"extra": ""})


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
