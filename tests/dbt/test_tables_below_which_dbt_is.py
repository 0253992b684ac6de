"""With a DbtSourcesTranslator tables have the very keys that the real dagster-dbt gives sources."""

import json
from pathlib import Path

import pytest

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers import dagster_airbyte_env
from helpers.dbt_manifest import Source, manifest_of
from helpers.described_assets import Described
from helpers.variables import variables

pytestmark = [dagster_airbyte_env.needs_dagster_airbyte, pytest.mark.xdist_group("dbt")]

PROJECT = [
    Source("revenue", "shop", "raw", "sales"),
    Source("losses", "shop", "raw", "refunds", "tbl_refunds"),
    Source("wins", "shop", "raw", "deals", asset_key=("crm", "deals")),
    Source("shortages", "shop", "raw", "stock"),
]


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Described:
    if not dagster_airbyte_env.is_there("dagster_dbt"):
        pytest.skip("The Python that DAGSTER_AIRBYTE_PYTHON names has no dagster-dbt")
    folder = tmp_path_factory.mktemp("dbt_keys")
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(manifest_of(PROJECT)))
    with AirbyteSimulator() as airbyte:
        lake = airbyte.add_destination(configuration={"database": "shop", "schema": "raw"})
        airbyte.add_connection("shop", ["sales", "tbl_refunds", "deals"], destination=lake)
        helpers = Path(dagster_airbyte_env.__file__).parent
        environ = {
            **variables(airbyte.workspace_config()),
            **dagster_airbyte_env.importable_there(folder),
            "DBT_MANIFEST": str(manifest),
        }
        return dagster_airbyte_env.said_there(str(helpers / "dbt_lineage.py"), environ=environ)


def test_a_model_lies_below_the_table_that_its_source_is(below: Described) -> None:
    assert below["usual"] == {
        "revenue": {"revenue_source/sales": "sales"},
        "losses": {"losses_source/refunds": "tbl_refunds"},
        "wins": {"crm/deals": "deals"},
        "shortages": {"shortages_source/stock": None},
    }


def test_a_dbt_translator_of_ones_own_says_the_keys(below: Described) -> None:
    assert below["own"]["revenue"] == {"lake/revenue_source/sales": "sales"}
    assert below["own"]["wins"] == {"lake/crm/deals": "deals"}
