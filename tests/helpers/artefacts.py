"""The wheel and the sdist of this checkout."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from helpers.checkout import ROOT


@dataclass(frozen=True)
class Artefacts:
    sdist: Path
    wheel_from_sdist: Path
    wheel_from_tree: Path

    def named(self, name: str) -> Path:
        return self.sdist if name == "sdist" else self.wheel_from_tree


def build(*options: str) -> None:
    """As a release is built: in environments that have only what `[build-system]` asks for."""
    command = [sys.executable, "-m", "build", *options, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
