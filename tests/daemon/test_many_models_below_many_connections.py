"""5,000 models below 25 connections, of which each has synced four times since the last tick."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic

import dagster as dg

from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.dagster_private import OVER_CODE_SERVERS, CodeServer, automation_daemon
from helpers.local_instance import local_instance
from helpers.simulated import clock_from_now
from helpers.variables import variables

LOCATION = Path(__file__).parent / "models_location.py"
CONNECTIONS, SYNCS = 25, 4


def test_the_tick_ends_in_time_and_everything_is_reported(
    tmp_path: Path, empty_storage: Path, record_property: Callable[[str, object], None]
) -> None:
    """The daemon gives a tick 60 seconds; here it fails if it takes longer."""
    with (
        AirbyteSimulator(clock=clock_from_now()) as airbyte,
        local_instance(tmp_path, empty_storage, OVER_CODE_SERVERS) as instance,
    ):
        for number in range(CONNECTIONS):
            airbyte.add_connection(f"c{number}", streams=[f"t{number}"])
        environ = variables(airbyte.workspace_config())
        servers = [CodeServer(LOCATION)]
        with automation_daemon(instance, servers, environ, lambda: airbyte.now) as daemon:
            daemon.report()
            for _ in range(SYNCS):
                airbyte.advance(timedelta(minutes=10))
                for connection in airbyte.connections:
                    airbyte.run_sync(connection, rows=1)
            airbyte.advance(timedelta(seconds=31))
            begun = monotonic()
            daemon.report()
            seconds = monotonic() - begun

        for number in range(CONNECTIONS):
            reported = instance.fetch_materializations(dg.AssetKey(f"t{number}"), limit=10)
            assert len(reported.records) == SYNCS
        (run,) = instance.get_runs()
        assert run.asset_selection is not None
        assert len(run.asset_selection) == 250
        record_property("measured", f"100 syncs below 5,000 models: a tick of {seconds:.0f} s")
