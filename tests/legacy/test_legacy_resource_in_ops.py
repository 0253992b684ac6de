"""An AirbyteResource in an op: what it can no longer do is an error that says what does it now."""

from typing import Any

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteResource, AirbyteSettingsError
from dagster_airbyte_sync.legacy.resource import SUCCESSORS
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.simulated import host_and_port


@pytest.fixture
def resource() -> Any:
    """Any: what is called here, no type checker would let pass."""
    return AirbyteResource(host="airbyte", port="8000")


@pytest.mark.parametrize("arguments", [{"connection_id": "c"}, {}, {"poll_interval": 1}])
def test_a_sync_by_id_names_the_successors(resource: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(AirbyteSettingsError, match="build_airbyte_start_job, or"):
        resource.sync_and_poll(**arguments)


def test_a_sync_by_id_in_an_op_fails_the_op_with_that_sentence(resource: Any) -> None:
    @dg.op
    def sync(airbyte: AirbyteResource) -> None:
        airbyte.sync_and_poll("e0d5c1a4-7f0c-4a52-8a4e-1f2b3c4d5e6f")

    @dg.job(resource_defs={"airbyte": resource})
    def nightly() -> None:
        sync()

    with pytest.raises(AirbyteSettingsError, match="takes the context of an asset"):
        nightly.execute_in_process()


@pytest.mark.parametrize("name", SUCCESSORS)
def test_a_method_that_is_gone_names_its_successor(resource: Any, name: str) -> None:
    with pytest.raises(AirbyteSettingsError, match=rf"AirbyteResource\.{name} was removed: \w+"):
        getattr(resource, name)


def test_any_other_name_is_no_attribute(resource: Any) -> None:
    with pytest.raises(AttributeError, match="no_such"):
        _ = resource.no_such


def test_the_successors_do_it() -> None:
    with AirbyteSimulator(auth="none") as airbyte:
        shop = airbyte.add_connection("shop", ["orders"])
        resource = AirbyteResource(**host_and_port(airbyte))
        client = resource.get_client()
        job = client.start_sync(shop.connection_id)
        client.cancel(job.id)
        assert client.job(job.id).status.value == "cancelled"
        assert [*resource.fetch_catalog().connections] == [shop.connection_id]
        assert resource.settings().workspace_id == airbyte.workspace_id
