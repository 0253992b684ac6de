"""What is built once for all tests of it; these are in one `xdist_group`."""

import pytest

from helpers.artefacts import Artefacts, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Artefacts:
    both, tree = tmp_path_factory.mktemp("both"), tmp_path_factory.mktemp("tree")
    build("--outdir", str(both))
    build("--wheel", "--outdir", str(tree))
    [sdist], [from_sdist] = both.glob("*.tar.gz"), both.glob("*.whl")
    [from_tree] = tree.glob("*.whl")
    return Artefacts(sdist, from_sdist, from_tree)
