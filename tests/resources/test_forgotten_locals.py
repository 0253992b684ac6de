"""What empties the frames of a traceback empties no others."""

import pytest

from dagster_airbyte_sync.resources.http.frames import forgets_arguments, forgotten_locals


def spoilt(word: str) -> None:
    kept = [word]
    raise ValueError(len(kept))


def test_what_was_being_handled_before_is_left_as_it_was() -> None:
    try:
        spoilt("mine")
    except ValueError as mine:
        with pytest.raises(ValueError, match="1") as failed, forgotten_locals():
            spoilt("yours")
        innermost = mine.__traceback__.tb_next if mine.__traceback__ else None
        assert innermost is not None
        assert innermost.tb_frame.f_locals["kept"] == ["mine"]
    assert failed.value.__context__ is not None
    assert failed.traceback[-1].frame.f_locals == {}


def test_a_function_that_forgets_works_as_before() -> None:
    @forgets_arguments
    def joined(one: str, *, other: str) -> str:
        """Both."""
        return one + other

    assert joined("a", other="b") == "ab"
    assert joined.__doc__ == "Both."
