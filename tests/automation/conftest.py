from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.automated import Automated, automated


@pytest.fixture(scope="session")
def _deployment(
    tmp_path_factory: pytest.TempPathFactory, empty_storage: Path
) -> Iterator[Automated]:
    with automated(tmp_path_factory.mktemp("automated"), empty_storage) as deployment:
        yield deployment


@pytest.fixture
def deployment(_deployment: Automated) -> Automated:
    """One for all tests, as code servers take seconds to start: nothing is left to do in it."""
    _deployment.settle()
    return _deployment
