"""What the README and the pages of the documentation show: code, settings, commands."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import dedent

from helpers.checkout import ROOT

README = ROOT / "README.md"
DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```$", flags=re.S | re.M)
_INCLUDED = re.compile(r'^--8<-- "([^"]+)"$')


@dataclass(frozen=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        """The code blocks in that language, as they are printed."""
        return [dedent(code) for _, found, code in _BLOCK.findall(self.text) if found == language]

    @property
    def samples(self) -> list[str]:
        """The Python code that is on the page itself."""
        return [code for code in self.blocks("python") if not _INCLUDED.match(code.strip())]

    @property
    def included(self) -> list[str]:
        """The files whose code the page shows."""
        blocks = (code.strip() for _, _, code in _BLOCK.findall(self.text))
        return [found[1] for block in blocks if (found := _INCLUDED.match(dedent(block)))]

    @property
    def commands(self) -> list[str]:
        """The arguments of `dagster-airbyte-sync` where the page calls it."""
        lines = "\n".join(self.blocks("console"))
        return re.findall(r"^\$ dagster-airbyte-sync (.*)$", lines, flags=re.M)


PAGES = [Page(path) for path in [README, *sorted(DOCS.rglob("*.md"))]]
