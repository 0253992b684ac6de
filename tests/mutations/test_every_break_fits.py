"""Each break has its one line in today's product, leaves Python, and names tests that there are.

It takes a second. What a row says when its line has changed names the lines that are now most like
it.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

from helpers.breaks import Break
from mutations.breaks import BREAKS

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.invariant)
def test_a_break_has_its_line_in_the_product(one: Break) -> None:
    source = (CHECKOUT / one.file).read_text()
    assert one.apply(source) != source


@cache
def names_in(file: str) -> set[str]:
    module = ast.parse((CHECKOUT / file).read_text())
    return {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.invariant)
def test_a_break_names_tests_that_there_are(one: Break) -> None:
    for named in one.noticed_by.split():
        file, _, test = named.partition("::")
        tests = names_in(file)
        assert not test or test.partition("[")[0] in tests, f"{file} has no {test}"
