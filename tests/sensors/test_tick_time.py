"""The time a tick may take: from the daemon's own limit, and never negative."""

import pytest

from dagster_airbyte_sync.sensors.tick_basics import tick_seconds

SENSOR = "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS"
ANY = "DAGSTER_GRPC_TIMEOUT_SECONDS"


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 40),
        ({SENSOR: "300"}, 40),
        ({SENSOR: "15"}, 10),
        ({SENSOR: "3"}, 2),
        ({ANY: "30"}, 20),
        ({SENSOR: "15", ANY: "30"}, 10),
        ({SENSOR: "0"}, 40),
        ({SENSOR: "-5"}, 40),
        ({SENSOR: "soon"}, 40),
        ({SENSOR: "nan"}, 40),
    ],
)
def test_two_thirds_of_the_limit_and_at_most_forty_seconds(
    environ: dict[str, str], seconds: float
) -> None:
    assert tick_seconds(environ) == pytest.approx(seconds)
