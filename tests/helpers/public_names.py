"""The public names of dagster-airbyte and of its modules, as plain JSON.

A program, for an environment in which dagster-airbyte is installed, that reads its code: some names
are only there if another package is.
"""

import ast
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "dagster_airbyte"


def public_names() -> dict[str, list[str]]:
    """By module within the package; "" is the package itself, which imports what is its own."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent
    files = (file for file in sorted(root.rglob("*.py")) if file.stem not in ("__init__", "cli"))
    defined = {".".join(each.relative_to(root).with_suffix("").parts): each for each in files}
    return {
        "": sorted(_imported(root / "__init__.py")),
        **{module: sorted(_defined(file)) for module, file in defined.items()},
    }


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            yield from (alias.name for alias in node.names)


def _defined(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


if __name__ == "__main__":
    print(json.dumps(public_names()))
