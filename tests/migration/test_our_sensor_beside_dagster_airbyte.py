"""The first half of a move: the real dagster-airbyte's assets, and our sensor beside them."""

from pathlib import Path

from dagster_airbyte_sync.testing import AirbyteSimulator, RealClock
from helpers.dagster_airbyte_env import half_moved_by_dagster_airbyte, needs_dagster_airbyte

pytestmark = needs_dagster_airbyte


def test_a_run_of_theirs_is_its_syncs_report_and_what_is_external_the_sensors(
    tmp_path: Path,
) -> None:
    """A run of dagster-airbyte names no job. Only the external sync asks for a run of what follows
    it; after the loss of the cursor for the same one, which Dagster then knows."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        airbyte.add_connection("shop", ["orders", "users"], sync_seconds=0.3)
        said = half_moved_by_dagster_airbyte(airbyte.workspace_config(), tmp_path)
        own, external = airbyte.jobs

    assert own.status == external.status == "succeeded"
    assert said["succeeded"]
    assert said["reported"] == [None, external.job_id]
    after_run, after_sync, after_loss = said["run_requests"]
    assert (after_run, len(after_sync)) == ([], 1)
    assert after_loss in ([], after_sync)
