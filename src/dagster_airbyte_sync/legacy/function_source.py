"""The code that stands for a function: its name, or what a lambda was written as. Pure."""

import ast
import builtins
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType

Function = Callable[..., object]


def code_of(function: Function, otherwise: str) -> str:
    """An expression for the function: the name that its module has for it, or a lambda's code.

    `otherwise`, a name, for what has neither: methods of an object, functions within functions.
    """
    if getattr(function, "__name__", "") == "<lambda>":
        return _code_of_lambda(function) or otherwise
    return _path_to(function) or otherwise


def is_path(code: str) -> bool:
    """Whether the expression is a name, or names with dots between them."""
    return all(part.isidentifier() for part in code.split("."))


def names_used_by(function: Function) -> frozenset[str]:
    """The attributes (and global names) in the function's own code."""
    own = getattr(function, "__func__", function)
    return frozenset(_names_in(own.__code__)) if inspect.isfunction(own) else frozenset()


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for each in code.co_consts:
        # A function within the function, or before Python 3.12 a comprehension.
        if isinstance(each, CodeType):
            yield from _names_in(each)


def _path_to(function: Function) -> str | None:
    path = getattr(function, "__qualname__", "")
    found = (_look_up(path.split("."), names) for names in _namespaces(function))
    return path if function in found else None


def _namespaces(function: Function) -> Iterator[Mapping[str, object]]:
    yield getattr(function, "__globals__", {})
    # What a decorator made has the globals of the decorator, and its own module's name.
    yield vars(sys.modules.get(getattr(function, "__module__", None) or "", builtins))
    yield vars(builtins)


def _look_up(path: Sequence[str], names: Mapping[str, object]) -> object:
    found = names.get(path[0])
    for part in path[1:]:
        found = getattr(found, part, None)
    return found


def _code_of_lambda(function: Function) -> str | None:
    try:
        lines, start = inspect.findsource(function)
        tree = ast.parse("".join(lines))
    except (OSError, SyntaxError, TypeError):
        return None
    wanted = function.__code__ if inspect.isfunction(function) else None
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda) and node.lineno == start + 1 and _is_code_of(node, wanted)
    ]
    return ast.unparse(found[0]) if len({ast.unparse(node) for node in found}) == 1 else None


def _is_code_of(node: ast.Lambda, wanted: CodeType | None) -> bool:
    """Several lambdas can begin on one line: the right one compiles to the same words."""
    expression = ast.fix_missing_locations(ast.Expression(node))
    constants = compile(expression, "lambda", "eval").co_consts
    made = next(each for each in constants if isinstance(each, CodeType))
    return wanted is not None and _words(made) == _words(wanted)


def _words(code: CodeType) -> tuple[object, ...]:
    constants = tuple(each for each in code.co_consts if not isinstance(each, CodeType))
    return code.co_varnames, code.co_names, constants
