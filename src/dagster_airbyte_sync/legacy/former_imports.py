"""Imports of names of dagster-airbyte that are not here: they fail, and say what to import."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import NoReturn

from dagster_airbyte_sync.legacy.former_names import OURS, module_sentence, sentence

# Where dagster-airbyte and this package both have a module of the name.
_SHARED = f"{OURS}.resources."


class _FormerImports(MetaPathFinder):
    """Is asked last, for what no other finder has found; raises ImportError for a former name.

    `from package import name` asks the finders for `package.name` if the package has no such
    attribute. So the package itself can raise AttributeError, on which `hasattr`, `getattr` with a
    default, pickle and mocks rely, and an import statement still ends with the sentence.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if fullname.startswith(f"{OURS}.") and (said := _said_of(fullname)):
            raise ImportError(said, name=fullname)


def _said_of(fullname: str) -> str | None:
    inner = fullname.removeprefix(f"{OURS}.")
    if fullname.startswith(_SHARED):
        name = fullname.removeprefix(_SHARED)
        public = getattr(sys.modules[OURS], "__all__", ())
        if name in public:
            return f"{name} is in the package itself: from {OURS} import {name}."
        return sentence(name)
    return sentence(inner) or module_sentence(inner)


def say_what_replaces_former_names() -> None:
    """Let imports say it, once, however often the package is loaded."""
    if not any(type(each).__name__ == _FormerImports.__name__ for each in sys.meta_path):
        sys.meta_path.append(_FormerImports())


def no_such_name(name: str) -> NoReturn:
    """Raise AttributeError for a name that the package does not have."""
    raise AttributeError(sentence(name) or f"module {OURS!r} has no attribute {name!r}", name=name)
