"""Each break has its one line in today's product, and leaves Python. It takes a second.

What a row says when its line has changed names the lines that are now most like it.
"""

from pathlib import Path

import pytest

from helpers.breaks import Break
from mutations.breaks import BREAKS

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.invariant)
def test_a_break_has_its_line_in_the_product(one: Break) -> None:
    source = (CHECKOUT / one.file).read_text()
    assert one.apply(source) != source
