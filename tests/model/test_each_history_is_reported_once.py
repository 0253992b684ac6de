"""Any history of Airbyte is reported once, by any mixture of sensors and runs that may die.

`MODEL_SEED` (default 0) and `MODEL_EXAMPLES` choose which and how many histories are tried; two
workers of pytest-xdist share them. What can happen is in `helpers/model_rules_airbyte.py` and
`helpers/model_rules_dagster.py`.
"""

import os
import sys
from collections.abc import Callable
from datetime import timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import initialize, invariant, run_state_machine_as_test

from helpers.model_rules_dagster import DagsterRules
from helpers.model_score import SCORE
from helpers.model_world import Kind, World

SEED = int(os.environ.get("MODEL_SEED", "0"))
EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "20"))
STEPS = 50
PARTS = 2

# The Configuration API is closed on some servers all the time.
SERVERS = st.sampled_from([("2.1.0", True), ("2.1.0", True), ("2.0.0", True), ("1.5.0", True)])
CLOSED_SERVERS = st.sampled_from([("2.1.0", False), ("2.0.0", False)])

kinds = st.builds(
    lambda off, server, page, events, checks, minutes: Kind(
        clock_is_off=timedelta(minutes=off),
        version=server[0],
        configuration_api=server[1],
        page=page,
        events=events,
        checks=checks,
        look_back=timedelta(minutes=minutes),
    ),
    off=st.sampled_from([0, 0, 7, -7, 600]),
    server=st.one_of(SERVERS, SERVERS, CLOSED_SERVERS),
    page=st.sampled_from([100, 5, 3, 2, 1]),
    events=st.sampled_from([250, 7, 5, 4, 3]),
    checks=st.booleans(),
    minutes=st.sampled_from([24 * 60, 10]),
)


class Histories(DagsterRules):
    @initialize(kind=kinds, streams=st.lists(st.integers(1, 8), min_size=1, max_size=3))
    def begin(self, kind: Kind, streams: list[int]) -> None:
        self.world = World(kind)
        for number in streams:
            self.world.add_connection(number)
        self.world.restart_code_server()
        self.world.airbyte.advance(1)
        SCORE.histories += 1

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.world.come_to_rest()
                SCORE.jobs += self.world.truth.jobs.count()
        finally:
            self.world.close()

    @invariant()
    def no_secret_is_printed(self) -> None:
        self.world.truth.look()
        self.world.check_nothing_secret_was_printed()
        SCORE.steps += 1


@pytest.mark.parametrize("part", range(PARTS))
def test_each_history_is_reported_once_and_in_order(
    record_property: Callable[[str, object], None], part: int
) -> None:
    SCORE.reset()
    try:
        run_state_machine_as_test(
            seed(PARTS * SEED + part)(Histories),
            settings=settings(
                max_examples=EXAMPLES // PARTS,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
                report_multiple_bugs=False,
                print_blob=False,
            ),
        )
    finally:
        record_property("measured", f"{SCORE.line()} (MODEL_SEED={SEED}, part {part})")
