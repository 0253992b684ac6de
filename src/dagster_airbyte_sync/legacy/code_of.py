"""The code that stands for a function: its name, or what a lambda was written as. Pure."""

import ast
import inspect
from collections.abc import Callable
from types import CodeType

Function = Callable[..., object]


def code_of(function: Function, otherwise: str) -> str:
    """An expression for the function; `otherwise`, a name, for a lambda whose code is not found."""
    name = getattr(function, "__name__", "<lambda>")
    if name.isidentifier():
        return name
    return _code_of_lambda(function) or otherwise


def names_used_by(function: Function) -> frozenset[str]:
    """The attributes (and global names) in the function's own code."""
    return frozenset(function.__code__.co_names) if inspect.isfunction(function) else frozenset()


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
